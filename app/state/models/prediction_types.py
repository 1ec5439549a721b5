"""What the person said about single files that do not tell it themselves: what their network
predicts. Kept in the preferences; asked by the library.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from engine.errors import EngineError
from engine.foreign import fitted

if TYPE_CHECKING:
    from app.preferences import Preferences
    from engine.checkpoint.value import Checkpoint

KEPT = 500
NAME = "prediction_types"


class SeenFile(NamedTuple):
    """A file as it was when it was last seen. changed: in nanoseconds."""

    path: str
    bytes: int
    changed: int


class Answer(NamedTuple):
    value: str
    sha256: str = ""


class PredictionTypes:
    """An answer holds for a file: the one at a path as long as its size and its time stay, and
    wherever the content is the same once its SHA-256 is known."""

    def __init__(self, preferences: Preferences) -> None:
        self._preferences = preferences
        kept = preferences.get(NAME)
        self._answers = dict(filter(None, map(_read_kept, kept)))
        self._sizes = self._sizes_of_known()

    def of(self, checkpoint: Checkpoint) -> str:
        """The answer for that file, "" if there is none."""
        answer = self._answers.get(_seen(checkpoint))
        return answer.value if answer else ""

    def at(self, path: str) -> str:
        """The same for a file that was not looked at yet."""
        for file, answer in self._answers.items():
            if file.path == path and _is_there(file):
                return answer.value
        return ""

    def set(self, checkpoint: Checkpoint, value: str) -> None:
        """value: "" takes the answer back. It goes for every copy that is known."""
        file = _seen(checkpoint)
        sha256 = self._answers.get(file, Answer("")).sha256
        same = [one for one, kept in self._answers.items() if sha256 and kept.sha256 == sha256]
        for one in {file, *same}:
            self._answers.pop(one, None)
            if value:
                self._answers[one] = Answer(value, sha256)
        self._keep()

    def is_worth_reading(self, checkpoint: Checkpoint) -> bool:
        """Whether the file's SHA-256 would tell more than is known: it may be one that was moved,
        or it has an answer that would not find it again."""
        file = _seen(checkpoint)
        if answer := self._answers.get(file):
            return not answer.sha256
        if file.bytes not in self._sizes:
            return False
        untold = checkpoint.prediction_type is None
        return any(
            kept.sha256 and one.bytes == file.bytes and (untold or one.changed == file.changed)
            for one, kept in self._answers.items()
        )

    def learn(self, checkpoint: Checkpoint, sha256: str) -> None:
        """What the file's SHA-256 is."""
        file = _seen(checkpoint)
        known = next((kept for kept in self._answers.values() if kept.sha256 == sha256), None)
        if not sha256:
            return
        if file in self._answers:
            self._answers[file] = self._answers[file]._replace(sha256=sha256)
        elif known:
            self._answers[file] = known
        self._keep()

    def _keep(self) -> None:
        kept = list(self._answers.items())[-KEPT:]
        self._preferences.set(NAME, [file._asdict() | answer._asdict() for file, answer in kept])
        self._sizes = self._sizes_of_known()

    def _sizes_of_known(self) -> set[int]:
        return {file.bytes for file, answer in self._answers.items() if answer.sha256}


def _seen(checkpoint: Checkpoint) -> SeenFile:
    return SeenFile(checkpoint.path, checkpoint.bytes, checkpoint.changed)


def _is_there(file: SeenFile) -> bool:
    try:
        status = Path(file.path).stat()
    except (OSError, ValueError):
        return False
    return (status.st_size, status.st_mtime_ns) == (file.bytes, file.changed)


@dataclass(frozen=True)
class _Kept:
    """An answer as the preferences keep it."""

    path: str
    bytes: int
    changed: int
    value: str
    sha256: str


def _read_kept(plain: object) -> tuple[SeenFile, Answer] | None:
    """From the preferences, which anybody may have written into."""
    try:
        kept = fitted(plain, _Kept, "An answer")
    except EngineError:
        return None
    return SeenFile(kept.path, kept.bytes, kept.changed), Answer(kept.value, kept.sha256)
