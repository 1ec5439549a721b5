"""What a gallery of 50,000 images costs: the index, the first screen, the search, scrolling, and
how long the window's event loop stands still meanwhile.

    python tests/benchmarks/gallery.py [--images 50000] [--rounds 20]

Makes that many small PNG files with records and prompts in a temporary folder and prints one table.
The view is the real one, 420 by 900 pixels, drawn into memory. A stall is what lies between two
ticks of a 5 ms timer, beyond these 5 ms, or the time that this process computed meanwhile, where
that is less; so are the other figures with a bar. Beside it stands what a loop without a gallery
stalls at this time. Every figure with a bar says whether it is kept; the exit code is 1 where one
is not.
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import random
import resource
import statistics
import struct
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))
os.environ.setdefault(
    "QT_QPA_PLATFORM", f"offscreen:configfile={Path(__file__).parents[2] / 'screen.json'}"
)

from PySide6.QtCore import QEvent, QEventLoop, QObject, Qt, QTimer
from PySide6.QtWidgets import QApplication

from app.state.background import Background
from app.state.gallery.gallery import GalleryModel
from app.widgets.gallery.gallery_view import GalleryView
from engine.record.interchange import programs
from engine.record.record import Record
from engine.request.request import Request

TICK = 5  # milliseconds
FIRST_SCREEN, SEARCH, STALL = 0.5, 0.05, 0.05
"""Seconds that each may take."""
PATIENCE = 300.0
WORDS = """red apple owl purple background flat rocket cartoon cat pizza yellow tree sailboat
bicycle portrait cinematic light golden hour misty mountain lake reflection watercolour detailed
sharp focus village winter snow lantern street rain neon forest path ancient ruin castle"""
NEGATIVE = "blurry, low quality, watermark, text, extra fingers"
SEARCHES = ("owl", "c", "red apple", "watercol", "nothing-of-this", "s m l", "neon rain street")


class Meter(QObject):
    """longest: the longest stall since `reset`, in seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.longest = 0.0
        self._last = now()
        self._timer = QTimer(self, interval=TICK, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._timer.start()

    def reset(self) -> None:
        self.longest, self._last = 0.0, now()

    def _tick(self) -> None:
        self.longest = max(self.longest, since(self._last) - TICK / 1000)
        self._last = now()


class Figures:
    def __init__(self) -> None:
        self.found: dict[str, float] = {}

    def row(self, what: str, seconds: float, bar: float | None = None) -> None:
        self.found[what] = seconds
        verdict = (
            "" if bar is None else f"{1000 * bar:10.0f}  {'kept' if seconds < bar else 'NOT KEPT'}"
        )
        print(f"{what:54}{1000 * seconds:12.1f}{verdict}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=20)
    arguments = parser.parse_args()
    print(
        f"Python {platform.python_version()}, PySide6 {version('PySide6-Essentials')}, "
        f"{os.cpu_count()} cores, {arguments.images} images"
    )
    with tempfile.TemporaryDirectory() as home:
        figures = measure(Path(home), arguments.images, arguments.rounds)
    bars = {"first screen": FIRST_SCREEN, "search": SEARCH, "stall": STALL}
    failed = [
        what
        for what, seconds in figures.items()
        if (bar := bars.get(what.split(":")[0])) and seconds >= bar
    ]
    sys.exit(1 if failed else 0)


def measure(home: Path, images: int, rounds: int) -> dict[str, float]:
    """Every figure by its name, in seconds."""
    folder, index = home / "images", home / "cache"
    begun = time.perf_counter()
    make_images(folder, images)
    print(f"made in {time.perf_counter() - begun:.0f} s\n{'':54}{'ms':>12}{'bar':>10}")
    qt = QApplication.instance() or QApplication([])
    gc.freeze()  # as the worker does
    figures = Figures()
    meter = Meter()

    meter.reset()
    spin(never, rounds / 10)
    figures.row("a loop without a gallery: longest stall", meter.longest)

    before = memory()
    with Shown(index) as shown:
        meter.reset()
        figures.row("first screen: no index", shown.first_screen(folder), FIRST_SCREEN)
        begun = time.perf_counter()
        shown.rest()
        figures.row("index made anew", time.perf_counter() - begun)
        figures.row("stall: while it is made", meter.longest, STALL)
        print(f"{'memory':54}{memory() - before:12.0f} MB more")

    meter.reset()
    with Shown(index) as shown:
        figures.row("first screen: with an index", shown.first_screen(folder), FIRST_SCREEN)
        begun = time.perf_counter()
        shown.rest()
        figures.row("compared with the folder and checked", time.perf_counter() - begun)
        figures.row("stall: while it is compared and checked", meter.longest, STALL)

        meter.reset()
        times = [shown.search(text) for _ in range(rounds // 5) for text in (*SEARCHES, "")]
        figures.row("search: median", statistics.median(times), SEARCH)
        figures.row("search: longest", max(times), SEARCH)
        figures.row("stall: while it is searched", meter.longest, STALL)

        meter.reset()
        frames = shown.scroll(rounds)
        figures.row("scroll: a frame, median", statistics.median(frames))
        figures.row("scroll: longest frame", max(frames))
        figures.row("stall: while it is scrolled", meter.longest, STALL)

        meter.reset()
        shown.gallery.reindex()
        times = []
        for text in (*SEARCHES, ""):
            spin(never, rounds / 40)
            times.append(shown.search(text))
        figures.row("search: longest, while the index is made anew", max(times), SEARCH)
        frames = shown.scroll(rounds)
        figures.row("scroll: longest frame, while the index is made", max(frames))
        figures.row("stall: searched and scrolled while it is made", meter.longest, STALL)
    qt.processEvents()
    return figures.found


class Shown:
    """A gallery in a view, closed at the end."""

    def __init__(self, index: Path) -> None:
        self.background = Background()
        self.gallery = GalleryModel(self.background, index, programs.recipe_of_picture)
        self.view = GalleryView()
        self.view.setModel(self.gallery)
        self.view.resize(420, 900)
        self.view.show()
        self._rested = False
        self.gallery.rested.connect(self._rest)
        QApplication.processEvents()

    def __enter__(self) -> Shown:
        return self

    def __exit__(self, *problem: object) -> None:
        self.gallery.close()
        self.background.close()
        self.view.close()
        self.view.setModel(None)
        # Now and here: Python would collect it in any thread, and Qt would not have that.
        self.view.deleteLater()
        QApplication.sendPostedEvents(self.view, QEvent.Type.DeferredDelete.value)

    def first_screen(self, folder: Path) -> float:
        begun = now()
        self.gallery.set_folder(str(folder))
        spin(lambda: self.gallery.rowCount() > 0)
        self.view.grab()
        return since(begun)

    def rest(self) -> None:
        spin(lambda: self._rested)

    def search(self, text: str) -> float:
        """From the wish to the rows."""
        begun = now()
        self.gallery.set_search(text)
        spin(self._is_as_asked)
        return since(begun)

    def scroll(self, rounds: int) -> list[float]:
        """The seconds of each frame: a wheel's turns, then leaps over the whole length."""
        bar = self.view.verticalScrollBar()
        places = [60 * step for step in range(3 * rounds)]
        places += [bar.maximum() * step // rounds for step in range(rounds + 1)]
        frames = []
        for place in places:
            begun = time.perf_counter()
            bar.setValue(place)
            self.view.viewport().repaint()
            frames.append(time.perf_counter() - begun)
            spin(never, 0.016)
        return frames

    def _is_as_asked(self) -> bool:
        listing = self.gallery._listing
        return listing is not None and listing.query == self.gallery._query

    def _rest(self) -> None:
        self._rested = True


def spin(is_over: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Let the event loop run until then."""
    loop = QEventLoop()
    watch = QTimer(interval=1, timerType=Qt.TimerType.PreciseTimer)
    watch.timeout.connect(lambda: loop.quit() if is_over() else None)
    watch.start()
    QTimer.singleShot(int(1000 * seconds), loop.quit)
    if not is_over():
        loop.exec()
    watch.stop()


def now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def since(then: tuple[float, float]) -> float:
    """Seconds since then, or those that this process has computed for, where that is less: what a
    busy machine gives to others meanwhile is none of the gallery's."""
    return min(after - before for after, before in zip(now(), then, strict=True))


def never() -> bool:
    return False


def memory() -> float:
    """Of this process, at most so far, in MB."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (2**20 if sys.platform == "darwin" else 2**10)


def make_images(folder: Path, count: int) -> None:
    """PNG files of 16 by 16 pixels with records, each a second younger than the one before."""
    folder.mkdir(parents=True)
    chance, words = random.Random(0), WORDS.split()
    now = int(time.time())
    made = Record(Request(), 20, "", "0" * 64, "cpu", "float32", {"safelight": "0.1.0"}, ())
    for number in range(count):
        request = Request(
            prompt=" ".join(chance.choices(words, k=25)) + ", 3d",
            negative_prompt=NEGATIVE,
            width=128,
            height=128,
            steps=20,
            scheduler=("dpmpp_2m", "euler", "ddim")[number % 3],
            seed=chance.randrange(2**32),
        )
        record = replace(made, request=request, checkpoint=f"checkpoint {number % 12}")
        path = folder / f"20260101-{number:06}-{request.seed}.png"
        path.write_bytes(png(record, number))
        os.utime(path, (now - count + number,) * 2)


def png(record: Record, number: int) -> bytes:
    shade = bytes((number % 256, number // 256 % 256, 90))
    pixels = zlib.compress((b"\0" + shade * 16) * 16, 1)
    texts: dict[str, Any] = {"parameters": record.to_parameters(), "safelight": record.to_json()}
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", 16, 16, 8, 2, 0, 0, 0))]
    chunks += [(b"tEXt", f"{name}\0{text}".encode("latin-1")) for name, text in texts.items()]
    chunks += [(b"IDAT", pixels), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )


if __name__ == "__main__":
    main()
