"""Store: rows in one SQLite file that several windows and programs read and write at once, and that
no crash and no power cut leaves half written. Used by `app.state.store.store_thread` for settings
and the queue, by `app.state.gallery.notes` beside the images, and by the command line; knows no Qt.

A row has a kind, a name that is unique in it, a position by which the kind is ordered, and a text,
which is JSON as a rule. Whoever changes one row leaves all others as they are.
"""

from __future__ import annotations

import itertools
import os
import sqlite3
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote

from engine.atomic import make_folder, sync_folder
from engine.foreign import is_there, parse_json

VERSION = 1
"""Of the tables. A file with a greater one is of a later program and left alone."""
PATIENCE = 2.0
"""Seconds to wait for another process that writes."""
LARGEST_ROW = 64 * 2**20
"""Bytes of a text: none that this program writes comes near."""
LARGEST = 256 * 2**20
"""Bytes in use, where 5,000 plans take 10 million. More would take seconds to look through, and
much memory."""
SMALLEST = 512
"""Bytes of a page: SQLite takes what is shorter for a file with nothing in it."""
WAL, DELETE = "WAL", "DELETE"
"""How SQLite keeps what is being changed. WAL is quick, and reading waits for nobody, but three
files belong together, and memory is shared: for a folder of the program's own. DELETE leaves a lone
file between two changes, which may lie on a stick, a network's disk or in a synced folder."""

_SCHEMA = (
    "CREATE TABLE things (kind TEXT NOT NULL, name TEXT NOT NULL, place REAL NOT NULL, "
    "text TEXT NOT NULL, PRIMARY KEY (kind, name)) WITHOUT ROWID"
)
_PUT = "INSERT INTO things VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET place = ?3, text = ?4"
_ADD = "INSERT OR IGNORE INTO things VALUES (?, ?, ?, ?)"
_ROWS = "SELECT name, place, text FROM things WHERE kind = ? ORDER BY place, name"

T = TypeVar("T")
Key = tuple[str, str]
"""Kind and name of a row."""


class StoredRow(NamedTuple):
    """position: by which the rows of a kind are ordered, ascending."""

    text: str
    position: float = 0.0


Changes = Mapping[Key, StoredRow | None]
"""What rows are to be; None takes one away."""


class Damage(sqlite3.DatabaseError):
    """The file is no store."""


class Store:
    """contents: what a file that has to be made begins with; it is given the name under which a
    damaged one was kept, "" if there was none. kept: that name.

    The file is opened when it is first needed. Whatever cannot be done raises OSError, whose text
    is the reason, and can be tried again; a damaged file is kept under another name first, and one
    that is gone is made anew.
    """

    def __init__(
        self, path: Path, journal: str, contents: Callable[[str], Changes] = lambda _: {}
    ) -> None:
        self.path = path
        self.contents = contents
        self.kept = ""
        self._journal = journal
        self._database: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None  # which one is open
        self._sound: tuple[int, int] | None = None  # which one was looked through

    def rows(self, kind: str) -> dict[str, StoredRow]:
        """The rows of that kind by their name, in order."""
        return self._do(lambda database: _rows(database, kind))

    def kinds(self, beginning: str) -> list[str]:
        """The kinds that there are rows of and that begin so."""
        every = "SELECT DISTINCT kind FROM things WHERE typeof(kind) = 'text'"
        found = self._do(lambda db: db.execute(every).fetchall())
        return sorted(kind for (kind,) in found if kind.startswith(beginning))

    def write(self, changes: Changes) -> None:
        """Make all these changes or none; when this returns they are on the disk."""
        self._do(lambda database: _write(database, changes))

    def rename(self, kind: str, new: str) -> None:
        """Put all rows of a kind into another, all or none, behind those that are there."""

        def act(database: sqlite3.Connection) -> None:
            with _transaction(database):
                last = "SELECT coalesce(max(place), 0) FROM things WHERE kind = ?"
                (behind,) = database.execute(last, (new,)).fetchone()
                database.execute(
                    "UPDATE OR REPLACE things SET kind = ?, place = place + ? WHERE kind = ?",
                    (new, behind + 1, kind),
                )

        self._do(act)

    def close(self) -> None:
        if self._database is not None:
            with suppress(sqlite3.Error):
                self._database.close()
            self._database = None

    def _do(self, act: Callable[[sqlite3.Connection], T]) -> T:
        try:
            try:
                return act(self._opened())
            except sqlite3.DatabaseError as error:
                if not _is_damage(error):
                    raise
                self._keep_damaged()
                return act(self._opened())
        except sqlite3.Error as error:
            self.close()
            raise OSError(str(error)) from error
        except UnicodeError as error:  # a name with bytes that are no text
            raise OSError(str(error)) from error

    def _opened(self) -> sqlite3.Connection:
        """The open file, if it is still the one that has the name."""
        if self._database is not None and self._file == _identity(self.path):
            return self._database
        self.close()
        make_folder(self.path.parent)
        if is_there(self.path) and not stat.S_ISREG(self.path.stat().st_mode):
            raise OSError("it is no file")
        former, self._file = self._file, _identity(self.path)
        if self._file and 0 < self.path.stat().st_size < SMALLEST:
            raise Damage("the file is cut short")
        database = connected(self.path)
        try:
            database.execute(f"PRAGMA journal_mode = {self._journal}")
            database.execute("PRAGMA synchronous = EXTRA")  # FULL, and the folder with it
            if _is_empty(database):
                self._fill(database)
                sync_folder(self.path.parent)
            _check(database)
            if self._file != self._sound:
                _look_through(database)
            if former not in (None, self._file):  # another process has made a new one
                with _transaction(database):
                    _put(database, self.contents(self.kept), _ADD)
        except BaseException:
            database.close()
            raise
        self._file = self._sound = _identity(self.path)
        self._database = database
        return database

    def _fill(self, database: sqlite3.Connection) -> None:
        """Make the tables with what they begin with."""
        with _transaction(database):
            if _is_empty(database):  # else another process was quicker
                database.execute(_SCHEMA)
                database.execute(f"PRAGMA user_version = {VERSION}")
                _put(database, self.contents(self.kept))

    def _keep_damaged(self) -> None:
        """Give a damaged file another name, with what SQLite keeps beside it."""
        self.close()
        if self._file != _identity(self.path):
            return  # another process was quicker
        names = (f"{self.path.stem}.damaged{ending}" for ending in _endings())
        paths = (self.path.with_name(f"{name}{self.path.suffix}") for name in names)
        kept = next(path for path in paths if not is_there(path))
        self.path.replace(kept)
        for beside in ("-wal", "-shm", "-journal"):
            with suppress(OSError):
                self.path.with_name(self.path.name + beside).replace(f"{kept}{beside}")
        self.kept = str(kept)


