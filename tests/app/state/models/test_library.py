"""The library in the window: what it finds and when it looks again, what the person says about
files, and verifying.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.preferences import Preferences
from app.state.store.store import WAL, Store, StoredRow
from engine import checkpoint
from tests.app.library_desk import (
    BUNDLED,
    SD1,
    SD2,
    XL,
    Open,
    add,
    heard,
    libraries,
    models_folder,
    role,
    shown,
)
from tests.checkpoints import VAE, write


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return models_folder(tmp_path)


@pytest.fixture
def kept() -> list[Preferences]:
    """The preferences of the libraries that were opened."""
    return []


@pytest.fixture
def open_library(qtbot: QtBot, tmp_path: Path, kept: list[Preferences]) -> Iterator[Open]:
    with libraries(qtbot, tmp_path, kept) as open_one:
        yield open_one


def test_shows_what_is_bundled_cached_and_added(
    qtbot: QtBot, open_library: Open, models: Path, tmp_path: Path
) -> None:
    file = write(models / "deep" / "v1-5.safetensors", SD1)
    write(models / "ft-mse.safetensors", VAE)
    (models / "bad.safetensors").write_bytes(b"<html>")
    snapshot = tmp_path / "hub" / "models--owner--name" / "snapshots" / ("0" * 40)
    shutil.copytree(BUNDLED[0][2], snapshot)
    first = open_library()
    assert shown(first) == ["Emoji", "owner/name"]
    add(qtbot, first, models)
    library = open_library()  # the folder is remembered
    assert [shown(library, column) for column in (0, 3, 4, 5)] == [
        ["Emoji", "bad", "ft-mse", "owner/name", "v1-5"],
        ["float16", "", "float16", "float16", "float16"],
        ["v-prediction", "", "", "v-prediction", "epsilon"],
        ["Ready", "Damaged", "Ready", "Ready", "Ready"],
    ]
    assert shown(library, 1)[2:4] == ["VAE", "Stable Diffusion 1"]
    assert [source for source, _, _ in library.sources] == ["bundled", str(snapshot), str(file)]
    assert "web page" in role(library, "problem", "bad")
    assert "goes with a model" in role(library, "problem", "ft-mse")
    library.remove_folder(str(models))
    assert shown(library) == shown(open_library()) == ["Emoji", "owner/name"]


def test_two_of_one_name_are_told_apart(qtbot: QtBot, open_library: Open, models: Path) -> None:
    for folder in ("a", "b"):
        write(models / folder / "x.safetensors", SD1)
    library = open_library()
    add(qtbot, library, models)
    add(qtbot, library, models / "a")  # found twice, shown once
    assert shown(library) == ["Emoji", "x", "x"]
    assert [label for _, label, _ in library.sources] == ["Emoji", "x in a", "x in b"]
    notes = heard(library.noteChanged)
    library.add_folder(f"{models}/a/")
    assert len(library.folders) == 2 and "already" in notes[0]


def test_a_folder_that_is_not_there_is_told_and_found_when_it_comes(
    qtbot: QtBot, open_library: Open, models: Path
) -> None:
    library = open_library()
    stick = models / "stick"
    add(qtbot, library, stick)
    assert library.folders == [(str(stick), False)]
    write(models / "new" / "x.safetensors", SD1)
    (models / "new").rename(stick)
    qtbot.waitUntil(lambda: shown(library) == ["Emoji", "x"])
    qtbot.waitUntil(lambda: library.folders == [(str(stick), True)])


def test_follows_what_happens_on_the_disk(qtbot: QtBot, open_library: Open, models: Path) -> None:
    (models / "deep").mkdir()
    library = open_library()
    add(qtbot, library, models)
    whole = write(models / "aside", XL).read_bytes()
    file = models / "deep" / "xl.safetensors"
    told = heard(library.sourcesChanged)
    file.write_bytes(whole[:-10])  # a copy that is under way
    qtbot.waitUntil(lambda: shown(library, 5) == ["Ready", "Damaged"])
    with file.open("ab") as copy:
        copy.write(whole[-10:])
    qtbot.waitUntil(lambda: shown(library, 5) == ["Ready", "Ready"])
    assert [source for source, _, _ in told[-1]] == ["bundled", str(file)]
    file.rename(file.with_name("renamed.safetensors"))
    qtbot.waitUntil(lambda: shown(library) == ["Emoji", "renamed"])
    shutil.rmtree(models / "deep")
    qtbot.waitUntil(lambda: shown(library) == ["Emoji"])


def test_many_files_come_in_portions_and_a_removed_folder_ends_its_look(
    qtbot: QtBot, open_library: Open, models: Path
) -> None:
    seen: list[int] = []

    def endless(folder: str) -> Iterator[Any]:
        for number in range(100_000):
            seen.append(number)
            time.sleep(0.0005)
            yield checkpoint.Checkpoint(
                source=str(number), name=str(number), path=str(number), layout="file"
            )

    library = open_library(scan=endless)
    library.add_folder(str(models))
    qtbot.waitUntil(lambda: 1 < len(shown(library)) < 1000)
    library.remove_folder(str(models))
    assert shown(library) == ["Emoji"]
    qtbot.waitUntil(lambda: not library.is_scanning)
    qtbot.wait(50)
    before = len(seen)
    qtbot.wait(50)
    assert len(seen) == before


def test_filters_by_words_and_sorts(qtbot: QtBot, open_library: Open, models: Path) -> None:
    write(models / "anime" / "Alpha.safetensors", XL, dtype="F32")
    write(models / "photo" / "beta.safetensors", SD1)
    library = open_library()
    add(qtbot, library, models)
    for words, names in (
        ("xl", ["Alpha"]),
        ("PHOTO epsilon", ["beta"]),
        ("diffusion", ["Emoji", "Alpha", "beta"]),
        ("alpha beta", []),
        ("  ", ["Emoji", "Alpha", "beta"]),
    ):
        library.set_filter(words)
        assert shown(library) == names
    library.model.sort(2, Qt.SortOrder.AscendingOrder)
    sizes = {"Alpha": XL, "beta": SD1}
    assert shown(library)[-1] == "Emoji" and set(shown(library)[:2]) == set(sizes)
    library.model.sort(0, Qt.SortOrder.DescendingOrder)
    assert shown(library) == ["beta", "Alpha", "Emoji"]


def test_remembers_what_a_file_predicts(
    qtbot: QtBot, open_library: Open, models: Path, kept: list[Preferences]
) -> None:
    file = write(models / "x.safetensors", SD2)
    library = open_library()
    add(qtbot, library, models)
    source = str(file)
    assert library.needs_answer(source) and library.prediction_type(source) is None
    assert role(library, "askable", "x") and shown(library, 4)[1] == "not told"
    told = heard(library.predictionTypeChanged)
    library.set_prediction_type(source, "epsilon")
    assert told == [source] and library.prediction_type(source) == "epsilon"
    assert shown(library, 4)[1] == "epsilon (your answer)" and not library.needs_answer(source)

    wait_for_sha256(qtbot, kept[0], file)
    early = open_library(announced=False)  # the last model is loaded before anything is found
    assert early.prediction_type(source) == "epsilon"

    moved = models / "elsewhere" / "y.safetensors"  # by its content, wherever it goes
    moved.parent.mkdir()
    shutil.copyfile(file, moved)
    file.unlink()
    again = open_library()
    qtbot.waitUntil(lambda: again.prediction_type(str(moved)) == "epsilon")
    again.set_prediction_type(str(moved), "")
    assert again.needs_answer(str(moved))


def wait_for_sha256(qtbot: QtBot, preferences: Preferences, file: Path) -> None:
    """Until the answer about that file is kept with its SHA-256."""
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    qtbot.waitUntil(
        lambda: digest in [one["sha256"] for one in preferences.get("prediction_types", [])]
    )


def test_another_file_of_the_same_name_and_size_is_asked_about_anew(
    qtbot: QtBot, open_library: Open, models: Path, kept: list[Preferences]
) -> None:
    file = write(models / "x.safetensors", SD2)
    library = open_library()
    add(qtbot, library, models)
    library.set_prediction_type(str(file), "epsilon")
    wait_for_sha256(qtbot, kept[0], file)
    content = file.read_bytes()
    file.unlink()
    file.write_bytes(content[:-1] + b"x")
    again = open_library()
    qtbot.wait(100)
    assert again.needs_answer(str(file)) and again.prediction_type(str(file)) is None


def test_preferences_that_somebody_wrote_do_no_harm(open_library: Open, tmp_path: Path) -> None:
    odd = {"model_folders": [1, None], "prediction_types": [1, {"path": 2}, {"path": "x"}]}
    rows = {("setting", name): StoredRow(json.dumps(value)) for name, value in odd.items()}
    Store(tmp_path / "safelight.sqlite", WAL).write(rows)
    assert shown(open_library()) == ["Emoji"]


def test_verifying_finds_damage_that_no_header_shows(
    qtbot: QtBot, open_library: Open, models: Path
) -> None:
    file = write(models / "x.safetensors", SD1)
    right = hashlib.sha256(file.read_bytes()).hexdigest()
    library = open_library()
    add(qtbot, library, models)
    notes, progress = heard(library.noteChanged), heard(library.verifyingChanged)
    library.verify(str(file))
    qtbot.waitUntil(lambda: len(notes) == 1)
    assert right in notes[0] and progress[-1] == ("", 0.0)
    (models / "x.sha256").write_text(right)
    library.verify(str(file))
    qtbot.waitUntil(lambda: len(notes) == 2)
    assert "as it should be" in notes[1] and shown(library, 5)[1] == "Ready"
    (models / "x.sha256").write_text("0" * 64)
    library.verify(str(file))
    qtbot.waitUntil(lambda: len(notes) == 3)
    assert "x.sha256" in notes[2] and shown(library, 5)[1] == "Damaged"
    assert role(library, "problem", "x") == notes[2] and len(library.sources) == 1
    write(models / "x.safetensors", XL)  # fetched again
    qtbot.waitUntil(lambda: shown(library, 5)[1] == "Ready")


def test_verifying_can_be_stopped(qtbot: QtBot, open_library: Open, models: Path) -> None:
    file = write(models / "x.safetensors", SD1)
    ended: list[bool] = []

    def slow(found: Any, progress: Callable[[int, int], None]) -> Any:
        try:
            for done in range(10_000):
                time.sleep(0.01)
                progress(done, 10_000)
        finally:
            ended.append(True)

    library = open_library(verify=slow)
    add(qtbot, library, models)
    progress, notes = heard(library.verifyingChanged), heard(library.noteChanged)
    library.verify(str(file))
    qtbot.waitUntil(lambda: any(fraction > 0 for _, fraction in progress))
    library.stop_verifying()
    qtbot.waitUntil(lambda: ended == [True])
    assert progress[-1] == ("", 0.0) and notes == []
    library.verify(str(file))  # which the end of the test must not wait for
