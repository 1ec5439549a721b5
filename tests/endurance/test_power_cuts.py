"""Forty power cuts: the program's folder is on ext4 in a loop device, which is shut down at some
moment as if its power went; what the journal had not yet is lost. Needs root, on Linux:
`pytest -m endurance tests/endurance/test_power_cuts.py -s`, some ten minutes."""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import signal
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.nursery import Nursery
from tests.endurance import promises

CUTS = int(os.environ.get("SAFELIGHT_CUTS", "40"))
SHUTDOWN, NO_LOG_FLUSH = 0x8004587D, 2
"""EXT4_IOC_SHUTDOWN (include/uapi/linux/ext4.h): from then on every call fails, and the journal
keeps only what had been committed."""


class Disk:
    """ext4 in a file, mounted at `folder`."""

    def __init__(self, file: Path, folder: Path) -> None:
        self.file, self.folder = file, folder
        folder.mkdir()
        with file.open("wb") as empty:
            empty.truncate(256 * 2**20)
        _command("mkfs.ext4", "-q", str(file))
        self.mount()

    def mount(self) -> None:
        _command("mount", "-o", "loop", str(self.file), str(self.folder))

    def unmount(self) -> None:
        end = time.monotonic() + 30  # a process that dies may hold it for a moment
        while subprocess.run(["umount", str(self.folder)], capture_output=True).returncode:
            assert time.monotonic() < end, "the disk cannot be unmounted"
            time.sleep(0.1)

    def cut_power(self) -> None:
        held = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.ioctl(held, SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(held)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    try:
        disk = Disk(tmp_path / "disk", tmp_path / "mounted")
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no disk can be mounted here ({error})")
    yield disk
    disk.unmount()


@pytest.mark.endurance
@pytest.mark.timeout(3600)
def test_forty_power_cuts_lose_nothing_that_was_announced(tmp_path: Path, disk: Disk) -> None:
    chance = random.Random(CUTS)
    home = disk.folder / "home"
    nursery = Nursery(tmp_path, home, program="tests.endurance.life")
    try:
        for cut in range(CUTS):
            child = nursery.bear()
            nursery.wait_for_a_moment(chance)
            disk.cut_power()
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            nursery.end()
            disk.unmount()
            disk.mount()
            print(f"{cut + 1} cuts: {promises.check(nursery)}", flush=True)
        nursery.bear()
        assert nursery.end() == 0
        print(promises.check(nursery))
    finally:
        nursery.close()


def _command(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)
