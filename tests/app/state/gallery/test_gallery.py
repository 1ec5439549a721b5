"""Finished images: what is in the folder, thumbnails on demand; and pictures on their way out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QImage
from pytestqt.qtbot import QtBot

from app.state.background import Background
from app.state.gallery.exports import Exports
from app.state.gallery.gallery import GalleryModel
from app.state.gallery.picture import Picture
from app.state.gallery.thumbnails import THUMBNAIL
from app.state.gallery.tile_thumbnails import KEPT
from app.state.runs.run import RunResult, SheetResult
from engine.errors import EngineError
from engine.request.request import Request


def image(width: int = 400, height: int = 200) -> QImage:
    picture = QImage(width, height, QImage.Format.Format_RGB32)
    picture.fill(Qt.GlobalColor.darkGreen)
    return picture


def result(*paths: str | None) -> RunResult:
    images = tuple(image() for _ in paths)
    return RunResult(3, Request(seed=5), images, images[0], paths, "")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """c.png is the newest; other files are none of the gallery's."""
    folder = tmp_path / "images"
    folder.mkdir()
    for age, name in enumerate(["c.png", "a.png", "b.png"]):
        image().save(str(folder / name))
        os.utime(folder / name, (1_000_000 - age, 1_000_000 - age))
    (folder / "notes.txt").write_text("x")
    (folder / ".half.png").write_text("x")
    return folder


@pytest.fixture
def background(qtbot: QtBot) -> Any:
    background = Background()
    yield background
    background.close()


@pytest.fixture
def make(background: Background, tmp_path: Path) -> Iterator[Callable[..., GalleryModel]]:
    """Makes a model, as many as are wanted, on one folder for the indexes."""
    made: list[GalleryModel] = []

    def model(recipe_of: Callable[[str], Any] = no_settings) -> GalleryModel:
        made.append(GalleryModel(background, tmp_path / "cache", recipe_of))
        return made[-1]

    yield model
    for gallery in made:
        gallery.close()


@pytest.fixture
def gallery(qtbot: QtBot, make: Callable[..., GalleryModel], folder: Path) -> GalleryModel:
    gallery = make()
    show(qtbot, gallery, folder)
    assert gallery.rowCount() == 3
    return gallery


@pytest.fixture
def exports(background: Background) -> Exports:
    return Exports(background)


def no_settings(path: str) -> Any:
    raise EngineError("none")


def show(qtbot: QtBot, gallery: GalleryModel, folder: Path) -> None:
    """Show the folder and wait until all is read."""
    with qtbot.waitSignal(gallery.rested):
        gallery.set_folder(str(folder))


def names(gallery: GalleryModel) -> list[str]:
    role = Qt.ItemDataRole.DisplayRole
    return [gallery.data(gallery.index(row), role) for row in range(gallery.rowCount())]


def test_lists_the_folder_newest_first(gallery: GalleryModel, folder: Path) -> None:
    assert names(gallery) == ["c.png", "a.png", "b.png"]
    assert gallery.data(gallery.index(0), Qt.ItemDataRole.UserRole) == str(folder / "c.png")


