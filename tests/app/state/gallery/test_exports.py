"""Pictures saved in other formats, with their records, and settings on the clipboard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from app.state.background import Background
from app.state.gallery.exports import Exports
from app.state.gallery.picture import Picture
from app.state.pixels import sheet
from app.windows.main_window import MainWindow
from engine.record import image_file
from engine.record.image_file import Texts
from tests.app.by_hand import heard


@pytest.fixture
def exports(qtbot: QtBot) -> Any:
    background = Background()
    yield Exports(background, convert=image_file.convert)
    background.close()


@pytest.fixture
def picture(tmp_path: Path) -> Picture:
    """The file of an image, with what it says."""
    path = tmp_path / "a.png"
    noise = Image.effect_noise((32, 24), 60).convert("RGB")
    image_file.write_picture(noise, path, Texts("an owl\nSteps: 4", '{"later": 1}'))
    return Picture("a.png", None, str(path))


@pytest.mark.parametrize("name", ["b.jpg", "b.JPEG", "b.webp", "b.png"])
def test_a_finished_image_keeps_what_it_says_in_every_format(
    qtbot: QtBot, exports: Exports, picture: Picture, tmp_path: Path, name: str
) -> None:
    with qtbot.waitSignal(exports.done) as done:
        exports.save(picture, str(tmp_path / name))
    assert done.args == [f"Saved as {tmp_path / name}"]
    assert image_file.read_texts(tmp_path / name) == image_file.read_texts(picture.path)
    with Image.open(tmp_path / name) as image:
        assert image.format == image_file.format_of(name)


def test_what_a_format_has_no_room_for_is_told(
    qtbot: QtBot, exports: Exports, tmp_path: Path
) -> None:
    long = Texts("x" * 25_000, "y" * 25_000)
    image_file.write_picture(Image.new("RGB", (8, 8)), tmp_path / "a.png", long)
    with qtbot.waitSignal(exports.done) as done:
        exports.save(Picture("a.png", None, str(tmp_path / "a.png")), str(tmp_path / "b.jpg"))
    assert "record of Safelight is left out" in done.args[0]


@pytest.mark.parametrize(("name", "exact"), [("s.jpg", False), ("s.webp", True), ("s.png", True)])
def test_a_step_is_saved_in_every_format(
    qtbot: QtBot, exports: Exports, picture: Picture, tmp_path: Path, name: str, exact: bool
) -> None:
    shown = QImage(picture.path).convertToFormat(QImage.Format.Format_RGB32)
    with qtbot.waitSignal(exports.done):
        exports.save(Picture("step-001.png", shown), str(tmp_path / name))
    with Image.open(tmp_path / name) as image, Image.open(picture.path) as before:
        assert image.format == image_file.format_of(name)
        assert (image.convert("RGB").tobytes() == before.tobytes()) is exact


@pytest.mark.parametrize("name", ["s.jpg", "s.webp", "s.png"])
def test_the_empty_place_of_a_sheet_becomes_black_in_no_format(
    qtbot: QtBot, exports: Exports, tmp_path: Path, name: str
) -> None:
    white = QImage(16, 16, QImage.Format.Format_RGB32)
    white.fill("white")
    with qtbot.waitSignal(exports.done):
        exports.save(Picture("0-to-2.png", sheet((white, white, white))), str(tmp_path / name))
    with Image.open(tmp_path / name) as image:
        *colour, alpha = image.convert("RGBA").crop((24, 24, 25, 25)).tobytes()
        assert alpha == 0 or min(colour) > 20


def test_a_copy_that_cannot_be_written_is_told(
    qtbot: QtBot, exports: Exports, picture: Picture, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    for name in ("gone/b.jpg", "file/b.webp"):
        with qtbot.waitSignal(exports.failed) as failed:
            exports.save(picture, str(tmp_path / name))
        assert f"{tmp_path / name}" in failed.args[0]


def test_settings_go_to_the_clipboard(exports: Exports) -> None:
    done, failed = heard(exports.done), heard(exports.failed)
    exports.copy_settings("an owl\nSteps: 4, Seed: 7")
    assert QGuiApplication.clipboard().text() == "an owl\nSteps: 4, Seed: 7"
    exports.copy_settings("")
    assert (done, len(failed)) == (["Settings copied"], 1)
    assert QGuiApplication.clipboard().text() == "an owl\nSteps: 4, Seed: 7"


@pytest.mark.parametrize(
    ("suggested", "answers", "path"),
    [
        ("a.png", [("x.png", "PNG")], "x.png"),
        ("a.png", [("x.jpeg", "JPEG")], "x.jpeg"),
        ("a.png", [("a.png", "JPEG")], "a.jpg"),
        ("a.png", [("x", "WebP")], "x.webp"),
        ("a.png", [("x.v2", "PNG")], "x.v2.png"),
        ("a.png", [("x.jpg", "PNG")], "x.jpg"),
        ("a.png", [("x.JPEG", None)], "x.JPEG"),
        ("a.png", [("a.webp", "JPEG")], "a.webp"),
        ("a.png", [("old", "WebP"), ("old.webp", "WebP")], "old.webp"),
        ("a.png", [("old.png", "WebP"), ("old.webp", "WebP")], "old.webp"),
        ("a.png", [("old.png", "WebP"), ("", "")], ""),
        ("a.webp", [("a.webp", None)], "a.webp"),
    ],
)
def test_the_chosen_format_and_the_name_agree(
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    suggested: str,
    answers: list[tuple[str, str | None]],
    path: str,
) -> None:
    """None for a filter leaves the one that the dialog began with."""
    (tmp_path / "old.webp").touch()
    monkeypatch.chdir(tmp_path)

    def dialog(parent: Any, title: str, start: str, filters: str, chosen: str) -> tuple[str, str]:
        name, kind = answers.pop(0)
        named = next((f for f in filters.split(";;") if kind and f.startswith(kind)), "")
        return name, chosen if kind is None else named

    monkeypatch.setattr(QFileDialog, "getSaveFileName", dialog)
    window = MainWindow()
    qtbot.addWidget(window)
    assert window.ask_save_path(suggested) == path
    assert not answers
    assert window.isVisible() is False
