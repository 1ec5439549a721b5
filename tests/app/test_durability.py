"""Nothing is lost: the window as a real process that is killed at random moments, a disk that
becomes full and a folder that becomes read-only. See tests/app/mortal.py for the window.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.main import Application
from app.state import unwritten
from engine import metadata
from tests.app.fake_engine import FakeEngine
from tests.app.mortal import SEEDS, plans

ROOT = Path(__file__).parents[2]
LONGEST = 0.9
"""Seconds that a window lives at most; a round of ten takes some two."""
PATIENCE = 60.0


class Nursery:
    """Bears windows and tells how they ended."""

    def __init__(self, folder: Path, home: Path, step_seconds: float = 0.004) -> None:
        self.folder, self.images = folder, home / "images"
        environment = os.environ | {"SAFELIGHT_HOME": str(home), "PYTHONPATH": str(ROOT)}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.app.mortal", str(folder), str(step_seconds)],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def bear(self) -> int:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def end(self) -> int:
        assert self._process.stdout
        return int(self._process.stdout.readline())

    def close(self) -> None:
        self._process.kill()
        self._process.wait()

    @property
    def said(self) -> list[str]:
        log = self.folder / "announced"
        return log.read_text().splitlines() if log.exists() else []

    @property
    def announced(self) -> list[Path]:
        return [Path(line.removeprefix("saved ")) for line in self.said if line.startswith("saved")]

    def check(self) -> tuple[int, int]:
        """What holds at any moment: what was announced is there, no half file has a final name, and
        nothing is lost or made twice. How many rounds are done, and how many images there are."""
        for path in self.announced:
            assert path.exists(), f"{path} was announced as saved"
        seeds = self.seeds()
        asked, done = (
            [int(line.split()[1]) for line in self.said if line.startswith(word)]
            for word in ("asked", "done")
        )
        whole = sum((expected(number) for number in done), Counter())
        assert seeds & whole == whole, f"lost: {whole - seeds}"
        possible = sum((expected(number) for number in asked), Counter())
        assert seeds <= possible, f"made twice: {seeds - possible}"
        return len(done), seeds.total()

    def seeds(self) -> Counter[int]:
        """The seeds of all images that have a final name; each opens and has its record."""
        seeds: Counter[int] = Counter()
        for path in self.images.glob("*.png"):
            if not path.name.startswith("."):
                with Image.open(path) as image:
                    image.load()
                seeds[metadata.read(path).request.seed] += 1
        return seeds


@pytest.fixture
def nursery(tmp_path: Path, home: Path) -> Iterator[Nursery]:
    nursery = Nursery(tmp_path, home)
    yield nursery
    nursery.close()


class Disk:
    """A small one of its own, mounted where images go."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"
        folder.mkdir(parents=True)
        self._mount("-t", "tmpfs", "-o", "size=256k", "tmpfs")

    def fill(self) -> None:
        with contextlib.suppress(OSError), self._filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(512))

    def make_room(self) -> None:
        self._filler.unlink()

    def lock(self) -> None:
        self._mount("-o", "remount,ro")

    def unlock(self) -> None:
        self._mount("-o", "remount,rw")

    def close(self) -> None:
        subprocess.run(["umount", "--lazy", str(self.folder)], check=True)

    def _mount(self, *options: str) -> None:
        subprocess.run(["mount", *options, str(self.folder)], check=True, capture_output=True)


@pytest.fixture
def disk(home: Path) -> Iterator[Disk]:
    try:
        disk = Disk(home / "images")
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no disk can be mounted here ({error})")
    yield disk
    disk.close()


def expected(number: int) -> Counter[int]:
    """The seeds of the images of that round, each once."""
    first = number * SEEDS
    plans = ([first + 2 * plan + image for image in range(1 + plan % 2)] for plan in range(10))
    return Counter(seed for plan in plans for seed in plan)


