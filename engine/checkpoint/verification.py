"""Whether the files of a checkpoint are what they should be, read from the first byte to the last.
Called by the library and `safelight models verify`.

What they should be is told by their names in the Hugging Face cache, which are digests of their
content; or by a note beside a file: `NAME.safetensors.sha256`, `NAME.sha256`, `NAME.civitai.info`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine import foreign
from engine.checkpoint.inspection import inspect, shown
from engine.checkpoint.value import Checkpoint
from engine.errors import EngineError
from engine.weights.header import unreadable

CHUNK = 1 << 22
SHA256 = re.compile(r"\b[0-9a-f]{64}\b", re.IGNORECASE)
DIGEST = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
"""The name of a blob: git's SHA-1 of a small file, the SHA-256 of a large one."""

LONGEST_NOTE = 16_000_000
"""Bytes."""
LINKS = 40
"""As many as systems follow."""

Progress = Callable[[int, int], None]
"""Called with the bytes that are read and the bytes in all. What it raises ends the work."""


@dataclass(frozen=True)
class Verdict:
    """problems: a sentence for each; compared: how many files there was something to compare with;
    sha256: of a single file, "" for a folder or where it cannot be read."""

    problems: tuple[str, ...] = ()
    compared: int = 0
    sha256: str = ""


def verify(checkpoint: Checkpoint, progress: Progress = lambda done, total: None) -> Verdict:
    """Read all of it and say what is wrong."""
    now = inspect(checkpoint.path)
    if not checkpoint.files or now.state == "refused":
        return Verdict((checkpoint.problem or now.problem,))
    problems = [now.problem] if now.problem else []
    told = _Told(progress, now.bytes)
    compared, sha256 = 0, ""
    for path in map(Path, now.files):
        expected = _expected(path)
        compared += expected is not None
        try:
            digest = _digest(path, expected.is_git if expected else False, told)
        except (OSError, EngineError) as error:
            if not problems:  # else it is told already
                reason = unreadable(path, error) if isinstance(error, OSError) else str(error)
                problems.append(shown(reason))
            continue
        if now.layout == "file":
            sha256 = digest
        if expected and digest not in expected.digests:
            problems.append(
                f"{shown(str(path))} is not what {expected.by} (its digest is {digest}, and should "
                f"be {' or '.join(sorted(expected.digests))}): fetch this file again."
            )
    return Verdict(tuple(problems), compared, sha256)


@dataclass(frozen=True)
class Expected:
    """digests: one of them should be the file's; by: who says so; is_git: whether they are git's,
    which counts the length too."""

    digests: frozenset[str]
    by: str
    is_git: bool = False


class _Told:
    """Counts what is read, and tells it."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._total = total
        self._done = 0
        progress(0, total)

    def add(self, count: int) -> None:
        self._done = min(self._done + count, self._total)
        self._progress(self._done, self._total)


def _digest(path: Path, is_git: bool, told: _Told) -> str:
    """In hexadecimal digits. Raises OSError, EngineError."""
    with foreign.open_file(path) as file:
        digest = hashlib.sha256()
        if is_git:
            head = b"blob %d\0" % path.stat().st_size
            digest = hashlib.sha1(head, usedforsecurity=False)
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            told.add(len(chunk))
    return digest.hexdigest()


def _expected(path: Path) -> Expected | None:
    """What the file should be, as far as anything tells."""
    if digest := _digest_of_blob(path):
        return Expected(frozenset({digest}), "the Hub says", is_git=len(digest) == 40)
    for note in (path.with_name(f"{path.name}.sha256"), path.with_suffix(".sha256")):
        digests = SHA256.findall(_text(note))
        if digests:
            return Expected(frozenset({digests[0].lower()}), f"{shown(note.name)} beside it says")
    note = path.with_suffix(".civitai.info")
    digests = frozenset(_civitai_digests(_text(note)))
    return Expected(digests, f"{shown(note.name)} beside it says") if digests else None


def _digest_of_blob(path: Path) -> str:
    """The name in a repository's blobs/ on the way to the content, "" if it does not lead over one.
    The last link may lead on, to a store that all repositories share, under other names."""
    for _ in range(LINKS):
        if path.parent.name == "blobs" and DIGEST.fullmatch(path.name):
            return path.name
        if not path.is_symlink():
            break
        path = path.parent / path.readlink()
    return ""


def _civitai_digests(text: str) -> list[str]:
    """Of every file of a model's version; which one it is has no name that could be trusted."""
    try:
        files = foreign.parse_json(text, "")["files"]
        digests = [file["hashes"]["SHA256"].lower() for file in files]
    except (EngineError, KeyError, TypeError, AttributeError):
        return []
    return [digest for digest in digests if SHA256.fullmatch(digest)]


def _text(path: Path) -> str:
    try:
        return foreign.read_text(path, LONGEST_NOTE)
    except (OSError, EngineError):
        return ""
