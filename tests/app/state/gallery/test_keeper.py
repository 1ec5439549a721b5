"""The gallery's model on real folders: what comes and goes there, the trash and back, notes, files
that mean harm, two windows on one folder, and what all of it costs."""

from __future__ import annotations

import gc
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QItemSelectionModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from app.state.background import Background
from app.state.gallery.gallery import GalleryModel
from app.state.gallery.notes import FILE, digest
from app.state.gallery.thumbnails import ThumbnailStore, Wanted
from app.state.runs.run import RunResult
from app.state.store.store import DELETE, Store
from engine.request.request import Request
from tests.app.gallery_desk import recipe_of, write
from tests.benchmarks.gallery import measure

Make = Callable[[], GalleryModel]


@pytest.fixture(autouse=True)
def trash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's trash of this test."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    return tmp_path / "share" / "Trash"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """c.png is the newest."""
    folder = tmp_path / "images"
    folder.mkdir()
    for age, name in enumerate(["a.png", "b.png", "c.png"]):
        write(folder / name, age, prompt=f"owl {name}", model="emoji", scheduler="ddim", seed=age)
    return folder


@pytest.fixture
def make(qtbot: QtBot, tmp_path: Path, folder: Path) -> Iterator[Make]:
    """Makes a model of the folder and waits until all is read."""
    background = Background()
    made: list[GalleryModel] = []

    def model() -> GalleryModel:
        gallery = GalleryModel(background, tmp_path / "cache", recipe_of)
        made.append(gallery)
        QAbstractItemModelTester(
            gallery, QAbstractItemModelTester.FailureReportingMode.Warning, gallery
        )
        with qtbot.waitSignal(gallery.rested):
            gallery.set_folder(str(folder))
        return gallery

    yield model
    for gallery in made:
        gallery.close()
    background.close()


def names(gallery: GalleryModel) -> list[str]:
    return [gallery.index(row).data() for row in range(gallery.rowCount())]


def shown(qtbot: QtBot, gallery: GalleryModel, *expected: str) -> None:
    qtbot.waitUntil(lambda: names(gallery) == [*expected], timeout=5000)


def test_files_show_up_change_and_go_by_themselves(qtbot: QtBot, make: Make, folder: Path) -> None:
    gallery = make()
    counts: list[tuple[int, int]] = []
    gallery.countChanged.connect(lambda *count: counts.append(count))
    write(folder / "d.webp", 9, prompt="new")
    (folder / "half.png.part").write_text("x")
    (folder / "reserved.png").touch()
    shown(qtbot, gallery, "d.webp", "c.png", "b.png", "a.png")
    qtbot.waitUntil(lambda: gallery.facts(0).prompt == "new")
    (folder / "b.png").rename(folder / "e.png")
    shown(qtbot, gallery, "d.webp", "c.png", "e.png", "a.png")
    write(folder / "a.png", 20, prompt="made anew")
    gallery._look()  # no system tells of a file that was written over
    shown(qtbot, gallery, "a.png", "d.webp", "c.png", "e.png")
    qtbot.waitUntil(lambda: gallery.facts(0).prompt == "made anew")
    (folder / "c.png").unlink()
    shown(qtbot, gallery, "a.png", "d.webp", "e.png")
    assert counts[-1] == (3, 3)


def test_what_is_held_goes_with_its_image(qtbot: QtBot, make: Make, folder: Path) -> None:
    gallery = make()
    chosen = QItemSelectionModel(gallery)
    chosen.setCurrentIndex(gallery.index(1), QItemSelectionModel.SelectionFlag.Select)
    held = QPersistentModelIndex(gallery.index(1))
    gallery.set_sort("oldest")
    shown(qtbot, gallery, "a.png", "b.png", "c.png")
    gallery.set_sort("name")
    write(folder / "aa.png", 9)
    shown(qtbot, gallery, "a.png", "aa.png", "b.png", "c.png")
    for number in range(700):  # more than come and go one by one
        write(folder / f"ab{number:03}.png", number)
    (folder / "a.png").unlink()
    qtbot.waitUntil(lambda: gallery.rowCount() == 703, timeout=10_000)
    assert (held.data(), chosen.currentIndex().data()) == ("b.png", "b.png")
    assert [index.data() for index in chosen.selectedIndexes()] == ["b.png"]
    assert gallery.row_of(str(folder / "b.png")) == held.row() == 701
    gallery.set_search("nothing like it")
    qtbot.waitUntil(lambda: gallery.rowCount() == 0)
    assert not held.isValid()


