"""Thumbnails: small pictures of image files, made when they are first asked for and kept in an
SQLite file by path, size and time of change. Used by `app.state.gallery.tile_thumbnails`.

Two threads wait for the pictures, which two processes make: see `thumbnail_process`.
"""

from __future__ import annotations

import sqlite3
import threading
import weakref
import zlib
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QImage

from app.state.gallery.index_file import PATIENCE, delete_file, is_busy
from app.state.gallery.thumbnail_maker import ThumbnailMaker, TooCostly
from app.unfailing import Complaints

THUMBNAIL = 192
"""Pixels of the longer side: a tile of the gallery on a screen of double density."""
THREADS = 2
MOST_WAITING = 256
"""Who asks for more has scrolled on: what was asked for first is not wanted any more."""
MOST_STORED = 100_000
"""Thumbnails in the file, 0.5 to 1 GB at most."""
SMALL_FILE = 32 * 1024
"""Bytes up to which a file with few pixels is as quick to read as a thumbnail."""
PACKED = "WEBP"
"""What the thumbnails in the file are."""
VERSION = 1


class Wanted(NamedTuple):
    """A thumbnail of the file as it is: changed in nanoseconds, and bytes."""

    path: str
    changed: int
    bytes: int


class Thumbnails(QObject):
    """ready: Wanted, and its thumbnail or None where no picture can be made of the file. dropped:
    Wanted that is not made, since many newer wishes came before it; ask again."""

    ready = Signal(object, object)
    dropped = Signal(object)

    def __init__(self, file: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._wishes = _Wishes()
        tell = partial(_tell, weakref.ref(self))
        self._makers = [ThumbnailMaker(THUMBNAIL) for _ in range(THREADS)]
        self._threads = [
            threading.Thread(
                target=_make_all,
                args=(self._wishes, file, maker, tell),
                name="thumbnails",
                daemon=True,
            )
            for maker in self._makers
        ]
        self._is_begun = False
        self._end = weakref.finalize(self, self._wishes.close)

    def ask(self, wanted: Wanted) -> None:
        """Make it and tell `ready`; the latest wish comes first."""
        if not self._end.alive:
            return
        if not self._is_begun:
            self._is_begun = True
            for thread in self._threads:
                thread.start()
        if dropped := self._wishes.add(wanted):
            QTimer.singleShot(0, self, partial(self.dropped.emit, dropped))

    def close(self) -> None:
        """End the threads and their processes, for good."""
        self._end()
        for maker in self._makers:
            maker.close()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(5.0)


class _Wishes:
    """What is wanted, the latest first; waits where there is nothing."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._waiting: OrderedDict[Wanted, None] = OrderedDict()
        self._over = False

    def add(self, wanted: Wanted) -> Wanted | None:
        """Returns the one that has to go for it."""
        with self._condition:
            self._waiting[wanted] = None
            self._waiting.move_to_end(wanted)
            self._condition.notify()
            if len(self._waiting) > MOST_WAITING:
                return self._waiting.popitem(last=False)[0]
            return None

    def take(self) -> Wanted | None:
        """None once it is over."""
        with self._condition:
            self._condition.wait_for(lambda: self._waiting or self._over)
            return None if self._over else self._waiting.popitem()[0]

    def close(self) -> None:
        with self._condition:
            self._over = True
            self._condition.notify_all()


class ThumbnailStore:
    """The SQLite file, or nothing where it cannot be had: no error of it reaches the caller."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._database: sqlite3.Connection | None = None
        for _ in range(2):
            try:
                self._database = _opened(file)
                return
            except sqlite3.DatabaseError as error:
                if is_busy(error):
                    return
                with suppress(OSError):
                    delete_file(file)

    def get(self, wanted: Wanted) -> bytes | None:
        found = self._execute(
            "SELECT picture, digest FROM thumbnails WHERE path = ? AND changed = ? AND bytes = ?",
            wanted,
        )
        for picture, digest in found:
            if isinstance(picture, bytes) and zlib.crc32(picture) == digest:
                return picture
        return None

    def put(self, wanted: Wanted, picture: bytes) -> None:
        self._execute(
            "INSERT OR REPLACE INTO thumbnails (path, changed, bytes, picture, digest) "
            "VALUES (?, ?, ?, ?, ?)",
            (*wanted, picture, zlib.crc32(picture)),
        )

    def trim(self, most: int = MOST_STORED) -> None:
        """Drop those that were made first, until there are no more than that."""
        self._execute(
            "DELETE FROM thumbnails WHERE id <= (SELECT max(id) FROM thumbnails) - ?", (most,)
        )

    def close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    def _execute(self, statement: str, values: tuple[object, ...]) -> list[tuple[object, ...]]:
        if self._database is None:
            return []
        try:
            with self._database:
                return self._database.execute(statement, values).fetchall()
        except (sqlite3.Error, ValueError) as error:
            if isinstance(error, sqlite3.DatabaseError) and not is_busy(error):
                self.close()  # the next start makes it anew if it is damaged
                with suppress(OSError):
                    delete_file(self._file)
            return []


def _make_all(
    wishes: _Wishes,
    file: Path,
    maker: ThumbnailMaker,
    tell: Callable[[Wanted, QImage | None], None],
) -> None:
    store, complaints, costly = ThumbnailStore(file), Complaints(), set[Wanted]()
    try:
        store.trim()
        while (wanted := wishes.take()) is not None:
            picture = None
            try:
                if wanted not in costly:
                    picture = _made(wanted, store, maker)
            except TooCostly:
                costly.add(wanted)
            except Exception as error:  # what is wrong with one must not end the others
                complaints.tell(error)
            tell(wanted, picture)
    finally:
        store.close()
        maker.close()


def _made(wanted: Wanted, store: ThumbnailStore, maker: ThumbnailMaker) -> QImage | None:
    stored = store.get(wanted)
    if stored is not None:
        picture = QImage.fromData(stored, PACKED)  # pyright: ignore[reportArgumentType]
        if not picture.isNull():
            return picture
    made = maker.make(wanted.path, packed=wanted.bytes > SMALL_FILE)
    if made is None:
        return None
    if made.packed:
        store.put(wanted, made.packed)
    return made.picture


def _opened(file: Path) -> sqlite3.Connection:
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(file, timeout=PATIENCE, check_same_thread=False)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = OFF")  # a cache: what is lost is made again
        if database.execute("PRAGMA user_version").fetchone()[0] not in (0, VERSION):
            raise sqlite3.DatabaseError("another version")
        database.execute(
            "CREATE TABLE IF NOT EXISTS thumbnails (id INTEGER PRIMARY KEY, path TEXT UNIQUE, "
            "changed INTEGER, bytes INTEGER, picture BLOB, digest INTEGER)"
        )
        database.execute(f"PRAGMA user_version = {VERSION}")
        database.execute("SELECT path, changed, bytes, picture, digest FROM thumbnails LIMIT 1")
    except BaseException:
        database.close()
        raise
    return database


def _tell(receiver: weakref.ref[Thumbnails], wanted: Wanted, picture: QImage | None) -> None:
    thumbnails = receiver()
    if thumbnails is not None:
        with suppress(RuntimeError):  # Qt's half of it has gone first
            thumbnails.ready.emit(wanted, picture)
