"""A film from the window: the steps of the run that is shown are decoded in full in the background
and written by the engine's own writer; the dialog asks and tells.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QLabel,
    QProgressBar,
    QPushButton,
)
from pytestqt.qtbot import QtBot

from app.state import pixels
from app.state.runs.film import Film, Poll
from app.state.runs.history import History
from app.windows.film_dialog import FilmDialog
from engine.pictures.film import write_film
from tests.app.by_hand import begin, begun, begun_run, grow, heard, remembering, result, step


def coloured(red: int, side: int = 16) -> QImage:
    picture = QImage(side, side, QImage.Format.Format_RGB32)
    picture.fill(QColor(red, 20, 30))
    return picture


def write(frames: Any, **options: Any) -> None:
    """As app.main hands it in."""
    write_film(((number, pixels.to_pil(image)) for number, image in frames), **options)


class Decoder:
    """Makes the full picture of each step; step 2 is not in memory. gate: waited for, if there."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []
        self.threads: set[int] = set()
        self.gate: threading.Event | None = None

    def __call__(self, run: int, index: int, poll: Poll) -> QImage | None:
        self.asked.append((run, index))
        self.threads.add(threading.get_ident())
        while self.gate and not self.gate.wait(0.005):
            poll()
        return None if index == 2 else coloured(10 * index)


@pytest.fixture
def decoder() -> Decoder:
    return Decoder()


@pytest.fixture
def history(qtbot: QtBot) -> History:
    """A run of four steps: step 1 is decoded in full already, and there is an image."""
    history = remembering()
    begin(history, begun(begun_run(1)))
    for index in range(4):
        kind = "vae" if index == 1 else "linear"
        picture = coloured(200 + index, 16 if index == 1 else 2)
        grow(history, step(1, index, kind=kind, predicted=picture))
    history.finish(result(1))
    history.rest()
    return history


@pytest.fixture
def film(history: History, decoder: Decoder) -> Any:
    film = Film(history, decoder, write)
    yield film
    film.close()


def reds(path: Path) -> list[int]:
    with Image.open(path) as image:
        found = []
        for index in range(getattr(image, "n_frames", 1)):
            image.seek(index)
            found.append(image.convert("RGB").getpixel((8, 8))[0])
        return found


def test_every_step_is_there_in_full_where_that_can_be(
    qtbot: QtBot, film: Film, decoder: Decoder, tmp_path: Path
) -> None:
    told, target = heard(film.progressed), tmp_path / "a.webp"
    with qtbot.waitSignal(film.done) as done:
        film.export("webp", False, 0.1, str(target))
    assert decoder.asked == [(1, 0), (1, 2)]  # neither the full one nor the finished image
    assert threading.get_ident() not in decoder.threads
    assert reds(target) == [0, 201, 202, 0]
    with Image.open(target) as image:
        assert image.size == (16, 16)
    assert [step[:2] for step in told] == [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]
    assert f"{target}. Pictures that stay rough: 1," in done.args[0]


@pytest.mark.parametrize("kind", ["gif", "apng", "frames", "sheet"])
def test_all_kinds_come_from_the_window(
    qtbot: QtBot, film: Film, tmp_path: Path, kind: str
) -> None:
    target = tmp_path / {"gif": "a.gif", "apng": "a.apng", "frames": "a", "sheet": "a.png"}[kind]
    with qtbot.waitSignal(film.done):
        film.export(kind, True, 0.1, str(target))
    assert [entry.name for entry in tmp_path.iterdir()] == [target.name]
    if kind == "frames":
        assert len(list(target.iterdir())) == 4
    else:
        assert len(reds(target)) == (1 if kind == "sheet" else 4)


def test_a_film_is_stopped_in_the_middle_of_a_step(
    qtbot: QtBot, film: Film, decoder: Decoder, tmp_path: Path
) -> None:
    decoder.gate = threading.Event()
    film.export("webp", False, 0.1, str(tmp_path / "a.webp"))
    qtbot.waitUntil(lambda: len(decoder.asked) == 1)
    film.export("gif", False, 0.1, str(tmp_path / "b.gif"))  # one at a time
    with qtbot.waitSignal(film.stopped):
        film.stop()
    assert (decoder.asked, list(tmp_path.iterdir())) == ([(1, 0)], [])
    decoder.gate.set()
    with qtbot.waitSignal(film.done):  # and then the next can be made
        film.export("gif", False, 0.1, str(tmp_path / "b.gif"))


def test_closing_gives_up(qtbot: QtBot, film: Film, decoder: Decoder, tmp_path: Path) -> None:
    decoder.gate = threading.Event()
    film.export("webp", False, 0.1, str(tmp_path / "a.webp"))
    qtbot.waitUntil(lambda: len(decoder.asked) == 1)
    film.close()
    assert film._background._pool.activeThreadCount() == 0
    assert list(tmp_path.iterdir()) == []


