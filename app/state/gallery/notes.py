"""Notes: which images of a folder are favourites, and what the person wrote about them; kept in
`.safelight-notes.sqlite` in that folder, so that they outlive every index. Used by
`app.state.gallery.keeper`, in its thread.

Of each file there is a row of its own, so that several windows and computers can write. Its text:

    {"favourite": true, "note": "…", "bytes": 9, "changed": 1, "digest": "…"}

`bytes`, `changed` (nanoseconds) and `digest` tell the file when it has been given another name.

Earlier versions kept all in `.safelight-notes.json`. That stays as it is and is taken over once;
beside each row that came of it lies what it said, so that what such a version writes later, in a
folder that both use, can be told from what it has not touched.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from app.i18n import tr
from app.state.store.store import DELETE, Changes, Store, StoredRow, glance, value_of
from engine.errors import EngineError
from engine.foreign import LONGEST_PICTURE, is_there, open_file, read_json

FILE = ".safelight-notes.sqlite"
OLD_FILE = ".safelight-notes.json"
LONGEST_NOTE = 10_000  # characters
LARGEST_FILE = 64 * 2**20
"""Bytes of an old notes file that are read: beyond it is none that this program wrote."""
NOTE, OLD = "note", "old"
"""Kinds of rows: the notes, and what the old file said when it was last read."""

Stamp = tuple[int, int]
"""Nanoseconds of the last change, and bytes."""


@dataclass(frozen=True)
class Note:
    favourite: bool = False
    note: str = ""
    bytes: int = 0
    changed: int = 0
    digest: str = ""

    @property
    def says_nothing(self) -> bool:
        return not self.favourite and not self.note


class Notes:
    """by_name: the notes of the files that have one. They are read again when the file with them
    has changed, since another window may write it. What cannot be written lasts until the end."""

    def __init__(self, folder: Path) -> None:
        self.by_name: dict[str, Note] = {}
        self._folder = folder
        self._stamp: object = None
        self._unsaved: dict[str, Note] = {}
        self._late: dict[str, Note] = {}  # what an earlier version has written since it was read
        self._told = ""  # where a damaged file is kept
        self._store = Store(folder / FILE, DELETE, self._contents)

    def refresh(self) -> None:
        """Take over what the files say, if they have changed."""
        stamp = self._stamps()
        if stamp != self._stamp:
            self._stamp = stamp
            kept = self._rows()
            self._late = _news(_old_file(self._folder / OLD_FILE), _said(kept[OLD]))
            self.by_name = {
                name: note
                for name, note in (_said(kept[NOTE]) | self._late | self._unsaved).items()
                if not note.says_nothing
            }

    def set(self, changes: Mapping[str, Note]) -> None:
        """Change the notes of these files and no others. Raises OSError with a sentence."""
        self.refresh()
        self._unsaved.update(changes)
        self.by_name.update(changes)
        late = {(OLD, name): _row(note) for name, note in self._late.items()}
        wanted = {(NOTE, n): _row(note) for n, note in (self._late | self._unsaved).items()}
        try:
            self._store.write(late | wanted)
        except OSError as error:
            raise OSError(
                tr(
                    "Favourites and notes cannot be written to {path} ({reason}); they last until "
                    "you quit.",
                    path=self._store.path,
                    reason=error.strerror or error,
                )
            ) from error
        finally:
            self._store.close()  # so that the disk can be taken out
        self._unsaved.clear()
        self._late.clear()
        self.by_name = {n: note for n, note in self.by_name.items() if not note.says_nothing}
        self._stamp = self._stamps()

    def damage(self) -> str:
        """A sentence, once, if a file with notes was damaged."""
        if self._store.kept == self._told:
            return ""
        self._told = self._store.kept
        return tr(
            "The file with favourites and notes was damaged, so there is a new one; the old one is "
            "kept as {path}.",
            path=self._told,
        )

    def _rows(self) -> dict[str, dict[str, StoredRow]]:
        """Of both kinds; none where there is no file, which reading does not make."""
        if not is_there(self._store.path):
            return {NOTE: {}, OLD: {}}
        try:
            return {kind: self._store.rows(kind) for kind in (NOTE, OLD)}
        except OSError:  # such as a folder that can only be read
            with suppress(OSError):
                return {kind: glance(self._store.path, kind) for kind in (NOTE, OLD)}
            return {NOTE: {}, OLD: {}}
        finally:
            self._store.close()

    def _contents(self, kept: str) -> Changes:
        """What a new file begins with: what was known of a damaged one."""
        return {(NOTE, n): _row(note) for n, note in self.by_name.items()} if kept else {}

    def _stamps(self) -> object:
        return _stamp(self._folder / FILE), _stamp(self._folder / OLD_FILE)

    def follow(self, there: Mapping[str, Stamp], new: Sequence[str]) -> None:
        """Know the noted files again, as they are now and under the names that they have now.
        Raises OSError with a sentence. there, new: see `moved`."""
        changed = {
            name: self.changed(name, there[name])
            for name in new
            if (note := self.by_name.get(name)) and (note.changed, note.bytes) != there[name]
        }
        if changed:
            self.set(changed)
        if moved := self.moved(there, new):
            self.move(moved)

    def moved(self, there: Mapping[str, Stamp], new: Iterable[str]) -> dict[str, str]:
        """Which noted files have other names now: old name to new. there: every file of the
        folder; new: those that were not there before."""
        lost = {
            (note.changed, note.bytes): name
            for name, note in self.by_name.items()
            if name not in there and note.digest
        }
        found: dict[str, str] = {}
        for name in new if lost else ():
            old = lost.get(there[name])
            if old is None or name in self.by_name or old in found:
                continue
            if digest(self._folder / name) == self.by_name[old].digest:
                found[old] = name
        return found

    def move(self, names: Mapping[str, str]) -> None:
        """Give the notes to the files under their new names. Raises OSError with a sentence."""
        changes: dict[str, Note] = {}
        for old, new in names.items():
            changes[new] = self.by_name[old]
            changes[old] = Note()
        self.set(changes)

    def changed(
        self, name: str, stamp: Stamp, *, favourite: bool | None = None, note: str | None = None
    ) -> Note:
        """The note of that file with what is to be changed."""
        known = self.by_name.get(name, Note())
        if (known.changed, known.bytes) != stamp or not known.digest:
            known = replace(
                known, changed=stamp[0], bytes=stamp[1], digest=digest(self._folder / name)
            )
        return replace(
            known,
            favourite=known.favourite if favourite is None else favourite,
            note=known.note if note is None else clean(note)[:LONGEST_NOTE],
        )


def clean(text: str) -> str:
    """The text without what no file of UTF-8 can hold."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def digest(path: Path) -> str:
    """Of the file's content; "" where it cannot be read, or is longer than any picture."""
    try:
        with open_file(path, LONGEST_PICTURE) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, EngineError):
        return ""


