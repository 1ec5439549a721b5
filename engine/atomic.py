"""Whole files or none: what is written gets its name in one go. Called by whatever of the engine
writes pictures.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from engine.errors import SaveError


@contextmanager
def whole_file(target: Path, what: str = "image") -> Iterator[IO[bytes]]:
    """A file under a temporary name beside `target`, which it takes when the block has ended and
    all is on the disk. If anything goes wrong, it is gone, and what was at `target` is as it was;
    if the process is killed, a hidden `.part` file may stay.

    what: "image", "film", …, for the SaveError that an OSError of the block is turned into.
    """
    try:
        with tempfile.NamedTemporaryFile(
            dir=target.parent, prefix=".", suffix=f"{target.suffix}.part", delete=False
        ) as file:
            try:
                yield file  # pyright: ignore[reportReturnType]
                file.flush()
                os.fsync(file.fileno())
                file.close()
                Path(file.name).chmod(0o666 & ~_umask())
                Path(file.name).replace(target)
            except BaseException:
                file.close()
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise unwritable(target, error, what) from error


def unwritable(target: Path, error: OSError, what: str) -> SaveError:
    reason = error.strerror or str(error)
    return SaveError(
        f"The {what} cannot be saved as {shown_path(target)} ({reason}). Choose another folder."
    )


def shown_path(path: str | os.PathLike[str]) -> str:
    """A path for a sentence: as it is, unless a line break or the like in it would break that."""
    text = os.fspath(path)
    return text if text.isprintable() else repr(text)


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
