"""SHA-256 of files of weights, which names a checkpoint in records. Called by the layouts."""

from __future__ import annotations

import hashlib
from pathlib import Path

from engine.errors import WeightsError
from engine.weights.header import unreadable


def file_sha256(path: Path) -> str:
    """Of the file's content, in hexadecimal digits. Raises WeightsError."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WeightsError(unreadable(path, error)) from None


def joint_sha256(text: str) -> str:
    """Of a text, in which the hashes of several files stand."""
    return hashlib.sha256(text.encode()).hexdigest()
