"""Finder: looks at places on the disk in the background, and again whenever files come, change or
go there. The library says which places there are and how one looks for models in them.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QFileSystemWatcher, QObject, QTimer, Signal, Slot

from app.state.background import Background
from engine.foreign import is_folder

if TYPE_CHECKING:
    from engine.checkpoint.value import Checkpoint

CHUNK, CHUNK_SECONDS = 50, 0.2
"""How many models are told together, and how long the first of them waits for the others."""
SETTLING = 700
"""Milliseconds from a change on the disk to the look at it: a copy makes many changes."""
MOST_WATCHED = 1000
"""Folders that are watched in a place."""


class SearchPlace(NamedTuple):
    """find: yields the checkpoints that are there, plain values with source, path and state; root:
    the folder that is watched, None for one that does not change. Both are called in a thread."""

    find: Callable[[], Iterator[Checkpoint]]
    root: Callable[[], Path] | None = None


class Seen(NamedTuple):
    """exists: whether the place is there; watched: the paths where a change would tell of more."""

    exists: bool = True
    watched: list[str] = []  # noqa: RUF012 (never changed)


class Look:
    """One look at a place that is under way."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self.found: dict[str, Checkpoint] = {}


class Finder(QObject):
    """found: of each place the checkpoints by source, complete once a look at it has ended. What
    was found before stays in it until then. absent: the places that are not there."""

    changed = Signal()
    busyChanged = Signal(bool)

    _told = Signal(str, object, list)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.found: dict[str, dict[str, Checkpoint]] = {}
        self.absent: set[str] = set()
        self._places: Mapping[str, SearchPlace] = {}
        self._looks: dict[str, Look] = {}
        self._again: set[str] = set()
        self._watched: dict[str, list[str]] = {}
        self._background = Background(self)
        # Without a parent, so that `close` can end it: Python may collect a Finder in any thread,
        # and a watcher that is destroyed in another one than its own ends the program.
        self._watcher: QFileSystemWatcher | None = QFileSystemWatcher()
        self._settling = QTimer(self, singleShot=True, interval=SETTLING)

        self._told.connect(self._take)
        self._watcher.directoryChanged.connect(self._mark)
        self._watcher.fileChanged.connect(self._mark)
        self._settling.timeout.connect(self._look_again)

    @property
    def is_busy(self) -> bool:
        return bool(self._looks)

    def set_places(self, places: Mapping[str, SearchPlace]) -> None:
        """The places from now on. Those that are new are looked at."""
        added = [name for name in places if name not in self._places]
        for name in self._places.keys() - places.keys():
            if look := self._looks.pop(name, None):
                look.over.set()
            self._watched.pop(name, None)
            self.absent.discard(name)
        self._places = dict(places)
        self.found = {name: self.found.get(name, {}) for name in places}
        self._watch()
        self.changed.emit()
        self.look(added)

    def look(self, names: Iterable[str] | None = None) -> None:
        """Look at these places, or at all; once more at those that are being looked at."""
        for name in self._places if names is None else names:
            if name in self._looks:
                self._again.add(name)
            elif name in self._places:
                self._begin(name)
        self.busyChanged.emit(self.is_busy)

    def close(self) -> None:
        """End all looks, for good."""
        for look in self._looks.values():
            look.over.set()
        self._looks.clear()
        self._settling.stop()
        self._watcher = None
        self._background.close()

    def _begin(self, name: str) -> None:
        look = self._looks[name] = Look()
        work = partial(_look_at, self._places[name], look, partial(self._told.emit, name, look))
        self._background.submit(
            work, partial(self._finish, name, look), partial(self._fail, name, look)
        )

    @Slot(str, object, list)
    def _take(self, name: str, look: Look, checkpoints: list[Checkpoint]) -> None:
        if self._looks.get(name) is look:
            found = {checkpoint.source: checkpoint for checkpoint in checkpoints}
            look.found.update(found)
            self.found[name] = {**self.found[name], **found}
            self.changed.emit()

    def _finish(self, name: str, look: Look, seen: Seen) -> None:
        if self._looks.get(name) is not look:
            return
        del self._looks[name]
        self.absent.discard(name)
        if not seen.exists:
            self.absent.add(name)
        self.found[name] = look.found
        self._watched[name] = seen.watched
        self._watch()
        self.changed.emit()
        if name in self._again:
            self._again.discard(name)
            self._begin(name)
        self.busyChanged.emit(self.is_busy)

    def _fail(self, name: str, look: Look, error: Exception) -> None:
        """What was found by then counts: the looks themselves tell what is wrong with a file."""
        self._finish(name, look, Seen())

    def _watch(self) -> None:
        """Watch what is to be watched, and nothing else."""
        if self._watcher is None:
            return
        wanted = {path for paths in self._watched.values() for path in paths}
        watched = {*self._watcher.directories(), *self._watcher.files()}
        if gone := sorted(watched - wanted):
            self._watcher.removePaths(gone)
        if new := sorted(wanted - watched):
            self._watcher.addPaths(new)

    @Slot(str)
    def _mark(self, path: str) -> None:
        """There was a change at that path. The look waits, but not for ever: a file that is being
        copied changes all the time."""
        if not self._settling.isActive():
            self._settling.start()
        self._again.update(name for name, paths in self._watched.items() if path in paths)

    def _look_again(self) -> None:
        names, self._again = self._again, set()
        self.look(names)


def _look_at(place: SearchPlace, look: Look, tell: Callable[[list[Checkpoint]], None]) -> Seen:
    """In a thread: tell what is found, a few at a time."""
    chunk: list[Checkpoint] = []
    unready: list[str] = []
    begun = time.monotonic()
    for checkpoint in place.find():
        if look.over.is_set():
            return Seen()
        chunk.append(checkpoint)
        if checkpoint.state != "ready":  # it may be on its way here
            unready.append(checkpoint.path)
        if len(chunk) >= CHUNK or time.monotonic() - begun > CHUNK_SECONDS:
            tell(chunk)
            chunk, begun = [], time.monotonic()
    tell(chunk)
    if place.root is None:
        return Seen()
    root = place.root()
    if is_folder(root):
        return Seen(True, [*_folders(root), *unready])
    nearest = next((str(folder) for folder in root.parents if is_folder(folder)), None)
    return Seen(False, [nearest] if nearest else [])


def _folders(root: Path) -> list[str]:
    """The folder and those below it, over links too, but for what is hidden."""
    found: list[str] = []
    real: set[str] = set()
    for folder, below, _ in os.walk(root, followlinks=True):
        real_path = os.path.realpath(folder)
        if real_path in real or len(found) >= MOST_WATCHED:
            below.clear()
            continue
        real.add(real_path)
        found.append(folder)
        below[:] = sorted(name for name in below if not name.startswith("."))
    return found
