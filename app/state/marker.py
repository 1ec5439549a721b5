"""Marker: the file that says that a session is open. One that its session did not take away tells
the next session of a crash. Made by `app.main` before all else.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from PySide6.QtCore import QLockFile


class Marker:
    """Takes the first place in `folder` that no living session holds, so that two windows at once
    do not write over each other's queue. crashed: whether the session that had the place before
    came to no proper end. queue_file: where this session keeps its queue."""

    def __init__(self, folder: Path) -> None:
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
        number = 1
        while not self._takes(folder / f"open-{number}"):
            number += 1
        self.queue_file = folder / f"queue-{number}.json"

    def _takes(self, path: Path) -> bool:
        """Whether this session has that place now, or cannot have any."""
        is_there = path.exists()
        self._lock = QLockFile(str(path))
        self._lock.setStaleLockTime(0)  # a session may last for days
        taken = self._lock.tryLock(0)
        self.crashed = is_there and taken
        return taken or self._lock.error() != QLockFile.LockError.LockFailedError

    def remove(self) -> None:
        """The session has come to its end."""
        self._lock.unlock()
