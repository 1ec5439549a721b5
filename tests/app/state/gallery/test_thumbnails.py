"""Thumbnails of pictures as people have them, and the process that makes them: what it may take,
that it ends, and that nothing ends the threads that wait for it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from app.state import pixels
from app.state.gallery import thumbnails as thumbnails_module
from app.state.gallery.picture import Picture, with_image
from app.state.gallery.thumbnail_maker import ROOT, ThumbnailMaker, TooCostly
from app.state.gallery.thumbnails import SMALL_FILE, THUMBNAIL, Thumbnails, Wanted
from engine.errors import EngineError
from tests.strangers import BROKEN, KINDS, Stranger, gallery_of

linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


@pytest.fixture
def maker() -> Iterator[ThumbnailMaker]:
    maker = ThumbnailMaker(THUMBNAIL)
    yield maker
    maker.close()


@pytest.fixture(scope="module")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> list[Stranger]:
    """Every kind of picture and of file that is none, some of each larger than SMALL_FILE."""
    found = gallery_of(tmp_path_factory.mktemp("strangers"), 56, seed=1, largest=150_000)
    assert {stranger.kind for stranger in found} == {*KINDS, *BROKEN}
    return found


def wanted(path: Path) -> Wanted:
    found = path.stat()
    return Wanted(str(path), found.st_mtime_ns, found.st_size)


def all_of(
    qtbot: QtBot, thumbnails: Thumbnails, strangers: list[Stranger]
) -> dict[str, QImage | None]:
    made: dict[str, QImage | None] = {}
    connection = thumbnails.ready.connect(lambda of, picture: made.update({of.path: picture}))
    for stranger in strangers:
        thumbnails.ask(wanted(stranger.path))
    qtbot.waitUntil(lambda: len(made) == len(strangers), timeout=60_000)
    thumbnails.ready.disconnect(connection)
    return made


def test_every_picture_of_a_gallery_has_its_thumbnail(
    qtbot: QtBot, tmp_path: Path, strangers: list[Stranger]
) -> None:
    thumbnails = Thumbnails(tmp_path / "thumbnails.sqlite")
    first = all_of(qtbot, thumbnails, strangers)
    again = all_of(qtbot, thumbnails, strangers)  # most of them from the file now
    thumbnails.close()
    assert sum(stranger.path.stat().st_size > SMALL_FILE for stranger in strangers) > 20
    for made in (first, again):
        for path, kind, size in strangers:
            picture = made[str(path)]
            assert (picture is not None) == (size is not None), kind
            if picture is not None and size is not None:
                assert max(picture.width(), picture.height()) == min(THUMBNAIL, max(size))
                assert abs(picture.width() / picture.height() - size[0] / size[1]) < 0.05
                assert picture.hasAlphaChannel() == (
                    kind in ("RGBA", "grey and alpha", "see-through palette", "see-through WebP")
                ), kind
    threads = [thread for thread in threading.enumerate() if thread.name == "thumbnails"]
    assert not threads


@pytest.mark.parametrize("kind", ["RGB", "grey", "16 bits", "palette", "CMYK JPEG", "WebP"])
def test_a_thumbnail_looks_like_the_picture(
    maker: ThumbnailMaker, strangers: list[Stranger], kind: str
) -> None:
    path = next(stranger.path for stranger in strangers if stranger.kind == kind)
    made = maker.make(str(path), packed=True)
    assert made is not None
    shown = pixels.from_file(str(path))
    for picture in (made.picture, QImage.fromData(made.packed, "WEBP")):  # pyright: ignore[reportArgumentType]
        for x, y in ((0.1, 0.1), (0.5, 0.5), (0.9, 0.9), (0.1, 0.9)):
            assert abs(around(picture, x, y) - around(shown, x, y)) < 12


def around(picture: QImage, x: float, y: float) -> float:
    """How light the picture is there, of 255: a twentieth of it on each side."""
    small = picture.convertToFormat(QImage.Format.Format_Grayscale8)
    side = max(2, picture.width() // 20)
    left, top = int(x * picture.width() - side / 2), int(y * picture.height() - side / 2)
    places = [(left + i, top + j) for i in range(side) for j in range(side)]
    return sum(small.pixelColor(*place).red() for place in places) / len(places)


def test_what_is_no_picture_of_ours_is_not_shown_either(
    strangers: list[Stranger], tmp_path: Path
) -> None:
    for path, kind, size in strangers:
        if size is not None:
            image = with_image(Picture("", None, str(path))).image
            assert image is not None
            assert (image.width(), image.height()) == size
        elif kind != "half a file":  # of which Qt shows the half
            with pytest.raises(EngineError):
                pixels.from_file(str(path))
    for kind in ("BMP", "TIFF", "ICO", "PPM"):
        other = tmp_path / f"{kind}.png"
        Image.new("RGB", (32, 32), "red").save(other, kind)
        assert not QImage(str(other)).isNull() or kind == "TIFF"  # Qt alone would take it
        with pytest.raises(OSError, match="neither a PNG, a JPEG nor a WebP"):
            with_image(Picture("", None, str(other)))


def test_a_picture_is_shown_without_unpacking_its_texts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = PngImagePlugin.PngInfo()
    texts.add_text("parameters", "an owl")
    texts.add_text("workflow", "x" * 100_000, zip=True)
    path = tmp_path / "a.png"
    Image.new("RGB", (8, 8), "red").save(path, pnginfo=texts)
    assert QImage(str(path)).textKeys() == ["parameters", "workflow"]
    image = pixels.from_file(str(path))
    assert not image.textKeys()
    assert image.pixelColor(4, 4).red() == 255


def test_the_threads_survive_whatever_is_raised_and_tell_it_once(
    qtbot: QtBot, tmp_path: Path, strangers: list[Stranger], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[type[BaseException]] = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, *_: told.append(kind))

    def fail(*_: object) -> None:
        raise RuntimeError("of a kind that nobody thought of")

    thumbnails = Thumbnails(tmp_path / "thumbnails.sqlite")
    with monkeypatch.context() as patch:
        patch.setattr(thumbnails_module, "_made", fail)
        assert not any(all_of(qtbot, thumbnails, strangers[:6]).values())
    assert set(told) == {RuntimeError}
    assert len(told) <= thumbnails_module.THREADS  # once each
    assert all(all_of(qtbot, thumbnails, strangers[:6]).values())
    thumbnails.close()


def test_a_store_that_cannot_be_had_costs_nothing_but_time(
    qtbot: QtBot, tmp_path: Path, strangers: list[Stranger]
) -> None:
    (tmp_path / "file").write_text("where a folder should be")
    thumbnails = Thumbnails(tmp_path / "file" / "thumbnails.sqlite")
    assert all(all_of(qtbot, thumbnails, strangers[:6]).values())
    thumbnails.close()


def process_of(maker: ThumbnailMaker) -> subprocess.Popen[bytes]:
    assert maker._process is not None
    return maker._process


def test_a_picture_that_takes_too_long_has_none_and_the_next_one_has(
    tmp_path: Path, strangers: list[Stranger]
) -> None:
    large = tmp_path / "large.png"
    Image.new("RGB", (8000, 8000)).save(large, compress_level=1)
    maker = ThumbnailMaker(THUMBNAIL, patience=0.05)

    def make_small() -> None:
        for _ in range(100):  # 0.05 s may be too little for it too, on a busy machine
            with suppress(TooCostly):
                assert maker.make(str(strangers[0].path), packed=False)
                return

    make_small()
    first = process_of(maker)
    with pytest.raises(TooCostly):
        maker.make(str(large), packed=False)
    assert first.poll() is not None
    make_small()
    maker.close()


def test_what_has_ended_the_process_is_not_tried_again(
    qtbot: QtBot, tmp_path: Path, strangers: list[Stranger], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until the file is another one, and of the two threads each may have tried it."""
    tried: list[str] = []

    def end(_self: ThumbnailMaker, path: str, *, packed: bool) -> None:
        tried.append(path)
        raise TooCostly

    monkeypatch.setattr(ThumbnailMaker, "make", end)
    thumbnails = Thumbnails(tmp_path / "thumbnails.sqlite")
    for _ in range(5):
        assert not any(all_of(qtbot, thumbnails, strangers[:1]).values())
    thumbnails.close()
    assert 1 <= len(tried) <= thumbnails_module.THREADS