def _stamp(path: Path) -> Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _row(note: Note) -> StoredRow | None:
    return None if note.says_nothing else StoredRow(json.dumps(asdict(note)))


def _said(rows: Mapping[str, StoredRow]) -> dict[str, Note]:
    found = {}
    for name, row in rows.items():
        with suppress(EngineError):
            found[clean(name)] = _note(value_of(row))
    return {name: note for name, note in found.items() if not note.says_nothing}


def _old_file(path: Path) -> dict[str, Note] | None:
    """What an earlier version kept there; None if there is nothing that can be read."""
    try:
        plain = read_json(path, LARGEST_FILE)["notes"]
        found = {clean(name): _note(value) for name, value in plain.items()}
    except (OSError, EngineError, TypeError, LookupError, AttributeError):
        return None
    return {name: note for name, note in found.items() if not note.says_nothing}


def _news(old: Mapping[str, Note] | None, before: Mapping[str, Note]) -> dict[str, Note]:
    """What the old file says otherwise than before."""
    if old is None:
        return {}
    return {
        name: old.get(name, Note())
        for name in old.keys() | before.keys()
        if old.get(name) != before.get(name)
    }


def _note(plain: object) -> Note:
    """What can be made of it: a person may have edited the file."""
    if not isinstance(plain, dict):
        return Note()
    known = asdict(Note())
    fields = {name: plain[name] for name in known if type(plain.get(name)) is type(known[name])}
    for name in ("note", "digest"):
        fields[name] = clean(fields.get(name, ""))[:LONGEST_NOTE]
    return Note(**fields)