def test_a_thumbnail_is_made_when_it_is_asked_for(qtbot: QtBot, gallery: GalleryModel) -> None:
    role = Qt.ItemDataRole.DecorationRole
    with qtbot.waitSignal(gallery.dataChanged):
        assert gallery.data(gallery.index(1), role) is None
    thumbnail = gallery.data(gallery.index(1), role)
    assert (thumbnail.width(), thumbnail.height()) == (THUMBNAIL, THUMBNAIL // 2)


def test_new_images_come_first(gallery: GalleryModel) -> None:
    gallery.add(result("/x/5.png", None))
    assert names(gallery)[:3] == ["6.png", "5.png", "c.png"]
    assert gallery.data(gallery.index(0), Qt.ItemDataRole.UserRole) == ""


def test_a_sheet_comes_first_too(gallery: GalleryModel) -> None:
    gallery.add_sheet(SheetResult(Picture("0-grid.png", image(), unsaved=(3, -1)), "No room."))
    gallery.add_sheet(SheetResult(Picture("1-grid.png", image(), "/x/1-grid.png"), ""))
    assert names(gallery)[:3] == ["1-grid.png", "0-grid.png", "c.png"]
    written, unwritten = gallery.picture(0), gallery.picture(1)
    assert written and written.image is None  # the file has it
    assert unwritten and unwritten.unsaved == (3, -1)


def test_an_image_that_came_while_the_folder_was_read_is_there_once(
    qtbot: QtBot, make: Callable[..., GalleryModel], folder: Path
) -> None:
    gallery = make()
    gallery.set_folder(str(folder))
    gallery.add(result(str(folder / "c.png")))
    qtbot.waitUntil(lambda: gallery.rowCount() == 3)
    assert names(gallery) == ["c.png", "a.png", "b.png"]


def test_a_file_that_is_no_picture_is_listed_without_one(
    qtbot: QtBot, gallery: GalleryModel, folder: Path
) -> None:
    role = Qt.ItemDataRole.DecorationRole
    (folder / "a.png").write_text("no picture")
    with qtbot.waitSignal(gallery.dataChanged):
        gallery.data(gallery.index(1), role)
    assert gallery.data(gallery.index(1), role) is None
    assert names(gallery) == ["c.png", "a.png", "b.png"]


def test_a_file_that_is_gone_leaves_the_list(
    qtbot: QtBot, gallery: GalleryModel, folder: Path
) -> None:
    (folder / "a.png").unlink()
    qtbot.waitUntil(lambda: names(gallery) == ["c.png", "b.png"])


def test_opening_reads_the_whole_image(qtbot: QtBot, gallery: GalleryModel) -> None:
    with qtbot.waitSignal(gallery.opened) as opened:
        gallery.open(2)
    picture = opened.args[0]
    assert (picture.name, picture.image.width()) == ("b.png", 400)


def test_a_file_that_is_gone_is_told(qtbot: QtBot, gallery: GalleryModel, folder: Path) -> None:
    (folder / "b.png").unlink()
    with qtbot.waitSignal(gallery.failed) as failed:
        gallery.open(2)
    assert "b.png" in failed.args[0]


def test_memory_for_thumbnails_is_bounded(gallery: GalleryModel) -> None:
    gallery.add(result(*[f"/gone/{number}.png" for number in range(KEPT + 40)]))
    for row in range(gallery.rowCount()):
        gallery.data(gallery.index(row), Qt.ItemDataRole.DecorationRole)
    assert len(gallery._thumbnails) <= KEPT


def test_a_folder_that_is_not_there_is_empty(
    qtbot: QtBot, gallery: GalleryModel, tmp_path: Path
) -> None:
    with qtbot.assertNotEmitted(gallery.failed, wait=100):
        gallery.set_folder(str(tmp_path / "nowhere"))
    assert gallery.rowCount() == 0


def test_saving_copies_the_file_byte_for_byte(
    qtbot: QtBot, exports: Exports, folder: Path, tmp_path: Path
) -> None:
    source, target = folder / "a.png", tmp_path / "copy"
    with qtbot.waitSignal(exports.done):
        exports.save(Picture("a.png", image(), str(source)), str(target))
    assert (tmp_path / "copy.png").read_bytes() == source.read_bytes()
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["copy.png"]


def test_saving_onto_itself_keeps_the_file(qtbot: QtBot, exports: Exports, folder: Path) -> None:
    before = (folder / "a.png").read_bytes()
    with qtbot.waitSignal(exports.done):
        exports.save(Picture("a.png", None, str(folder / "a.png")), str(folder / "a.png"))
    assert (folder / "a.png").read_bytes() == before


def test_a_step_is_saved_as_it_is_shown(qtbot: QtBot, exports: Exports, tmp_path: Path) -> None:
    with qtbot.waitSignal(exports.done):
        exports.save(Picture("step-001.png", image()), str(tmp_path / "s.png"))
    assert QImage(str(tmp_path / "s.png")).width() == 400


def test_an_added_ending_overwrites_nothing(qtbot: QtBot, exports: Exports, folder: Path) -> None:
    before = (folder / "a.png").read_bytes()
    with qtbot.waitSignal(exports.failed):
        exports.save(Picture("x", image(8, 8)), str(folder / "a"))
    assert (folder / "a.png").read_bytes() == before


@pytest.mark.parametrize("has_file", [True, False])
def test_a_place_that_cannot_be_written_is_told(
    qtbot: QtBot, exports: Exports, folder: Path, has_file: bool
) -> None:
    picture = Picture("a.png", image(), str(folder / "a.png") if has_file else "")
    with qtbot.waitSignal(exports.failed) as failed:
        exports.save(picture, str(folder / "notes.txt" / "b.png"))
    assert "b.png" in failed.args[0]


def test_copying_puts_the_picture_on_the_clipboard(
    qtbot: QtBot, exports: Exports, folder: Path
) -> None:
    with qtbot.waitSignal(exports.done):
        exports.copy(Picture("a.png", None, str(folder / "a.png")))
    assert QGuiApplication.clipboard().image().width() == 400


def test_an_unwritten_image_has_no_folder_to_show(exports: Exports) -> None:
    sentences: list[str] = []
    exports.failed.connect(sentences.append)
    exports.reveal(Picture("a.png", image(), unsaved=(1, 0)))
    assert len(sentences) == 1