@pytest.mark.parametrize("kills", [12, pytest.param(100, marks=pytest.mark.slow)])
@pytest.mark.timeout(900)
def test_kill_nine_loses_nothing_and_doubles_nothing(
    qtbot: QtBot, nursery: Nursery, start: Callable[..., Application], kills: int
) -> None:
    chance = random.Random(kills)
    killed = lives = 0
    while killed < kills:
        lives += 1
        child = nursery.bear()
        time.sleep(chance.uniform(0.05, LONGEST))
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        code = nursery.end()
        assert code in (0, -signal.SIGKILL)
        killed += code != 0
        nursery.check()
    nursery.bear()
    assert nursery.end() == 0
    done, images = nursery.check()
    lost = {line.split()[1] for line in nursery.said if line.startswith("queued")}
    lost -= {line.split()[1] for line in nursery.said if line.startswith("done")}
    assert not lost, "rounds that were queued and never done"
    print(f"{killed} kills in {lives} lives, {done} rounds of ten, {images} images")
    assert done >= 1
    application = start()
    files = sorted(map(str, nursery.images.glob("[!.]*.png")))
    qtbot.waitUntil(lambda: sorted(path for _, path in rows(application)) == files, timeout=20_000)


def test_a_full_disk_and_a_kill_lose_nothing(nursery: Nursery, disk: Disk) -> None:
    """The images go to a disk without room; the window is killed there, twice."""
    disk.fill()
    for _ in range(2):
        child = nursery.bear()
        wait_until(lambda: "queued 0" in nursery.said)
        time.sleep(0.7)
        assert nursery.announced == []
        os.kill(child, signal.SIGKILL)
        assert nursery.end() == -signal.SIGKILL
        nursery.check()
    disk.make_room()
    nursery.bear()
    assert nursery.end() == 0
    assert nursery.check()[0] == 1


@pytest.mark.parametrize("trouble", ["full", "read-only"])
def test_the_window_waits_for_room_and_goes_on(
    qtbot: QtBot,
    start: Callable[..., Application],
    fake: FakeEngine,
    disk: Disk,
    monkeypatch: pytest.MonkeyPatch,
    trouble: str,
) -> None:
    monkeypatch.setattr(unwritten, "AGAIN", 200)
    monkeypatch.setattr(fake, "save", metadata.save)
    application = start()
    (disk.fill if trouble == "full" else disk.lock)()
    for plan in plans(0):
        application.queue.submit(plan)
    notice = application.window.findChild(QWidget, "unwrittenText")
    qtbot.waitUntil(notice.isVisible, timeout=10_000)
    reason = "No space left" if trouble == "full" else "Read-only"
    assert reason in notice.text()
    assert str(disk.folder) in notice.text()
    qtbot.waitUntil(lambda: application.queue.current is None)
    qtbot.wait(500)  # it tries again meanwhile, in vain
    assert len(fake.requests) == 1, "nothing new begins"
    assert len(application.queue) == 9
    assert [p for p in disk.folder.glob("*.png") if not p.name.startswith(".")] == []
    application.session.generate()  # nor when it is asked for
    assert len(fake.requests) == 1
    (disk.make_room if trouble == "full" else disk.unlock)()
    qtbot.waitUntil(
        lambda: application.queue.current is None and not len(application.queue), timeout=30_000
    )
    assert notice.isHidden() or not notice.isVisible()
    seeds = Counter(metadata.read(path).request.seed for path in disk.folder.glob("[!.]*.png"))
    assert seeds.total() == expected(0).total() + 1
    assert expected(0) <= seeds
    assert all(path for _, path in sorted(rows(application)))


def rows(application: Application) -> list[tuple[int, str]]:
    """(row, path) of the gallery."""
    gallery = application.gallery
    return [
        (row, gallery.index(row, 0).data(Qt.ItemDataRole.UserRole))
        for row in range(gallery.rowCount())
    ]


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)
