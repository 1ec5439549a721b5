"""Writing a file so that a crash leaves the old one or the new one, never half of it. Used wherever
the application writes files of its own; images are written by the engine in the same way.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary name beside `path` for the block to write to. After the block it is on the disk
    and takes the place of `path`; if the block raises, it goes. The folder is made if need be.
    Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        yield part
        with part.open("rb+") as written:
            os.fsync(written.fileno())
        part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise


def write_text(path: Path, text: str) -> None:
    """Replace the file in one go. Raises OSError."""
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")
