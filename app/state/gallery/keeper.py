"""GalleryKeeper: keeps the index of one folder of images in step with the folder, and tells what is
to be shown. Driven by `app.state.gallery.keeper_thread`, in its thread; knows no event loop.
"""

from __future__ import annotations

import heapq
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from app.state.gallery.index import (
    BYTES,
    CHANGED,
    FAVOURITE,
    NAME,
    NOTE,
    SCREENFUL,
    Entry,
    GalleryIndex,
    Query,
    Row,
    delete_file,
    index_file,
    integrity,
    is_about_room,
    is_busy,
)
from app.state.gallery.notes import Note, Notes, Stamp, clean
from app.state.gallery.trash import Discarded, discard, restore
from engine.errors import EngineError
from engine.foreign import Head, is_there, picture_head

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
TELLING = 1.0
"""Seconds between two words on what has been read from the images."""
BATCH = 64
"""Images that are written to the index in one go."""
STAMPS = 512
"""New files that are written to the index in one go."""
IMPATIENCE = 0.15
"""Seconds until some names are shown, though more are still to be found."""
PAUSE = 1.0
"""Seconds until the next try when another process keeps the index to itself."""
KEPT_TRASH = 50
"""How many times the trash can be undone."""


@dataclass(frozen=True)
class Listing:
    """What is to be shown. query: what was asked for; rows and names: of the same images, in order;
    total: images in the folder; heard: the last `look` that this listing has seen the folder after;
    is_there: whether the folder is."""

    folder: Path
    query: Query
    rows: list[Row]
    names: list[str]
    total: int
    heard: int
    is_there: bool


@dataclass(frozen=True)
class Choices:
    models: list[str]
    schedulers: list[str]


@dataclass(frozen=True)
class Progress:
    """How many images have been read of those that there are; 0 of 0 at rest."""

    done: int
    of: int


@dataclass(frozen=True)
class Trashed:
    """How many images come back with the next undo."""

    count: int


@dataclass(frozen=True)
class Trouble:
    sentence: str


class Rest:
    """Nothing is left to do: the index agrees with the folder and has been checked."""


