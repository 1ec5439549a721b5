"""What the person said about single files that do not tell it themselves: what their network
predicts. Kept in the preferences; asked by the library.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from app.preferences import Preferences

KEPT = 500
NAME = "prediction_types"


class Place(NamedTuple):
    """A file as it was when it was last seen. changed: in nanoseconds."""

    path: str
    bytes: int
    changed: int


class Answer(NamedTuple):
    value: str
    sha256: str = ""


class Answers:
    """An answer holds for a file: the one at a path as long as its size and its time stay, and
    wherever the content is the same once its SHA-256 is known. checkpoint: a plain value with path,
    bytes and changed."""

    def __init__(self, preferences: Preferences) -> None:
        self._preferences = preferences
        kept = preferences.get(NAME, [])
        self._answers = dict(read for entry in kept if (read := _read(entry)))
        self._sizes = self._sizes_of_known()

    def of(self, checkpoint: Any) -> str:
        """The answer for that file, "" if there is none."""
        answer = self._answers.get(_place(checkpoint))
        return answer.value if answer else ""

    def at(self, path: str) -> str:
        """The same for a file that was not looked at yet."""
        for place, answer in self._answers.items():
            if place.path == path and _is_there(place):
                return answer.value
        return ""

    def set(self, checkpoint: Any, value: str) -> None:
        """value: "" takes the answer back. It goes for every copy that is known."""
        place = _place(checkpoint)
        sha256 = self._answers.get(place, Answer("")).sha256
        same = [one for one, kept in self._answers.items() if sha256 and kept.sha256 == sha256]
        for one in {place, *same}:
            self._answers.pop(one, None)
            if value:
                self._answers[one] = Answer(value, sha256)
        self._keep()

    def is_worth_reading(self, checkpoint: Any) -> bool:
        """Whether the file's SHA-256 would tell more than is known: it may be one that was moved,
        or it has an answer that would not find it again."""
        place = _place(checkpoint)
        if answer := self._answers.get(place):
            return not answer.sha256
        if place.bytes not in self._sizes:
            return False
        untold = checkpoint.prediction_type is None
        return any(
            kept.sha256 and one.bytes == place.bytes and (untold or one.changed == place.changed)
            for one, kept in self._answers.items()
        )

    def learn(self, checkpoint: Any, sha256: str) -> None:
        """What the file's SHA-256 is."""
        place = _place(checkpoint)
        known = next((kept for kept in self._answers.values() if kept.sha256 == sha256), None)
        if not sha256:
            return
        if place in self._answers:
            self._answers[place] = self._answers[place]._replace(sha256=sha256)
        elif known:
            self._answers[place] = known
        self._keep()

    def _keep(self) -> None:
        kept = list(self._answers.items())[-KEPT:]
        entries = [{**place._asdict(), **answer._asdict()} for place, answer in kept]
        self._preferences.set(NAME, entries)
        self._sizes = self._sizes_of_known()

    def _sizes_of_known(self) -> set[int]:
        return {place.bytes for place, answer in self._answers.items() if answer.sha256}


def _place(checkpoint: Any) -> Place:
    return Place(checkpoint.path, checkpoint.bytes, checkpoint.changed)


def _is_there(place: Place) -> bool:
    try:
        status = Path(place.path).stat()
    except (OSError, ValueError):
        return False
    return (status.st_size, status.st_mtime_ns) == (place.bytes, place.changed)


def _read(entry: Any) -> tuple[Place, Answer] | None:
    """From the preferences, which anybody may have written into."""
    kinds = {"path": str, "bytes": int, "changed": int, "value": str, "sha256": str}
    if not isinstance(entry, dict):
        return None
    if not all(type(entry.get(name)) is kind for name, kind in kinds.items()):
        return None
    place = Place(entry["path"], entry["bytes"], entry["changed"])
    return place, Answer(entry["value"], entry["sha256"])
