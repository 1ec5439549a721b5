"""The library in the window: what it finds and when it looks again, what the person says about
files, verifying, the dialog, and the same list on the command line."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt
from PySide6.QtWidgets import QComboBox, QLineEdit, QPlainTextEdit, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app import paths
from app.cli import program as cli
from app.preferences import Preferences
from app.state.models.library import Library
from app.state.store.store import WAL, Store, StoredRow
from app.state.store.store_thread import StoreThread
from app.windows.library_dialog import LibraryDialog
from engine import checkpoint
from tests.checkpoints import SD1_TEXT, SD2_TEXT, VAE, XL_TEXT, original, write

SD1, SD2, XL = original(SD1_TEXT), original(SD2_TEXT), original(*XL_TEXT)
BUNDLED = [(m.source, m.label, str(m.folder)) for m in paths.bundled_models()][:1]
"""One is enough for what a library does with it; the command line's own lists show both."""

Open = Callable[..., Library]


@pytest.fixture
def models(tmp_path: Path) -> Path:
    place = tmp_path / "models"
    place.mkdir()
    return place


@pytest.fixture
def kept() -> list[Preferences]:
    """The preferences of the libraries that were opened."""
    return []


@pytest.fixture
def open_library(qtbot: QtBot, tmp_path: Path, kept: list[Preferences]) -> Iterator[Open]:
    """A library on the preferences of this test, as after a start of the program. engine: other
    functions than those of engine.checkpoint."""
    opened: list[Library] = []
    owner = QObject()

    def open_one(announced: bool = True, **engine: Any) -> Library:
        for before in kept:
            before.flush()
        preferences = Preferences(StoreThread(tmp_path / "safelight.sqlite"), owner)
        kept.append(preferences)
        functions: dict[str, Any] = {
            "inspect": checkpoint.inspect,
            "scan": checkpoint.scan,
            "hub_cache": lambda: checkpoint.hub_cache(tmp_path / "hub"),
            "hub_folder": lambda: tmp_path / "hub",
            "verify": checkpoint.verify,
        }
        library = Library(preferences, tuple(BUNDLED), **(functions | engine), parent=owner)
        opened.append(library)
        if announced:
            library.announce()
            wait(qtbot, library)
        return library

    yield open_one
    for library in opened:
        begun = time.monotonic()
        library.close()
        assert time.monotonic() - begun < 1, "closing waits for work that nobody wants"
    # Here and now: Python might do it in a thread of the next test, where Qt does not bear it.
    owner.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def wait(qtbot: QtBot, library: Library) -> None:
    """Until all places have been looked at."""
    qtbot.waitUntil(lambda: not library.is_scanning)


def shown(library: Library, column: int = 0) -> list[str]:
    model = library.model
    return [model.index(row, column).data() for row in range(model.rowCount())]


def role(library: Library, name: str, of: str) -> Any:
    """What the row of that name has under the role of that name."""
    model = library.model
    roles = {bytes(each.data()).decode(): number for number, each in model.roleNames().items()}
    return model.index(shown(library).index(of), 0).data(roles[name])


def heard(signal: Any) -> list[Any]:
    values: list[Any] = []
    signal.connect(lambda *told: values.append(told[0] if len(told) == 1 else told))
    return values


def add(qtbot: QtBot, library: Library, folder: Path) -> None:
    library.add_folder(str(folder))
    wait(qtbot, library)


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


# The dialog


@pytest.fixture
def dialog(qtbot: QtBot) -> LibraryDialog:
    dialog = LibraryDialog()
    qtbot.addWidget(dialog)
    return dialog


@pytest.fixture
def library(qtbot: QtBot, open_library: Open, dialog: LibraryDialog, models: Path) -> Library:
    """Connected to the dialog as app.main does it, with models to show."""
    for name, shapes in (("asks", SD2), ("sd1", SD1), ("vae", VAE)):
        write(models / f"{name}.safetensors", shapes)
    (models / "bad.safetensors").write_bytes(b"<html>")
    library = open_library(announced=False)
    dialog.set_models(library.model)
    library.foldersChanged.connect(dialog.set_folders)
    library.scanningChanged.connect(dialog.set_scanning)
    library.verifyingChanged.connect(dialog.set_verifying)
    library.noteChanged.connect(dialog.set_note)
    dialog.opened.connect(library.refresh)
    dialog.folderAdded.connect(library.add_folder)
    dialog.folderRemoved.connect(library.remove_folder)
    dialog.revealRequested.connect(library.reveal)
    dialog.verifyRequested.connect(library.verify)
    dialog.stopVerifyRequested.connect(library.stop_verifying)
    dialog.predictionTypeChosen.connect(library.set_prediction_type)
    dialog.filterChanged.connect(library.set_filter)
    library.announce()
    dialog.open_up()
    add(qtbot, library, models)
    return library


def select(dialog: LibraryDialog, library: Library, name: str) -> None:
    dialog.view.selectRow(shown(library).index(name))


def part(dialog: LibraryDialog, kind: type[Any], name: str) -> Any:
    return dialog.findChild(kind, name)


