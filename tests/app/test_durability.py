"""Nothing is lost: the window as a real process that is killed at random moments, a disk that
becomes full and a folder that becomes read-only. See tests/app/mortal.py for the window.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.main import Application
from app.state.gallery import unsaved_images
from engine.record.record import read_record, save
from tests.app.fake_engine import FakeEngine
from tests.app.mortal import plans
from tests.app.nursery import Nursery, expected

LONGEST = 0.9
"""Seconds that a window lives at most; a round of ten takes some two."""
PATIENCE = 60.0


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
    monkeypatch.setattr(unsaved_images, "AGAIN", 200)
    monkeypatch.setattr(fake, "save", save)
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
    seeds = Counter(read_record(path).request.seed for path in disk.folder.glob("[!.]*.png"))
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
