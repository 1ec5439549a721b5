"""GalleryIndex: what is known of the images in one folder, in an SQLite file with full-text search
(WAL, FTS5) and in memory. Used by `app.state.gallery.keeper`, in its thread.

Nothing is only here: the file can be made again from the images and their notes at any time.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from itertools import compress
from pathlib import Path
from types import NoneType
from typing import Any, NamedTuple

from app.state.gallery.notes import Note, Stamp, clean
from app.state.gallery.words import LONGEST_TEXT, expression, words

VERSION = 2
"""Of the tables and of what is written to them: a file with another one is made anew."""
PATIENCE = 5.0
"""Seconds to wait for another process that writes."""
SCREENFUL = 300
"""Images that are shown before all are read from the index."""
SORTS = {
    "newest": "changed DESC, name DESC",
    "oldest": "changed, name",
    "name": "name COLLATE NOCASE, name",
    "seed": "seed IS NULL, seed, changed DESC, name DESC",
    "model": "model = '', model COLLATE NOCASE, changed DESC, name DESC",
}
SETTLED_SORTS = ("newest", "oldest", "name")
"""Those that do not depend on what is read from the images."""

Row = tuple[Any, ...]
"""An image as the database has it: plain, since there may be very many. See `COLUMNS`."""
COLUMNS = (
    "id", "name", "changed", "bytes", "width", "height", "prompt", "negative_prompt", "model",
    "scheduler", "seed", "steps", "guidance_scale", "program", "favourite", "note", "looked",
)  # fmt: skip
ID, NAME, CHANGED, BYTES = range(4)
PROMPT, FAVOURITE, NOTE, LOOKED = map(COLUMNS.index, ("prompt", "favourite", "note", "looked"))
SEED = COLUMNS.index("seed")
HALF = 2**63
"""Seeds have 64 bits without a sign, integers of SQLite have one."""

_SCHEMA = (
    """CREATE TABLE files (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE,
    changed INTEGER NOT NULL, bytes INTEGER NOT NULL, width INTEGER, height INTEGER,
    prompt TEXT NOT NULL, negative_prompt TEXT NOT NULL, model TEXT NOT NULL,
    scheduler TEXT NOT NULL, seed INTEGER, steps INTEGER, guidance_scale REAL,
    program TEXT NOT NULL, favourite INTEGER NOT NULL, note TEXT NOT NULL,
    looked INTEGER NOT NULL, digest INTEGER NOT NULL)""",
    "CREATE INDEX by_time ON files (changed, name)",
    "CREATE INDEX unlooked ON files (changed, name) WHERE NOT looked",
    """CREATE VIRTUAL TABLE words USING fts5 (prompt, negative_prompt, note, model, name,
    tokenize = 'ascii', prefix = '1 2', columnsize = 0)""",
)
_SEARCHED = tuple(map(COLUMNS.index, ("prompt", "negative_prompt", "note", "model", "name")))


@dataclass(frozen=True)
class Entry:
    """What is known of one image. path: "" for an image without a file; changed: nanoseconds since
    1970; what is not known is None or ""."""

    path: str
    name: str
    changed: int = 0
    bytes: int = 0
    width: int | None = None
    height: int | None = None
    prompt: str = ""
    negative_prompt: str = ""
    model: str = ""
    scheduler: str = ""
    seed: int | None = None
    steps: int | None = None
    guidance_scale: float | None = None
    program: str = ""
    favourite: bool = False
    note: str = ""

    @classmethod
    def of_row(cls, path: str, row: Row) -> Entry:
        known: dict[str, Any] = dict(zip(COLUMNS, row, strict=True))
        if known["seed"] is not None:
            known["seed"] += HALF
        known["favourite"] = bool(known["favourite"])
        return cls(path, **{field.name: known[field.name] for field in fields(cls)[1:]})

    def to_row(self, ident: int = 0, looked: bool = True) -> Row:
        """The row with everything in the form that SQLite can hold."""
        return (
            ident,
            self.name,
            _integer(self.changed) or 0,
            _integer(self.bytes) or 0,
            _integer(self.width),
            _integer(self.height),
            _text(self.prompt),
            _text(self.negative_prompt),
            _text(self.model),
            _text(self.scheduler),
            _integer(self.seed - HALF) if isinstance(self.seed, int) else None,
            _integer(self.steps),
            _number(self.guidance_scale),
            _text(self.program),
            int(self.favourite),
            _text(self.note),
            int(looked),
        )


@dataclass(frozen=True)
class Query:
    """What is to be shown, and in which order. since: days, today included, 0 for all; sort: one of
    `SORTS`."""

    search: str = ""
    model: str = ""
    scheduler: str = ""
    favourites_only: bool = False
    since: int = 0
    sort: str = "newest"

    @property
    def is_plain(self) -> bool:
        """Whether it shows everything, newest first."""
        return self == Query()


class Selection(NamedTuple):
    """Of the same images, in order."""

    idents: list[int]
    rows: list[Row]
    names: list[str]


class GalleryIndex:
    """rows: all images by their id, once they are loaded; ids: by their name. path: None for an
    index in memory. A file that is missing is made; one that is damaged or has another version
    raises sqlite3.DatabaseError, here or later: delete it and make another."""

    def __init__(self, path: Path | None) -> None:
        self.rows: dict[int, Row] = {}
        self.ids: dict[str, int] = {}
        self.is_loaded = False
        self.path = path
        self._order: tuple[Query, str] | None = None  # what _ordered holds
        self._ordered: list[int] = []
        self._selected: Selection | None = None  # the rows of _ordered as they are now
        self._is_loading = False
        self._meanwhile: dict[str, Row | None] = {}  # written during a load; None: removed
        self._choices: tuple[list[str], list[str]] | None = None
        self._database = _opened(path)
        try:
            self.was_empty = _is_empty(self._database)
            if self.was_empty:
                with self._database:
                    self._database.execute("BEGIN IMMEDIATE")
                    if _is_empty(self._database):  # else another process was quicker
                        _create(self._database)
            if _shape(self._database) != _expected():
                raise sqlite3.DatabaseError("the tables are others")
            self._version = 0
        except BaseException:
            self._database.close()
            raise

    def close(self) -> None:
        self._database.close()

    def newest(self) -> list[Row]:
        """The first rows of a plain query, without reading all."""
        order = f"ORDER BY {SORTS['newest']} LIMIT {SCREENFUL}"
        found = self._database.execute(f"SELECT {', '.join(COLUMNS)} FROM files {order}")
        return _sound(found.fetchall())

    def count(self) -> int:
        return self._database.execute("SELECT count(*) FROM files").fetchone()[0]

    def load(self) -> Iterator[None]:
        """Read all rows, some at a time. What was known before is known until all are read."""
        version = self._data_version()
        rows: dict[int, Row] = {}
        ids: dict[str, int] = {}
        last = -1
        self._is_loading = True
        self._meanwhile.clear()
        while found := self._database.execute(_LOAD, (last,)).fetchall():
            for row in _sound(found):
                rows[row[ID]] = row
                ids[row[NAME]] = row[ID]
            last = found[-1][ID]
            yield
        for name, row in self._meanwhile.items():
            rows.pop(ids.pop(name, 0), None)
            if row is not None:
                rows[row[ID]], ids[name] = row, row[ID]
        self.rows, self.ids = rows, ids
        self.is_loaded, self._is_loading, self._version = True, False, version
        self._order, self._ordered, self._selected, self._choices = None, [], None, None

    def select(self, query: Query) -> Selection:
        """What the query asks for, in its order; in lists that are not changed later."""
        day = datetime.now().strftime("%Y%m%d") if query.since else ""
        order = (replace(query, search=""), day)
        if order != self._order:
            found = self._database.execute(*_ordering(query)).fetchall()
            self._ordered = [ident for (ident,) in found]
            self._order, self._selected = order, None
        if self._selected is None:
            rows = [row for row in map(self.rows.get, self._ordered) if row is not None]
            idents, names = ([row[column] for row in rows] for column in (ID, NAME))
            self._selected = Selection(idents, rows, names)
        if not query.search.strip():
            return self._selected
        asked = expression(query.search)
        if not asked:  # nothing but signs, which no word has
            return Selection([], [], [])
        # As one text: a row for each of many thousands would take three times as long. And nothing
        # is asked of the rows themselves, which lie all over the memory.
        (found,) = self._database.execute(_SEARCH, (asked,)).fetchone()
        matching = set(json.loads(f"[{found or ''}]"))
        chosen = [*map(matching.__contains__, self._selected.idents)]
        idents, rows, names = self._selected
        return Selection(
            [*compress(idents, chosen)], [*compress(rows, chosen)], [*compress(names, chosen)]
        )

    def choices(self) -> tuple[list[str], list[str]]:
        """The models and the schedulers that there are."""
        if self._choices is None:
            self._choices = self._found_choices()
        return self._choices

    def _found_choices(self) -> tuple[list[str], list[str]]:
        models, schedulers = (
            [
                row[0]
                for row in self._database.execute(
                    f"SELECT DISTINCT {column} FROM files WHERE {column} != '' "
                    f"ORDER BY {column} COLLATE NOCASE, {column}"
                )
            ]
            for column in ("model", "scheduler")
        )
        return models, schedulers

    def differing(self, there: Mapping[str, Stamp]) -> Iterator[list[str]]:
        """The names of the files that are new here or have changed, a few at a time."""
        found: list[str] = []
        for number, (name, stamp) in enumerate(there.items()):
            ident = self.ids.get(name)
            if ident is None or self.rows[ident][CHANGED : BYTES + 1] != stamp:
                found.append(name)
            if number % 512 == 511:
                yield found
                found = []
        yield found

    def put_stamps(self, stamps: Mapping[str, Stamp]) -> None:
        """Note that these files are there. What they hold is to be looked at; what was known of
        them stays until then."""
        values = []
        nothing = Entry("", "").to_row(looked=False)
        for name, (changed, size) in stamps.items():
            known = self.rows.get(self.ids.get(name, 0), nothing)
            values.append(_signed((name, changed, size, *known[BYTES + 1 : LOOKED], 0)))
        with self._database:
            self._database.executemany(_PUT, values)
            marks = ",".join("?" * len(values))
            found = self._database.execute(
                f"SELECT {', '.join(COLUMNS)} FROM files WHERE name IN ({marks})", [*stamps]
            ).fetchall()
        self._take(found, settled=False)

    def put_entries(self, entries: Sequence[Entry]) -> None:
        """Note what is known of these files; those that are not in the index are passed over."""
        self._change(
            entry.to_row(self.ids[entry.name]) for entry in entries if entry.name in self.ids
        )

    def put_notes(self, notes: Mapping[str, Note]) -> None:
        """Note what a person has said of these files."""
        olds = [(self.rows[self.ids[name]], notes[name]) for name in notes if name in self.ids]
        self._change(
            (*old[:FAVOURITE], int(note.favourite), note.note, old[LOOKED]) for old, note in olds
        )

    def _change(self, changed: Iterable[Row]) -> None:
        """By name: another process may have given the file another id."""
        rows = [*changed]
        with self._database:
            self._database.executemany(
                _CHANGE, ((*_signed(row[NAME:])[1:], row[NAME]) for row in rows)
            )
            self._database.executemany(_PUT_WORDS, map(_words, rows))
        self._take(rows, settled=True)

    def remove(self, names: Iterable[str]) -> None:
        """Forget these files."""
        gone = [(name,) for name in names if name in self.ids]
        with self._database:
            self._database.executemany(
                "DELETE FROM words WHERE rowid = (SELECT id FROM files WHERE name = ?)", gone
            )
            self._database.executemany("DELETE FROM files WHERE name = ?", gone)
        self._selected = self._choices = None
        for (name,) in gone:
            if self._is_loading:
                self._meanwhile[name] = None
            del self.rows[self.ids.pop(name)]

    def refresh(self) -> Iterator[None]:
        """Read all rows again if another process has written."""
        if self._data_version() != self._version:
            yield from self.load()

    def unlooked(self, most: int) -> list[str]:
        """The files that are still to be looked at, newest first, and no more than that."""
        found = self._database.execute(
            f"SELECT name FROM files WHERE NOT looked ORDER BY {SORTS['newest']} LIMIT ?", (most,)
        )
        return [name for (name,) in found.fetchall()]

    def count_unlooked(self) -> int:
        return self._database.execute("SELECT count(*) FROM files WHERE NOT looked").fetchone()[0]

    def check(self) -> Iterator[None]:
        """Compare every row with its digest, a few at a time. Raises sqlite3.DatabaseError for one
        that something else than this program has changed."""
        last = -1
        while True:
            rows = self._database.execute(
                f"SELECT {', '.join(COLUMNS)}, digest FROM files WHERE id > ? ORDER BY id LIMIT 64",
                (last,),
            ).fetchall()
            if not rows:
                return
            if any(_signed(row[NAME:-1]) != row[NAME:] for row in rows):
                raise sqlite3.DatabaseError("a row is not what was written")
            last = rows[-1][ID]
            yield

    def _take(self, rows: Iterable[Row], settled: bool) -> None:
        """Keep these rows. settled: whether the order of the settled sorts is as it was."""
        self._selected = self._choices = None
        for row in rows:
            if self._is_loading:
                self._meanwhile[row[NAME]] = row
            self.rows[row[ID]] = row
            self.ids[row[NAME]] = row[ID]
        if self._order and not (settled and _is_settled(self._order[0])):
            self._order = None

    def _data_version(self) -> int:
        """Another number whenever another process has written."""
        return self._database.execute("PRAGMA data_version").fetchone()[0]


def integrity(path: Path) -> str:
    """What is wrong with the structure of that index, "" if nothing is. Takes a second for a large
    one, with a connection of its own: to be called in a thread of its own."""
    try:
        database = _opened(path)
        try:
            found = database.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if found != "ok":
                return str(found)
            if database.execute(_WORDLESS).fetchone():
                return "an image has no words"
            database.execute("INSERT INTO words (words) VALUES ('integrity-check')")
            database.rollback()
            return ""
        finally:
            database.close()
    except sqlite3.DatabaseError as error:
        return "" if is_busy(error) or is_about_room(error) else str(error)


def is_busy(error: sqlite3.DatabaseError) -> bool:
    """Whether another process is at work on the file, and there is nothing wrong with it."""
    return _primary(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def is_about_room(error: sqlite3.DatabaseError) -> bool:
    """Whether the disk is full or cannot be written, and there is nothing wrong with the file."""
    return _primary(error) in (
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_AUTH,
    )


def index_file(index_folder: Path, folder: Path) -> Path:
    """Where the index of that folder of images is."""
    name = hashlib.blake2b(str(folder).encode("utf-8", "surrogateescape"), digest_size=12)
    return index_folder / f"{name.hexdigest()}.sqlite"


def delete_file(path: Path) -> None:
    """Delete a database with what SQLite keeps beside it. Raises OSError."""
    for suffix in ("-wal", "-shm", "-journal", ""):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


_WRITTEN = (*COLUMNS[NAME:], "digest")
_PUT = (
    f"INSERT INTO files ({', '.join(_WRITTEN)}) VALUES ({', '.join('?' * len(_WRITTEN))}) "
    "ON CONFLICT (name) DO UPDATE SET "
    + ", ".join(f"{column} = excluded.{column}" for column in _WRITTEN[1:])
)
_CHANGE = f"UPDATE files SET {', '.join(f'{column} = ?' for column in _WRITTEN[1:])} WHERE name = ?"
_PUT_WORDS = (
    "INSERT OR REPLACE INTO words (rowid, prompt, negative_prompt, note, model, name) "
    "SELECT id, ?, ?, ?, ?, ? FROM files WHERE name = ?"
)
_KINDS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("name", "prompt", "negative_prompt", "model", "scheduler"), (str,)),
    **dict.fromkeys(("program", "note"), (str,)),
    **dict.fromkeys(("id", "changed", "bytes", "favourite", "looked"), (int,)),
    **dict.fromkeys(("width", "height", "seed", "steps"), (int, NoneType)),
    "guidance_scale": (float, NoneType),
}
"""What Python makes of the columns. SQLite holds any kind in any column, and so does a damaged
file."""
_WORDLESS = "SELECT 1 FROM files WHERE looked AND id NOT IN (SELECT id FROM words_content) LIMIT 1"
_LOAD = f"SELECT {', '.join(COLUMNS)} FROM files WHERE id > ? ORDER BY id LIMIT 1000"
_SEARCH = "SELECT group_concat(rowid) FROM words WHERE words MATCH ?"


def _opened(path: Path | None) -> sqlite3.Connection:
    if path is not None:
        with suppress(OSError):  # SQLite then says what is wrong
            path.parent.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(
        ":memory:" if path is None else path, timeout=PATIENCE, check_same_thread=False
    )
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
    except BaseException:
        database.close()
        raise
    return database


def _create(database: sqlite3.Connection) -> None:
    for statement in _SCHEMA:
        database.execute(statement)
    database.execute(f"PRAGMA user_version = {VERSION}")


def _is_empty(database: sqlite3.Connection) -> bool:
    return database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0


def _shape(database: sqlite3.Connection) -> list[tuple[Any, ...]]:
    """The version and how the tables are made."""
    return [
        *database.execute("PRAGMA user_version"),
        *database.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name"),
    ]


def _expected() -> list[tuple[Any, ...]]:
    database = _opened(None)
    try:
        _create(database)
        return _shape(database)
    finally:
        database.close()


def _ordering(query: Query) -> tuple[str, list[object]]:
    """The statement for the ids in the query's order, without the search."""
    conditions, values = ["1"], []
    if query.model:
        conditions.append("model = ?")
        values.append(clean(query.model))
    if query.scheduler:
        conditions.append("scheduler = ?")
        values.append(clean(query.scheduler))
    if query.favourites_only:
        conditions.append("favourite")
    if query.since:
        today = datetime.now().replace(hour=0, minute=0, second=0, microsecond=0)
        first = today - timedelta(days=min(query.since, 36_500) - 1)
        conditions.append("changed >= ?")
        values.append(int(first.timestamp()) * 10**9)
    order = SORTS.get(query.sort, SORTS["newest"])
    return f"SELECT id FROM files WHERE {' AND '.join(conditions)} ORDER BY {order}", values


def _is_settled(query: Query) -> bool:
    """Whether neither the order nor the choice depends on what is read from the images."""
    return query.sort in SETTLED_SORTS and replace(query, sort="newest", since=0).is_plain


def _sound(rows: list[Row]) -> list[Row]:
    """The rows. Raises sqlite3.DatabaseError where one has a value of a kind that none has."""
    for kinds in {tuple(map(type, row)) for row in rows}:
        if any(kind not in _KINDS[name] for kind, name in zip(kinds, COLUMNS, strict=True)):
            raise sqlite3.DatabaseError("a row has a value of another kind")
    return rows


def _signed(row: Row) -> Row:
    """The row, without its id, with a digest of it."""
    return (*row, zlib.crc32(repr(row).encode("utf-8", "surrogatepass")))


def _words(row: Row) -> Row:
    return (*(" ".join(words(row[column])) for column in _SEARCHED), row[NAME])


def _primary(error: sqlite3.DatabaseError) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _text(value: object) -> str:
    return clean(value[:LONGEST_TEXT]) if isinstance(value, str) else ""


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _integer(value: Any) -> int | None:
    return value if _is_integer(value) and -HALF <= value < HALF else None


def _number(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and abs(value) < 1e30 else None
