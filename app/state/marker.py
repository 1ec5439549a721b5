"""Marker: the file that says that a session is open. One that its session did not take away tells
the next session of a crash. Made by `app.main` before all else.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from PySide6.QtCore import QLockFile


class Marker:
    """Takes the first place in `folder` that no living session holds, so that two windows at once
    do not write over each other's queue. crashed: whether a session whose place this one takes came
    to no proper end. queue_file: where this session keeps its queue; orphans: the queues of other
    places that nobody has any more, which are this session's to look after."""

    def __init__(self, folder: Path) -> None:
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
        self.crashed = False
        self._locks: list[QLockFile] = []
        number = 1
        while not self._takes(folder / f"open-{number}"):
            number += 1
        self.queue_file = folder / f"queue-{number}.json"
        self.orphans = tuple(
            path
            for path in sorted(folder.glob("queue-*.json"))
            if path != self.queue_file and self._takes(folder / f"open-{_number(path)}")
        )

    def _takes(self, path: Path) -> bool:
        """Whether this session has that place now, or cannot have any."""
        is_there = path.exists()
        lock = QLockFile(str(path))
        lock.setStaleLockTime(0)  # a session may last for days
        if lock.tryLock(0):
            self._locks.append(lock)
            self.crashed = self.crashed or is_there
            return True
        return lock.error() != QLockFile.LockError.LockFailedError

    def remove(self) -> None:
        """The session has come to its end."""
        for lock in self._locks:
            lock.unlock()


def _number(path: Path) -> str:
    """Of the place whose queue that is."""
    return path.stem.removeprefix("queue-")