def test_a_process_that_was_ended_is_started_anew(
    maker: ThumbnailMaker, strangers: list[Stranger]
) -> None:
    assert maker.make(str(strangers[0].path), packed=False)
    process_of(maker).kill()
    assert maker.make(str(strangers[1].path), packed=False)


def test_close_ends_the_process_in_the_middle_of_a_picture(
    tmp_path: Path, strangers: list[Stranger]
) -> None:
    large = tmp_path / "large.png"
    Image.new("RGB", (8000, 8000)).save(large, compress_level=1)
    maker = ThumbnailMaker(THUMBNAIL)
    assert maker.make(str(strangers[0].path), packed=False)
    process, made = process_of(maker), list[object]()

    def ask() -> None:
        with suppress(TooCostly):
            made.append(maker.make(str(large), packed=False))

    asking = threading.Thread(target=ask)
    asking.start()
    time.sleep(0.05)
    maker.close()
    asking.join(5)
    assert not asking.is_alive()
    assert process.poll() is not None
    assert maker.make(str(large), packed=False) is None  # for good


@linux_only
def test_the_process_is_bounded_and_light(maker: ThumbnailMaker, strangers: list[Stranger]) -> None:
    assert maker.make(str(strangers[0].path), packed=True)
    here = Path("/proc") / str(process_of(maker).pid)
    limits = (here / "limits").read_text(encoding="ascii").splitlines()
    bounds = {line[:26].strip(): line[26:].split()[0] for line in limits}
    assert int(bounds["Max address space"]) == 2**30
    loaded = (here / "maps").read_text(encoding="ascii", errors="replace")
    assert "torch" not in loaded
    assert "Qt6Gui" not in loaded


@linux_only
def test_a_window_that_was_killed_leaves_no_process_behind(strangers: list[Stranger]) -> None:
    program = (
        "import sys, time\n"
        "from app.state.gallery.thumbnail_maker import ThumbnailMaker\n"
        "maker = ThumbnailMaker(192)\n"
        "assert maker.make(sys.argv[1], packed=False)\n"
        "print(maker._process.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    window = subprocess.Popen(
        [sys.executable, "-c", program, str(strangers[0].path)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert window.stdout is not None
    process = Path("/proc") / window.stdout.readline().decode().strip() / "exe"
    assert process.exists()
    window.kill()
    window.wait()
    window.stdout.close()
    for _ in range(100):
        if not process.exists():
            return
        time.sleep(0.05)
    raise AssertionError("it is still there")