def test_trash_and_back(qtbot: QtBot, make: Make, folder: Path, trash: Path) -> None:
    gallery = make()
    gallery.set_note(1, "the best")
    before = {path.name: path.read_bytes() for path in folder.glob("*.png")}
    with qtbot.waitSignal(gallery.trashed) as told:
        gallery.trash([0, 1, 1, 77])
    assert told.args == [2]
    shown(qtbot, gallery, "a.png")
    assert {path.name for path in (trash / "files").iterdir()} == {"b.png", "c.png"}
    with qtbot.waitSignal(gallery.trashed) as told:
        gallery.trash([0])
    assert told.args == [1]
    write(folder / "a.png", 50, prompt="in its place")
    with qtbot.waitSignal(gallery.trashed) as told:
        gallery.undo_trash()
    assert told.args == [2]
    with qtbot.waitSignal(gallery.trashed) as told:
        gallery.undo_trash()
    assert told.args == [0]
    shown(qtbot, gallery, "a.png", "c.png", "b.png", "a-2.png")
    assert gallery.facts(2).note == "the best"
    for name, content in before.items():
        back = "a-2.png" if name == "a.png" else name
        assert (folder / back).read_bytes() == content
    assert not [*trash.rglob("*.png"), *trash.rglob("*.trashinfo")]


def test_a_relative_link_goes_to_the_trash_and_comes_back(
    qtbot: QtBot, make: Make, folder: Path, tmp_path: Path
) -> None:
    """In the trash it leads nowhere, so that it was held for lost, and the undos before with it."""
    write(tmp_path / "elsewhere.png", 9, prompt="elsewhere")
    (folder / "link.png").symlink_to("../elsewhere.png")
    gallery = make()
    shown(qtbot, gallery, "link.png", "c.png", "b.png", "a.png")
    for left in 1, 1:
        with qtbot.waitSignal(gallery.trashed) as told:
            gallery.trash([1 if folder.joinpath("c.png").exists() else 0])
        assert told.args == [left]
    shown(qtbot, gallery, "b.png", "a.png")
    (folder / "link.png").symlink_to("nowhere.png")  # its name is taken
    for left in 1, 0:
        with qtbot.waitSignal(gallery.trashed) as told:
            gallery.undo_trash()
        assert told.args == [left]
    shown(qtbot, gallery, "link-2.png", "c.png", "b.png", "a.png")
    assert (folder / "link-2.png").readlink() == Path("../elsewhere.png")
    assert (folder / "link.png").readlink() == Path("nowhere.png")


def test_a_trash_that_was_emptied_is_told(
    qtbot: QtBot, make: Make, folder: Path, trash: Path
) -> None:
    gallery = make()
    with qtbot.waitSignal(gallery.trashed):
        gallery.trash([0])
    next((trash / "files").iterdir()).unlink()
    with qtbot.waitSignal(gallery.failed) as failed:
        gallery.undo_trash()
    assert "c.png" in failed.args[0]
    assert sorted(path.name for path in folder.glob("*.png")) == ["a.png", "b.png"]


def test_without_a_trash_nothing_is_deleted(
    qtbot: QtBot, make: Make, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "share").write_text("no folder, so that there can be no trash in it")
    gallery = make()
    sentences: list[str] = []
    gallery.failed.connect(sentences.append)
    with qtbot.waitSignal(gallery.failed):
        gallery.trash([0, 1, 2])
    assert len(sentences) == 1 and "nothing was deleted" in sentences[0]
    with qtbot.waitSignal(gallery.rested):
        gallery.reindex()
    assert len(names(gallery)) == len([*folder.glob("*.png")]) == 3


def test_favourites_and_notes_by_role(qtbot: QtBot, make: Make, folder: Path) -> None:
    gallery = make()
    roles = {bytes(name.data()): role for role, name in gallery.roleNames().items()}
    gallery.set_favourite([0, 2], True)
    gallery.set_note(0, "<b>not bold</b>")
    row = gallery.index(0)
    qtbot.waitUntil(lambda: row.data(roles[b"note"]) == "<b>not bold</b>")
    assert row.data(roles[b"favourite"]) is True
    assert row.data(roles[b"path"]) == str(folder / "c.png")
    assert row.data(roles[b"stamp"])
    assert row.data(Qt.ItemDataRole.ToolTipRole) == "c.png\nowl c.png\n<b>not bold</b>"
    gallery.set_favourites_only(True)
    shown(qtbot, gallery, "c.png", "a.png")
    gallery.set_search("bold")
    shown(qtbot, gallery, "c.png")
    other = make()
    assert [other.facts(row).favourite for row in range(3)] == [True, False, True]
    assert Store(folder / FILE, DELETE).rows("note").keys() == {"a.png", "c.png"}


def test_two_windows_on_one_folder(qtbot: QtBot, make: Make, folder: Path) -> None:
    one, other = make(), make()
    one.set_note(0, "from one")
    qtbot.waitUntil(lambda: other.facts(0).note == "from one", timeout=5000)
    write(folder / "d.png", 9, prompt="x")
    one.trash([2])
    for gallery in (one, other):
        shown(qtbot, gallery, "d.png", "c.png", "b.png")


def test_an_image_without_a_file_stays_until_it_has_one(
    qtbot: QtBot, make: Make, folder: Path
) -> None:
    gallery = make()
    image = QImage(40, 20, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.red)
    request = Request(seed=5, prompt="unsaved", scheduler="ddim")
    gallery.add(RunResult(7, request, (image,), image, (None,), "full"))
    assert (gallery.picture(0).unsaved, gallery.facts(0).prompt) == ((7, 0), "unsaved")
    gallery.set_favourite([0], True)
    with qtbot.waitSignal(gallery.failed):
        gallery.trash([0])
    gallery.set_folder(str(folder))
    shown(qtbot, gallery, "5.png", "c.png", "b.png", "a.png")
    write(folder / "saved.png", 30, prompt="saved")
    gallery.saved(7, 0, str(folder / "saved.png"))
    assert names(gallery)[0] == "saved.png" and gallery.picture(0).unsaved is None
    qtbot.waitUntil(lambda: gallery.facts(0).prompt == "saved")
    shown(qtbot, gallery, "saved.png", "c.png", "b.png", "a.png")


