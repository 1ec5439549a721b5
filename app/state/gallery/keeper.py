"""GalleryKeeper: keeps the index of one folder of images in step with the folder, and tells what is
to be shown. Driven by `app.state.gallery.keeper_thread`, in its thread; knows no event loop.
"""

from __future__ import annotations

import heapq
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path

from app.state.gallery.folder_scan import scanned
from app.state.gallery.image_reading import RecipeReader, read_facts
from app.state.gallery.image_row import ImageFacts, ImageRow
from app.state.gallery.index import SCREENFUL, GalleryIndex
from app.state.gallery.index_file import (
    delete_file,
    index_file,
    integrity,
    is_about_room,
    is_busy,
)
from app.state.gallery.messages import Choices, Listing, Progress, Rest, Trashed, Trouble
from app.state.gallery.notes import Note, Notes, Stamp
from app.state.gallery.query import Query
from app.state.gallery.trash import Trash
from engine.foreign import is_there

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


class GalleryKeeper:
    """tell: gets Listing, Choices, Progress, Trashed, Trouble and Rest, in this thread. recipe_of:
    what the engine's `recipe_of_picture` is, or what stands in for it; whatever it raises means
    that the image has no settings."""

    def __init__(
        self, index_folder: Path, recipe_of: RecipeReader, tell: Callable[[object], None]
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
        self._trash = Trash()

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
        trouble = self._trash.discard(self._folder / name for name in names)
        gone = [name for name in names if not is_there(self._folder / name)]
        self._guard(lambda: self._forget(gone))
        self._tell_trashed(trouble)

    def undo_trash(self) -> None:
        """Bring back what went to the trash last."""
        if not self._trash.count:
            return
        restored, trouble = self._trash.undo()
        renamed = {
            old.name: new.name
            for old, new in restored
            if new.name != old.name and old.parent == self._folder
        }
        with suppress(OSError):  # told when it was written
            moved = {old: new for old, new in renamed.items() if old in self._notes.by_name}
            if moved:
                self._notes.move(moved)
        self._tell_trashed(trouble)

    def _tell_trashed(self, trouble: str) -> None:
        self.tell(Trashed(self._trash.count))
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
            self._tell_listing(rows, [row.name for row in rows], index.count())
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
            for found in scanned(self._folder):
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
        yield from self._put_stamps({name: there[name] for name in new})
        self._follow_notes(there, new)
        yield True
        self._publish()

    def _put_stamps(self, new: Mapping[str, Stamp]) -> Iterator[bool]:
        """Write new files to the index, newest first, as they are mostly shown: what lies side by
        side in memory is quick to go through. Sorted in pieces, since Python does nothing else
        while it sorts."""
        index = self._index
        assert index is not None
        runs: list[list[tuple[Stamp, str]]] = []
        files = iter(new.items())
        while run := [(stamp, name) for name, stamp in islice(files, STAMPS)]:
            runs.append(sorted(run, reverse=True))
            yield True
        order = heapq.merge(*runs, reverse=True)
        while stamps := {name: stamp for stamp, name in islice(order, STAMPS)}:
            index.put_stamps(stamps)
            yield True

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
            found: list[ImageFacts] = []
            for name in names:
                row = index.rows.get(index.ids.get(name, 0))
                if row is not None:
                    path = str(self._folder / name)
                    found.append(read_facts(path, row, self._recipe_of))
                    yield True
            self._put(found)
            yield True
            if time.monotonic() - told > TELLING:
                total = len(index.rows)
                self.tell(Progress(total - index.count_unlooked(), total))
                self._publish()
                told = time.monotonic()
        if tried:
            self._publish()

    def _put(self, found: list[ImageFacts]) -> None:
        """With the notes as they are now: one may have been written meanwhile."""
        index = self._index
        assert index is not None
        current = []
        for facts in found:
            row = index.rows.get(index.ids.get(facts.name, 0))
            if row and row.stamp == (facts.changed, facts.bytes):
                current.append(replace(facts, favourite=bool(row.favourite), note=row.note))
        if current:
            index.put_facts(current)

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

    def _tell_listing(self, rows: list[ImageRow], names: list[str], total: int) -> None:
        self.tell(
            Listing(self._folder, self._query, rows, names, total, self._heard, self._is_there)
        )

    def _publish_names(self, there: Mapping[str, Stamp]) -> None:
        """The newest, before anything is written to the index."""
        stamps = ((stamp[0], name) for name, stamp in there.items())
        order = heapq.nlargest(SCREENFUL, stamps)
        rows = [ImageFacts("", name, *there[name]).to_row(looked=False) for _, name in order]
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
        self._notes.refresh()
        if damage := self._notes.damage():
            self.tell(Trouble(damage))
        with suppress(OSError):  # told when it was written
            self._notes.follow(there, new)
        index.agree_with(self._notes.by_name)

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
