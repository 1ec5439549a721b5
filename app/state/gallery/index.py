"""GalleryIndex: what is known of the images in one folder, in an SQLite file with full-text search
(WAL, FTS5) and in memory. Used by `app.state.gallery.keeper`, in its thread.

Nothing is only here: the file can be made again from the images and their notes at any time.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import compress
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

from app.state.gallery.image_row import COLUMNS, ImageFacts, ImageRow
from app.state.gallery.index_file import connect
from app.state.gallery.notes import Note, Stamp
from app.state.gallery.query import SORTS, Query
from app.state.gallery.words import expression, words

SCREENFUL = 300
"""Images that are shown before all are read from the index."""


class Selection(NamedTuple):
    """Of the same images, in order."""

    idents: list[int]
    rows: list[ImageRow]
    names: list[str]


class GalleryIndex:
    """rows: all images by their id, once they are loaded; ids: by their name. path: None for an
    index in memory. A file that is missing is made; one that is damaged or has another version
    raises sqlite3.DatabaseError, here or later: delete it and make another."""

    def __init__(self, path: Path | None) -> None:
        self.rows: dict[int, ImageRow] = {}
        self.ids: dict[str, int] = {}
        self.is_loaded = False
        self.path = path
        self._order: tuple[Query, str] | None = None  # what _ordered holds
        self._ordered: list[int] = []
        self._selected: Selection | None = None  # the rows of _ordered as they are now
        self._is_loading = False
        self._meanwhile: dict[str, ImageRow | None] = {}  # written during a load; None: removed
        self._choices: tuple[list[str], list[str]] | None = None
        self._version = 0
        self._database, self.was_empty = connect(path)

    def close(self) -> None:
        self._database.close()

    def newest(self) -> list[ImageRow]:
        """The first rows of a plain query, without reading all."""
        order = f"ORDER BY {SORTS['newest']} LIMIT {SCREENFUL}"
        found = self._database.execute(f"SELECT {_COLUMNS} FROM files {order}")
        return _sound(found.fetchall())

    def count(self) -> int:
        return self._database.execute("SELECT count(*) FROM files").fetchone()[0]

    def load(self) -> Iterator[None]:
        """Read all rows, some at a time. What was known before is known until all are read."""
        version = self._data_version()
        rows: dict[int, ImageRow] = {}
        ids: dict[str, int] = {}
        last = -1
        self._is_loading = True
        self._meanwhile.clear()
        while found := self._database.execute(_LOAD, (last,)).fetchall():
            for row in _sound(found):
                rows[row.id] = row
                ids[row.name] = row.id
            last = found[-1][0]
            yield
        for name, row in self._meanwhile.items():
            rows.pop(ids.pop(name, 0), None)
            if row is not None:
                rows[row.id], ids[name] = row, row.id
        self.rows, self.ids = rows, ids
        self.is_loaded, self._is_loading, self._version = True, False, version
        self._order, self._ordered, self._selected, self._choices = None, [], None, None

    def select(self, query: Query) -> Selection:
        """What the query asks for, in its order; in lists that are not changed later."""
        day = datetime.now().strftime("%Y%m%d") if query.since else ""
        order = (replace(query, search=""), day)
        if order != self._order:
            found = self._database.execute(*query.statement).fetchall()
            self._ordered = [ident for (ident,) in found]
            self._order, self._selected = order, None
        if self._selected is None:
            rows = [row for row in map(self.rows.get, self._ordered) if row is not None]
            idents, names = [row.id for row in rows], [row.name for row in rows]
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
            if ident is None or self.rows[ident].stamp != stamp:
                found.append(name)
            if number % 512 == 511:
                yield found
                found = []
        yield found

    def put_stamps(self, stamps: Mapping[str, Stamp]) -> None:
        """Note that these files are there. What they hold is to be looked at; what was known of
        them stays until then."""
        values = []
        nothing = ImageFacts("", "").to_row(looked=False)
        for name, (changed, size) in stamps.items():
            known = self.rows.get(self.ids.get(name, 0), nothing)
            row = known.replaced(name=name, changed=changed, bytes=size, looked=0)
            values.append(_signed(row.values[1:]))
        with self._database:
            self._database.executemany(_PUT, values)
            marks = ",".join("?" * len(values))
            found = self._database.execute(
                f"SELECT {_COLUMNS} FROM files WHERE name IN ({marks})", [*stamps]
            ).fetchall()
        self._take(_sound(found), settled=False)

    def put_facts(self, found: Sequence[ImageFacts]) -> None:
        """Note what is known of these files; those that are not in the index are passed over."""
        self._change(
            facts.to_row(self.ids[facts.name]) for facts in found if facts.name in self.ids
        )

    def put_notes(self, notes: Mapping[str, Note]) -> None:
        """Note what a person has said of these files."""
        olds = [(self.rows[self.ids[name]], notes[name]) for name in notes if name in self.ids]
        self._change(
            old.replaced(favourite=int(note.favourite), note=note.note) for old, note in olds
        )

    def agree_with(self, notes: Mapping[str, Note]) -> None:
        """Say of every file what these notes say, and nothing of one that has none there."""
        noted = {row.name for row in self.rows.values() if row.favourite or row.note}
        known = [name for name in noted | notes.keys() if name in self.ids]
        said = {name: notes.get(name, Note()) for name in known}
        self.put_notes({name: note for name, note in said.items() if not self._says(name, note)})

    def _says(self, name: str, note: Note) -> bool:
        row = self.rows[self.ids[name]]
        return (bool(row.favourite), row.note) == (note.favourite, note.note)

    def _change(self, changed: Iterable[ImageRow]) -> None:
        """By name: another process may have given the file another id."""
        rows = [*changed]
        with self._database:
            self._database.executemany(
                _CHANGE, ((*_signed(row.values[1:])[1:], row.name) for row in rows)
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
                f"SELECT {_COLUMNS}, digest FROM files WHERE id > ? ORDER BY id LIMIT 64",
                (last,),
            ).fetchall()
            if not rows:
                return
            if any(_signed(row[1:-1]) != row[1:] for row in rows):
                raise sqlite3.DatabaseError("a row is not what was written")
            last = rows[-1][0]
            yield

    def _take(self, rows: Iterable[ImageRow], settled: bool) -> None:
        """Keep these rows. settled: whether the order of the settled sorts is as it was."""
        self._selected = self._choices = None
        for row in rows:
            if self._is_loading:
                self._meanwhile[row.name] = row
            self.rows[row.id] = row
            self.ids[row.name] = row.id
        if self._order and not (settled and self._order[0].is_settled):
            self._order = None

    def _data_version(self) -> int:
        """Another number whenever another process has written."""
        return self._database.execute("PRAGMA data_version").fetchone()[0]


_COLUMNS = ", ".join(COLUMNS)
_WRITTEN = (*COLUMNS[1:], "digest")  # the id is SQLite's to give
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
_searched = attrgetter("prompt", "negative_prompt", "note", "model", "name")
_LOAD = f"SELECT {_COLUMNS} FROM files WHERE id > ? ORDER BY id LIMIT 1000"
_SEARCH = "SELECT group_concat(rowid) FROM words WHERE words MATCH ?"


def _sound(found: list[tuple[Any, ...]]) -> list[ImageRow]:
    """The rows. Raises sqlite3.DatabaseError where one has a value of a kind that none has."""
    try:
        return ImageRow.of_database(found)
    except ValueError:
        raise sqlite3.DatabaseError("a row has a value of another kind") from None


def _signed(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """The values of a row, without its id, with a digest of them."""
    return (*values, zlib.crc32(repr(values).encode("utf-8", "surrogatepass")))


def _words(row: ImageRow) -> tuple[str, ...]:
    return (*(" ".join(words(text)) for text in _searched(row)), row.name)