def test_a_new_image_is_in_front_at_once_and_stays_there(
    qtbot: QtBot, make: Make, folder: Path
) -> None:
    gallery = make()
    seen: list[list[str]] = []
    for signal in (gallery.rowsInserted, gallery.rowsRemoved, gallery.layoutChanged):
        signal.connect(lambda *_: seen.append(names(gallery)))
    write(folder / "e.png", 40)
    write(folder / "d.png", 30)
    image = QImage(4, 4, QImage.Format.Format_RGB32)
    paths = (str(folder / "d.png"), str(folder / "e.png"))
    gallery.add(RunResult(1, Request(seed=1), (image, image), image, paths, ""))
    with qtbot.waitSignal(gallery.rested):
        pass
    assert seen == [["e.png", "d.png", "c.png", "b.png", "a.png"]]


def bomb(width: int) -> bytes:
    """A PNG of a few bytes that says it is that wide and high."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        sum_ = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + sum_

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, width, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 999))


def test_files_that_mean_harm_are_listed_and_do_none(
    qtbot: QtBot, make: Make, folder: Path, tmp_path: Path
) -> None:
    (folder / "bomb.png").write_bytes(bomb(60_000))
    (folder / "broken.png").write_bytes(bomb(4))
    (folder / "deep.png").write_text("[" * 200_000)
    (folder / "drawing.png").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (folder / "new\nline <b>.png").write_text('{"prompt": 7, "seed": "x", "steps": 1e400}')
    (folder / "list.png").write_text('{"prompt": ["a"], "width": -1, "guidance_scale": true}')
    (folder / "folder.png").mkdir()
    (folder / "loop.png").symlink_to(folder / "loop.png")
    os.mkfifo(folder / "pipe.png")
    assert digest(folder / "pipe.png") == ""  # it may have become one since it was listed
    (folder / os.fsdecode(b"no text \xff.png")).write_text("x")
    (folder / "locked.png").write_text("{}")
    (folder / "locked.png").chmod(0)
    gallery = make()
    expected = {"bomb.png", "broken.png", "deep.png", "drawing.png", "new\nline <b>.png"}
    assert {*names(gallery)} == expected | {"list.png", "locked.png", "a.png", "b.png", "c.png"}
    for row in range(gallery.rowCount()):
        assert gallery.index(row).data(Qt.ItemDataRole.DecorationRole) is None
        facts = gallery.facts(row)
        assert isinstance(facts.prompt, str) and facts.seed in (None, 0, 1, 2)
    qtbot.waitUntil(lambda: not gallery._thumbnails.is_waiting)
    with qtbot.waitSignal(gallery.failed):
        gallery.open(names(gallery).index("drawing.png"))
    gallery.set_search("new line")
    shown(qtbot, gallery, "new\nline <b>.png")


def test_thumbnails_are_kept_and_a_damaged_store_is_made_anew(tmp_path: Path) -> None:
    file, wanted = tmp_path / "thumbnails.sqlite", Wanted("/x.png", 1, 2)
    store = ThumbnailStore(file)
    store.put(wanted, b"picture")
    store.close()
    content = file.read_bytes()
    at = content.rindex(b"picture")
    file.write_bytes(content[:at] + b"P" + content[at + 1 :])
    store = ThumbnailStore(file)
    assert store.get(wanted) is None  # not what was put there
    store.put(wanted, b"again")
    assert store.get(wanted) == b"again"
    assert store.get(Wanted("/x.png", 9, 2)) is None
    for number in range(5):
        store.put(Wanted(f"/{number}", 1, 1), b"x")
    store.trim(2)
    assert store.get(Wanted("/2", 1, 1)) is None and store.get(Wanted("/3", 1, 1)) == b"x"
    store.close()
    file.write_bytes(b"no database at all" * 100)
    store = ThumbnailStore(file)
    store.put(wanted, b"new")
    assert store.get(wanted) == b"new"
    store.close()


def test_two_thousand_images_are_no_burden(
    qtbot: QtBot, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = measure(tmp_path / "many", 2000, 5)
    gc.unfreeze()
    slow = {what: seconds for what, seconds in figures.items() if ":" in what and seconds > 0.3}
    assert not slow, capsys.readouterr().out


def test_mime(make: Make, folder: Path) -> None:
    gallery = make()
    dragged = gallery.mimeData([gallery.index(0), gallery.index(2), QModelIndex()])
    assert [url.toLocalFile() for url in dragged.urls()] == [
        str(folder / "c.png"),
        str(folder / "a.png"),
    ]
    assert gallery.flags(gallery.index(0)) & Qt.ItemFlag.ItemIsDragEnabled
