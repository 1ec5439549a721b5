"""OpenSession: the file that says that a session is open. One that its session did not take away
tells the next session of a crash. Made by `app.parts` before all else.

A session is alive as long as the system holds its lock on that file. The lock ends with the process
and with the computer, whatever stands in the file.
"""

from __future__ import annotations

import os
import platform
import sys
from contextlib import suppress
from pathlib import Path

from engine.atomic import make_folder
from engine.foreign import is_there

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

OPENING = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
FAR = 2**30
"""Where Windows locks the file: what is locked there cannot be read."""


class OpenSession:
    """Takes the first place in `folder` that no living session holds, so that two windows at once
    do not write over each other's queue. number: of that place; crashed: whether a session whose
    place this one takes came to no proper end."""

    def __init__(self, folder: Path) -> None:
        with suppress(OSError):
            make_folder(folder)
        self.crashed = False
        self._folder = folder
        self._locks: list[tuple[Path, int]] = []
        self.number = 1
        while not self.take(self.number):
            self.number += 1

    def take(self, number: int) -> bool:
        """Whether this session has that place now, or nobody can have one: where no file can be
        made or locked."""
        path = self._folder / f"open-{number}"
        was_there = is_there(path)
        try:
            descriptor = _locked(path)
        except OSError:
            return True
        if descriptor is None:
            return False
        self._locks.append((path, descriptor))
        self.crashed = self.crashed or was_there
        return True

    def remove(self) -> None:
        """The session has come to its end."""
        for path, descriptor in self._locks:
            if sys.platform == "win32":  # an open file cannot be taken away there
                os.close(descriptor)
            with suppress(OSError):
                path.unlink()
            if sys.platform != "win32":
                os.close(descriptor)
        self._locks.clear()


def _locked(path: Path) -> int | None:
    """The file, made and locked; None if another session has it. Raises OSError."""
    while True:
        descriptor = os.open(path, OPENING, 0o666)
        try:
            if not _lock(descriptor):
                os.close(descriptor)
                return None
            if _is_at(path, descriptor):
                _sign(descriptor)
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # its session has taken it away meanwhile


def _lock(descriptor: int) -> bool:
    """Whether nobody else had it. Raises OSError where there are no locks."""
    try:
        if sys.platform == "win32":
            os.lseek(descriptor, FAR, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _sign(descriptor: int) -> None:
    """Write into the file whose it is, for people; no program asks."""
    words = f"{os.getpid()}\nSafelight\n{platform.node()}\n\n"
    with suppress(OSError):  # a full disk
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, words.encode("utf-8", "replace"))