def test_the_dialog_offers_what_can_be_done(
    qtbot: QtBot, dialog: LibraryDialog, library: Library, models: Path
) -> None:
    load = part(dialog, QPushButton, "loadModelButton")
    about = part(dialog, QPlainTextEdit, "libraryProblem")
    asked = heard(dialog.loadRequested)
    assert not load.isEnabled() and about.toPlainText() == ""
    for name, loadable in (("sd1", True), ("bad", False), ("vae", False), ("Emoji", True)):
        select(dialog, library, name)
        assert load.isEnabled() == loadable
        qtbot.keyClick(dialog.view, Qt.Key.Key_Return)
    assert asked == [str(models / "sd1.safetensors"), "bundled"]
    select(dialog, library, "bad")
    assert "web page" in about.toPlainText()
    write(models / "bad.safetensors", SD1)  # it is mended while it is looked at
    qtbot.waitUntil(load.isEnabled)
    assert about.toPlainText() == str(models / "bad.safetensors")
    load.click()
    assert asked[-1] == str(models / "bad.safetensors")


def test_the_dialog_asks_what_a_file_predicts(
    qtbot: QtBot, dialog: LibraryDialog, library: Library, models: Path
) -> None:
    picker = part(dialog, QComboBox, "predictionPicker")
    select(dialog, library, "Emoji")
    assert not picker.isVisible()
    select(dialog, library, "sd1")
    assert picker.isVisible() and picker.currentText() == "epsilon, says the file"
    select(dialog, library, "asks")
    assert picker.currentText().startswith("not told")
    picker.setCurrentIndex(picker.findData("epsilon"))
    picker.activated.emit(picker.currentIndex())
    assert library.prediction_type(str(models / "asks.safetensors")) == "epsilon"
    select(dialog, library, "sd1")
    select(dialog, library, "asks")
    assert picker.currentText() == "epsilon"


def test_the_dialog_filters_verifies_and_takes_folders_out(
    qtbot: QtBot, dialog: LibraryDialog, library: Library, models: Path
) -> None:
    field = part(dialog, QLineEdit, "libraryFilter")
    qtbot.keyClicks(field, "sd1 ready")
    assert shown(library) == ["sd1"]
    field.clear()
    select(dialog, library, "sd1")
    notes = heard(library.noteChanged)
    part(dialog, QPushButton, "verifyButton").click()
    qtbot.waitUntil(lambda: len(notes) == 1)
    assert part(dialog, QPushButton, "verifyButton").text() == "Verify"
    menu = part(dialog, QPushButton, "removeFolderButton").menu()
    (entry,) = menu.actions()
    assert entry.text() == str(models)
    entry.trigger()
    assert shown(library) == ["Emoji"]
    assert not part(dialog, QPushButton, "removeFolderButton").isEnabled()


def test_every_control_of_the_dialog_says_what_it_does(
    dialog: LibraryDialog, library: Library
) -> None:
    names = {
        "libraryFilter", "addFolderButton", "removeFolderButton", "libraryDownloadButton",
        "libraryView", "libraryProblem", "predictionPicker", "verifyProgressBar",
        "revealModelButton", "verifyButton", "loadModelButton",
    }  # fmt: skip
    for name in names:
        control = part(dialog, QWidget, name)
        assert control.accessibleName() and len(control.toolTip()) > 20, name
    asked = heard(dialog.downloadRequested)
    part(dialog, QPushButton, "libraryDownloadButton").click()
    assert len(asked) == 1 and not dialog.isModal()


# The command line


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "hub"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(place))
    return place


def test_the_command_line_lists_the_same(
    cache: Path, models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(models / "x.safetensors", SD2)
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "bad\nname.safetensors").write_bytes(b"<html>")
    snapshot = cache / "models--owner--name" / "snapshots" / ("0" * 40)
    shutil.copytree(BUNDLED[0][2], snapshot)
    paths.preferences_file().parent.mkdir(parents=True)
    paths.preferences_file().write_text(f'{{"model_folders": ["{models}"]}}')
    assert cli.main(["models", "--folder", str(tmp_path / "more")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines] == [
        "bundled", "bundled-ddpm", str(snapshot), str(models / "x.safetensors"),
        str(tmp_path / "more" / "bad\\nname.safetensors"),
    ]  # fmt: skip
    facts = ("Stable Diffusion 1", "76.9 MB", "float16", "v_prediction", "ready")
    assert all(f"  {fact}" in lines[0] or f", {fact}" in lines[0] for fact in facts)
    assert lines[3].split()[-3:] == ["float16", "-", "ready"]
    assert "  damaged: " in lines[4] and "web page" in lines[4]
    paths.preferences_file().write_text("{")
    assert cli.main(["models", "--folder", str(tmp_path / "nowhere")]) == 1
    assert "nowhere" in capsys.readouterr().err


def test_the_command_line_verifies(
    cache: Path, models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(models / "x.safetensors", SD1)
    assert cli.main(["models", "verify", "--folder", str(models)]) == 0
    *bundled, line = capsys.readouterr().out.splitlines()
    assert [told.split()[0] for told in bundled] == ["bundled", "bundled-ddpm"]
    assert hashlib.sha256(file.read_bytes()).hexdigest() in line
    (models / "x.sha256").write_text("0" * 64)
    assert cli.main(["models", "verify", str(file)]) == 1
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"{file}  ") and "x.sha256" in line
    assert cli.main(["models", "--folder", str(models), "verify", "bundled", "no/such"]) == 1
    assert "no/such  is neither a path" in capsys.readouterr().out