def test_what_fails_is_told(
    qtbot: QtBot, film: Film, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with qtbot.waitSignal(film.failed) as failed:
        film.export("webp", False, 0.1, str(tmp_path / "gone" / "a.webp"))
    assert "a.webp (No such file or directory)" in failed.args[0]

    def broken(*_: Any) -> None:
        raise RuntimeError("no decoder")

    monkeypatch.setattr(film, "_picture_of", broken)
    with qtbot.waitSignal(film.failed) as failed:
        film.export("webp", False, 0.1, str(tmp_path / "a.webp"))
    assert "RuntimeError: no decoder" in failed.args[0]
    assert list(tmp_path.iterdir()) == []


def test_a_film_is_offered_of_the_run_that_is_shown(film: Film, history: History) -> None:
    available, offered = heard(film.availableChanged), heard(film.offered)
    history.selectionChanged.connect(film.refresh)
    history.select(1, 2)
    film.offer()
    history.unfollow()
    film.offer()
    film.export("webp", False, 0.1, "/nowhere/a.webp")
    assert (available, offered) == ([True, False], [("Run 1", 4, "0-film")])
    assert not film.busy


@pytest.fixture
def dialog(qtbot: QtBot, tmp_path: Path) -> FilmDialog:
    dialog = FilmDialog()
    qtbot.addWidget(dialog)
    dialog.show()
    dialog.open_up("<b>Run</b> 1", 4, str(tmp_path / "7-film"))
    return dialog


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def give(path: str) -> None:
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (path, ""))
        monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: path)

    return give


def part(dialog: FilmDialog, kind: type[Any], name: str) -> Any:
    found = dialog.findChild(kind, name)
    assert found is not None
    return found


def click(qtbot: QtBot, dialog: FilmDialog, name: str) -> None:
    qtbot.mouseClick(part(dialog, QPushButton, name), Qt.MouseButton.LeftButton)


def test_the_dialog_asks_for_what_was_chosen(
    qtbot: QtBot, dialog: FilmDialog, answer: Callable[[str], None], tmp_path: Path
) -> None:
    asked = heard(dialog.exportRequested)
    kinds = part(dialog, QComboBox, "filmKindPicker")
    seconds = part(dialog, QDoubleSpinBox, "filmSecondsSpin")
    seconds.setValue(0.5)
    part(dialog, QCheckBox, "filmNumbersBox").setChecked(True)
    assert "3.5 s" in part(dialog, QLabel, "filmNote").text()
    (tmp_path / "b.gif").touch()
    (tmp_path / "7-film").mkdir()
    paths = {"webp": "a.webp", "gif": "b", "apng": "a.APNG", "frames": "", "sheet": "x.png"}
    for place, name in enumerate(paths.values()):
        kinds.setCurrentIndex(place)
        assert seconds.isEnabled() == (place < 3)
        answer(str(tmp_path / name))
        click(qtbot, dialog, "filmExportButton")
    answer("")
    click(qtbot, dialog, "filmExportButton")
    targets = ["a.webp", "b-2.gif", "a.APNG", "7-film-2", "x.png"]
    assert asked == [
        (kind, True, 0.5, str(tmp_path / target))
        for kind, target in zip(paths, targets, strict=True)
    ]


def test_an_ending_that_was_typed_says_the_kind(
    qtbot: QtBot, dialog: FilmDialog, answer: Callable[[str], None], tmp_path: Path
) -> None:
    asked = heard(dialog.exportRequested)
    kinds = part(dialog, QComboBox, "filmKindPicker")
    for name in ("a.gif", "a.APNG", "a.v2"):
        answer(str(tmp_path / name))
        click(qtbot, dialog, "filmExportButton")
    wanted = [("gif", "a.gif"), ("apng", "a.APNG"), ("apng", "a.v2.apng")]
    assert [(told[0], told[3]) for told in asked] == [(k, str(tmp_path / n)) for k, n in wanted]
    assert kinds.currentData() == "apng"


def test_the_dialog_tells_how_far_it_is(qtbot: QtBot, dialog: FilmDialog) -> None:
    stops, reveals = heard(dialog.stopRequested), heard(dialog.revealRequested)
    bar = part(dialog, QProgressBar, "filmProgressBar")
    line = part(dialog, QLabel, "filmStatusLabel")
    reveal = part(dialog, QPushButton, "filmRevealButton")
    export = part(dialog, QPushButton, "filmExportButton")
    dialog.begin()
    dialog.set_progress(1, 4, "Developing step 2")
    assert (bar.value(), line.text(), export.isEnabled()) == (250, "Developing step 2", False)
    click(qtbot, dialog, "filmStopButton")
    dialog.show_stopped("Stopped.")
    assert (bar.isVisible(), line.text(), export.isEnabled()) == (False, "Stopped.", True)
    dialog.begin()
    dialog.show_failure("<i>No</i> room.")
    assert line.property("role") == "alarm"
    assert line.textFormat() == Qt.TextFormat.PlainText
    assert not reveal.isVisible()
    dialog.show_done("Saved.")
    click(qtbot, dialog, "filmRevealButton")
    assert (len(stops), len(reveals)) == (1, 1)
    dialog.open_up("Run 2", 9, "/x/8-film")
    assert not reveal.isVisible()


def test_every_control_has_a_name_and_a_tooltip(dialog: FilmDialog) -> None:
    for kind in (QComboBox, QDoubleSpinBox, QCheckBox, QPushButton):
        for control in dialog.findChildren(kind):
            assert control.accessibleName(), control.objectName()
            assert control.toolTip(), control.objectName()
