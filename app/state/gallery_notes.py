"""Notes: which images of a folder are favourites, and what the person wrote about them; kept in
`.safelight-notes.json` in that folder, so that they outlive every index. Used by
`app.state.gallery_keeper`, in its thread.

    {"version": 1, "notes": {"a.png": {"favourite": true, "note": "…", "bytes": 9, "changed": 1,
                                       "digest": "…"}}}

`bytes`, `changed` (nanoseconds) and `digest` tell the file when it has been given another name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from app.atomic import write_text
from app.i18n import tr

FILE = ".safelight-notes.json"
LONGEST_NOTE = 10_000  # characters
LARGEST_FILE = 64 * 2**20
"""Bytes of a notes file that are read: beyond it is none that this program wrote."""

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
        self._unwritten: dict[str, Note] = {}

    def read(self) -> None:
        """Take over what the file says, if it has changed. A damaged one is kept under another
        name at the next writing."""
        stamp = _stamp(self._folder / FILE)
        if stamp != self._stamp:
            self._stamp = stamp
            self.by_name = _parsed(self._folder / FILE) | self._unwritten

    def set(self, changes: Mapping[str, Note]) -> None:
        """Change the notes of these files and write all. Raises OSError with a sentence."""
        self.read()
        self._unwritten.update(changes)
        self.by_name.update(changes)
        kept = {name: note for name, note in self.by_name.items() if not note.says_nothing}
        plain = {"version": 1, "notes": {name: asdict(note) for name, note in kept.items()}}
        target = self._folder / FILE
        try:
            if target.exists() and _text(target) is None:
                target.replace(target.with_name(f"{FILE}.damaged"))
            write_text(target, json.dumps(plain, indent=1))
        except OSError as error:
            raise OSError(
                tr(
                    "Favourites and notes cannot be written to {path} ({reason}); they last until "
                    "you quit.",
                    path=target,
                    reason=error.strerror or error,
                )
            ) from error
        self._unwritten.clear()
        self.by_name = kept
        self._stamp = _stamp(target)

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
    """Of the file's content; "" where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _stamp(path: Path) -> Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _text(path: Path) -> dict[str, Any] | None:
    """The notes in the file as they stand there, None if it is none of ours."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            return None
        plain = json.loads(path.read_text(encoding="utf-8"))["notes"]
    except (OSError, ValueError, TypeError, LookupError, RecursionError):
        return None
    return plain if isinstance(plain, dict) else None


def _parsed(path: Path) -> dict[str, Note]:
    found = {name: _note(plain) for name, plain in (_text(path) or {}).items()}
    return {clean(name): note for name, note in found.items() if not note.says_nothing}


def _note(plain: object) -> Note:
    """What can be made of it: a person may have edited the file."""
    if not isinstance(plain, dict):
        return Note()
    known = asdict(Note())
    fields = {name: plain[name] for name in known if type(plain.get(name)) is type(known[name])}
    for name in ("note", "digest"):
        fields[name] = clean(fields.get(name, ""))[:LONGEST_NOTE]
    return Note(**fields)