class GalleryKeeper:
    """tell: gets Listing, Choices, Progress, Trashed, Trouble and Rest, in this thread. recipe_of:
    what the engine's `recipe_of_picture` is, or what stands in for it; whatever it raises means
    that the image has no settings."""

    def __init__(
        self, index_folder: Path, recipe_of: Callable[[str], Any], tell: Callable[[object], None]
    ) -> None:
        self._index_folder = index_folder
        self._recipe_of = recipe_of
        self.tell = tell
        self._folder = Path()
        self._index: GalleryIndex | None = None
        self._notes = Notes(Path())
        self._query = Query()
        self._work: Iterator[bool] = iter(())
        self._asked = 0  # the last look that was asked for
        self._heard = 0  # the last one that has begun
        self._is_there = True
        self._is_checked = False
        self._steps_down = 0  # how often the index had to be given up
        self._touched = 0
        self._choices: Choices | None = None
        self._trash: list[list[Discarded]] = []

    def set_folder(self, folder: Path, number: int) -> None:
        self._close()
        self._folder = folder
        self._notes = Notes(folder)
        self._steps_down, self._is_there, self._is_checked = 0, True, False
        self._choices = None
        self._asked = number
        self._work = self._tend()

    def look(self, number: int) -> None:
        """Compare the index with the folder once more. number: greater than that of all before."""
        self._asked = number

    def reindex(self) -> None:
        """Read everything anew."""
        self._close()
        self._delete()
        self._steps_down = 0
        self._work = self._tend()

    def begin_anew(self) -> None:
        """With the next look: what was done has failed, in a way that nobody has foreseen."""
        self._close()
        self._work = self._tend_later()

    def close(self) -> None:
        self._work = iter(())
        self._close()

    def step(self) -> bool:
        """Do a little of what there is to do, a few milliseconds. False: there is nothing until
        something is asked for."""
        try:
            return next(self._work, False)
        except sqlite3.DatabaseError as error:
            self._recover(error)
            return True

    def set_query(self, query: Query) -> None:
        self._query = query
        self._guard(self._publish)

    def set_favourite(self, names: list[str], is_favourite: bool) -> None:
        self._annotate(names, favourite=is_favourite)

    def set_note(self, name: str, note: str) -> None:
        self._annotate([name], note=note)

    def trash(self, names: list[str]) -> None:
        """Move these files to the system's trash. What cannot be moved stays and is told once."""
        discarded: list[Discarded] = []
        trouble = ""
        for name in names:
            try:
                discarded.append(discard(self._folder / name))
            except FileNotFoundError:
                pass  # gone already: it leaves the list
            except OSError as error:
                trouble = trouble or str(error)
        gone = [name for name in names if not is_there(self._folder / name)]
        self._guard(lambda: self._forget(gone))
        if back := [one for one in discarded if one.place]:
            self._trash = [*self._trash, back][-KEPT_TRASH:]
        elif discarded:
            self._trash.clear()  # the last one cannot be undone, so an undo would mean another
        self.tell(Trashed(len(self._trash[-1]) if self._trash else 0))
        if trouble:
            self.tell(Trouble(trouble))
        self._look_again()

    def undo_trash(self) -> None:
        """Bring back what went to the trash last."""
        if not self._trash:
            return
        renamed: dict[str, str] = {}
        trouble = ""
        for one in self._trash.pop():
            try:
                target = restore(one)
            except OSError as error:
                trouble = trouble or str(error)
                continue
            if target.name != one.path.name and one.path.parent == self._folder:
                renamed[one.path.name] = target.name
        with suppress(OSError):  # told when it was written
            moved = {old: new for old, new in renamed.items() if old in self._notes.by_name}
            if moved:
                self._notes.move(moved)
        self.tell(Trashed(len(self._trash[-1]) if self._trash else 0))
        if trouble:
            self.tell(Trouble(trouble))
        self._look_again()

    # What is done in the background, a few milliseconds at a time. True: there is more.

    def _tend_later(self) -> Iterator[bool]:
        asked = self._asked
        while self._asked == asked:
            yield False
        yield from self._tend()

    def _tend(self) -> Iterator[bool]:
        index = self._open()
        if self._query.is_plain and (rows := index.newest()):
            self._tell_listing(rows, [row[NAME] for row in rows], index.count())
            yield True
        for _ in index.load():
            yield True
        if index.rows:
            self._publish()
        while True:
            yield from self._compare()
            yield from self._read()
            if self._heard == self._asked and not self._is_checked:
                yield from self._check()
            if self._heard == self._asked:
                self.tell(Progress(0, 0))
                self.tell(Rest())
            while self._heard == self._asked:
                yield False

    def _open(self) -> GalleryIndex:
        path = index_file(self._index_folder, self._folder) if self._steps_down < 2 else None
        self._index = GalleryIndex(path)
        self._is_checked = self._index.was_empty
        return self._index

    def _compare(self) -> Iterator[bool]:
        """Make the index agree with the folder as to which files there are."""
        index = self._index
        assert index is not None
        self._heard = self._asked
        is_first = not index.rows and self._query.is_plain
        begun: float | None = time.monotonic() if is_first else None
        there: dict[str, Stamp] | None = None
        touched = -1
        while touched != self._touched:  # by the trash, while the folder was read
            touched = self._touched
            for found in _scanned(self._folder):
                there = found
                if begun and found and time.monotonic() - begun > IMPATIENCE:
                    begun = None
                    self._publish_names(found)
                yield True
        self._is_there = there is not None
        if there is None:  # a disk that is not there now: what is known of it is kept
            self._publish()
            return
        if is_first:  # names at once; the rest takes its time
            self._publish_names(there)
            yield True
        for _ in index.refresh():
            yield True
        new: list[str] = []
        for names in index.differing(there):
            new += names
            yield True
        if gone := index.ids.keys() - there.keys():
            index.remove(gone)
            yield True
        # Newest first, as they are mostly shown: what lies side by side in memory is quick to go
        # through. Sorted in pieces, since Python does nothing else while it sorts.
        runs: list[list[tuple[Stamp, str]]] = []
        for first in range(0, len(new), STAMPS):
            run = [(there[name], name) for name in new[first : first + STAMPS]]
            runs.append(sorted(run, reverse=True))
            yield True
        order = heapq.merge(*runs, reverse=True)
        while stamps := {name: stamp for stamp, name in islice(order, STAMPS)}:
            index.put_stamps(stamps)
            yield True
        self._follow_notes(there, new)
        yield True
        self._publish()

    def _read(self) -> Iterator[bool]:
        """Read what the new and the changed files tell, until the folder is to be looked at."""
        index = self._index
        assert index is not None
        if not self._is_there:
            return
        told, tried = time.monotonic(), set[str]()
        while self._heard == self._asked:
            names = [name for name in index.unlooked(BATCH) if name not in tried]
            if not names:
                break
            tried.update(names)
            entries: list[Entry] = []
            for name in names:
                row = index.rows.get(index.ids.get(name, 0))
                if row is not None:
                    path = str(self._folder / name)
                    entries.append(read_entry(path, row, self._recipe_of))
                    yield True
            self._put(entries)
            yield True
            if time.monotonic() - told > TELLING:
                total = len(index.rows)
                self.tell(Progress(total - index.count_unlooked(), total))
                self._publish()
                told = time.monotonic()
        if tried:
            self._publish()

    def _put(self, entries: list[Entry]) -> None:
        """With the notes as they are now: one may have been written meanwhile."""
        index = self._index
        assert index is not None
        current = []
        for entry in entries:
            row = index.rows.get(index.ids.get(entry.name, 0))
            if row and row[CHANGED : BYTES + 1] == (entry.changed, entry.bytes):
                current.append(replace(entry, favourite=bool(row[FAVOURITE]), note=row[NOTE]))
        if current:
            index.put_entries(current)

    def _check(self) -> Iterator[bool]:
        """Whether the index that was found is sound: what the disk has changed in it looks like
        anything else until it is compared with its digests."""
        index = self._index
        assert index is not None
        if index.path is not None:
            found: list[str] = []
            path = index.path
            thread = threading.Thread(target=lambda: found.append(integrity(path)), daemon=True)
            thread.start()
            for _ in index.check():
                yield True
            while thread.is_alive():
                thread.join(0.005)
                yield True
            if found != [""]:
                raise sqlite3.DatabaseError(*found)
        self._is_checked = True

    def _publish(self) -> None:
        index = self._index
        assert index is not None
        if self._is_there:
            _, rows, names = index.select(self._query)
            self._tell_listing(rows, names, len(index.rows))
        else:
            self._tell_listing([], [], 0)
        choices = Choices(*index.choices())
        if choices != self._choices:
            self._choices = choices
            self.tell(choices)

    def _tell_listing(self, rows: list[Row], names: list[str], total: int) -> None:
        self.tell(
            Listing(self._folder, self._query, rows, names, total, self._heard, self._is_there)
        )

    def _publish_names(self, there: Mapping[str, Stamp]) -> None:
        """The newest, before anything is written to the index."""
        stamps = ((stamp[0], name) for name, stamp in there.items())
        order = heapq.nlargest(SCREENFUL, stamps)
        rest = Entry("", "").to_row(looked=False)[BYTES + 1 :]
        rows = [(0, name, *there[name], *rest) for _, name in order]
        self._tell_listing(rows, [name for _, name in order], len(there))

    def _look_again(self) -> None:
        """What was seen of the folder is not what it is now."""
        self._touched += 1
        self._heard = self._asked - 1

    def _forget(self, names: list[str]) -> None:
        if self._index is not None:
            self._index.remove(names)
            self._publish()

    def _follow_notes(self, there: Mapping[str, Stamp], new: list[str]) -> None:
        """Make the index say what the notes say, under the names that the files have now."""
        index = self._index
        assert index is not None
        self._notes.read()
        if damage := self._notes.damage():
            self.tell(Trouble(damage))
        by_name = self._notes.by_name
        changed = {  # so that they are known again under another name
            name: self._notes.changed(name, there[name])
            for name in new
            if name in by_name and (by_name[name].changed, by_name[name].bytes) != there[name]
        }
        with suppress(OSError):  # told when it was written
            if changed:
                self._notes.set(changed)
            if moved := self._notes.moved(there, new):
                self._notes.move(moved)
        noted = {row[NAME] for row in index.rows.values() if row[FAVOURITE] or row[NOTE]}
        differing = {
            name: self._notes.by_name.get(name, Note())
            for name in noted | self._notes.by_name.keys()
            if name in index.ids
        }
        index.put_notes(
            {
                name: note
                for name, note in differing.items()
                if _noted(index.rows[index.ids[name]]) != (note.favourite, note.note)
            }
        )

    def _annotate(
        self, names: list[str], *, favourite: bool | None = None, note: str | None = None
    ) -> None:
        changes: dict[str, Note] = {}
        for name in names:
            try:
                found = (self._folder / name).stat()
            except OSError:
                continue
            stamp = (found.st_mtime_ns, found.st_size)
            changes[name] = self._notes.changed(name, stamp, favourite=favourite, note=note)
        if not changes:
            return
        try:
            self._notes.set(changes)
        except OSError as error:
            self.tell(Trouble(str(error)))

        def put() -> None:
            if self._index is not None:
                self._index.put_notes(changes)
                self._publish()

        self._guard(put)

    def _guard(self, act: Callable[[], None]) -> None:
        """What goes wrong with the index is put right in the background, which then tells what
        `act` would have told."""
        try:
            if self._index is not None and self._index.is_loaded:
                act()
        except sqlite3.DatabaseError as error:
            self._recover(error)

    def _recover(self, error: sqlite3.DatabaseError) -> None:
        """Try again, make the index anew, or go on without a file: whichever helps."""
        self._close()
        if is_busy(error):
            time.sleep(PAUSE)
        elif is_about_room(error):
            self._steps_down = 2
        else:
            self._steps_down += 1
            self._delete()
        self._work = self._tend()

    def _delete(self) -> None:
        try:
            delete_file(index_file(self._index_folder, self._folder))
        except OSError:  # it cannot be written either
            self._steps_down = 2

    def _close(self) -> None:
        if self._index is not None:
            self._index.close()
            self._index = None