def glance(path: Path, kind: str) -> dict[str, StoredRow]:
    """The rows of that kind, without changing anything, room on the disk or the right to write: for
    who only reads, and for when a store cannot be opened. Raises OSError."""
    if not path.is_file():
        raise FileNotFoundError("it is no file")
    ways = [("", "NORMAL"), ("", "EXCLUSIVE")]  # the second needs no file to share memory in
    if not path.with_name(path.name + "-wal").exists():  # else what is in that counts
        ways = [("?mode=ro&immutable=1", "NORMAL")]
    for number, (how, locking) in enumerate(ways, 1):
        try:
            with closing(connected(path, how)) as database:
                database.execute(f"PRAGMA locking_mode = {locking}")
                _check(database)
                _look_through(database)
                return _rows(database, kind)
        except sqlite3.Error as error:
            if number == len(ways):
                raise OSError(str(error)) from error
    raise AssertionError("the last way gives rows or raises")


def value_of(row: StoredRow) -> Any:
    """What the text of a row says as JSON. Raises EngineError for what cannot be read."""
    return parse_json(row.text, "What is kept there")


def connected(path: Path, how: str = "") -> sqlite3.Connection:
    """The file as a database that runs nothing of what may stand in it. Raises sqlite3.Error."""
    database = sqlite3.connect(
        f"file:{quote(os.fsencode(path.absolute()))}{how}",
        uri=True,
        timeout=PATIENCE,
        isolation_level=None,
        check_same_thread=False,
    )
    database.text_factory = _text
    database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST_ROW)
    database.execute("PRAGMA trusted_schema = OFF")
    return database


class _transaction:
    """All of the block or nothing. Whoever reads before writing sees what nobody changes since."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def __enter__(self) -> None:
        self._database.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            try:
                self._database.execute("COMMIT")
                return
            except sqlite3.Error:
                self._roll_back()
                raise
        self._roll_back()

    def _roll_back(self) -> None:
        with suppress(sqlite3.Error):  # SQLite may have done so itself
            self._database.execute("ROLLBACK")


def _rows(database: sqlite3.Connection, kind: str) -> dict[str, StoredRow]:
    """What is odd in one row, which SQLite holds all the same, loses none of the others."""
    found = database.execute(_ROWS, (kind,))
    return {
        str(name): StoredRow(str(text), position if isinstance(position, float) else 0.0)
        for name, position, text in found
    }


def _write(database: sqlite3.Connection, changes: Changes) -> None:
    with _transaction(database):
        _put(database, changes)


def _put(database: sqlite3.Connection, changes: Changes, how: str = _PUT) -> None:
    gone = [key for key, row in changes.items() if row is None]
    there = [(*key, row.position, row.text) for key, row in changes.items() if row is not None]
    database.executemany("DELETE FROM things WHERE kind = ? AND name = ?", gone)
    database.executemany(how, there)


def _check(database: sqlite3.Connection) -> None:
    """Raise for a file that is none of ours."""
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise sqlite3.OperationalError("it was written by a later version of Safelight")
    tables = "SELECT sql FROM sqlite_master WHERE name NOT LIKE 'sqlite!_%' ESCAPE '!'"
    if database.execute(tables).fetchall() != [(_SCHEMA,)]:  # but for what SQLite adds itself
        raise Damage("the tables are others")
    pages, free, bytes_ = (
        database.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    if (length := (pages - free) * bytes_) > LARGEST:
        raise sqlite3.OperationalError(
            f"it holds {length:,} bytes, where at most {LARGEST:,} are read"
        )


def _look_through(database: sqlite3.Connection) -> None:
    """Raise for a file that has come to harm."""
    (word,) = database.execute("PRAGMA quick_check(1)").fetchone()
    if word != "ok":
        raise Damage(word)


def _is_empty(database: sqlite3.Connection) -> bool:
    return database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return isinstance(error, Damage) or code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _text(content: bytes) -> str:
    """SQLite holds any bytes as text, of a damaged or a stranger's file too."""
    return content.decode("utf-8", "replace")


def _endings() -> Iterator[str]:
    yield ""
    yield from (f"-{number}" for number in itertools.count(2))


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