def read_entry(path: str, row: Row, recipe_of: Callable[[str], Any]) -> Entry:
    """What the image at that path tells, for the row that the index has of it."""
    known = Entry.of_row("", row)
    head = None
    with suppress(EngineError, OSError):
        head = picture_head(path)
    try:
        recipe = recipe_of(path)
        told = dict(recipe.fields)
        model, program = recipe.model, recipe.program
    except Exception:  # of whatever kind: others' files are not ours to judge
        told, model, program = {}, "", ""
    return Entry(
        "",
        known.name,
        known.changed,
        known.bytes,
        *_sides(head, told),
        prompt=told.get("prompt", ""),
        negative_prompt=told.get("negative_prompt", ""),
        model=model,
        scheduler=told.get("scheduler", ""),
        seed=told.get("seed"),
        steps=told.get("steps"),
        guidance_scale=told.get("guidance_scale"),
        program=program,
        favourite=known.favourite,
        note=known.note,
    )


def _sides(head: Head | None, told: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """Of the image itself; what the settings say where it cannot be read."""
    if head is not None:
        return head.width, head.height
    return told.get("width"), told.get("height")


def _noted(row: Row) -> tuple[bool, str]:
    return bool(row[FAVOURITE]), row[NOTE]


def _scanned(folder: Path) -> Iterator[dict[str, Stamp] | None]:
    """The images in that folder with their stamps, growing; None if there is no such folder. Empty
    files are left out: a name that is taken for an image to come."""
    found: dict[str, Stamp] = {}
    try:
        with os.scandir(folder) as entries:
            for number, entry in enumerate(entries):
                name = entry.name
                if is_listed(name):
                    try:
                        if entry.is_file() and (stat := entry.stat()).st_size:
                            found[name] = (stat.st_mtime_ns, stat.st_size)
                    except OSError:  # gone since, or not to be read
                        continue
                if number % 512 == 511:
                    yield found
    except OSError:
        yield None
    else:
        yield found


def is_listed(name: str) -> bool:
    """Whether a file of that name is one of the gallery's. Names with bytes that are no text are
    not: neither Qt nor SQLite can hold them."""
    if name.startswith(".") or not name.lower().endswith(SUFFIXES):
        return False
    return name.isascii() or clean(name) == name
