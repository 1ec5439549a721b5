"""Whole files or none: what is written gets its name in one go, and nobody says that it is there
before a power cut could not take it away again. The one way in which engine and application write
files that must not be lost.
"""

from __future__ import annotations

import errno
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from engine.errors import SaveError

MARK = ".safelight-"
PART = ".part"
"""How the names of files begin and end that are not whole: only this program has such."""
_PART = re.compile(r"\.safelight-[0-9a-f]{32}(\.[^.]*)?\.part")
_KNOWS_NO_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES, errno.ENOSYS)
"""What file systems say that cannot sync a folder, or do not need to."""


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A new name beside `target` for the block to write to. After the block the file is on the disk
    and takes the place of `target`, and the disk knows it by that name. If anything goes wrong, it
    is gone; what was at `target` is as it was, unless the very last step failed, when the new file
    is in its place. If the process is killed, a file that `is_part` knows may stay.

    Raises OSError.
    """
    part = target.with_name(f"{MARK}{uuid.uuid4().hex}{target.suffix}{PART}")
    try:
        yield part
        with part.open("rb+") as written:
            os.fsync(written.fileno())
        is_new = not target.exists()
        part.replace(target)
        try:
            sync_folder(target.parent)
        except OSError:
            if is_new:  # nobody is told of it, so that whoever tries again makes no second one
                with suppress(OSError):
                    target.unlink()
            raise
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise


@contextmanager
def whole_file(target: Path, what: str = "image") -> Iterator[IO[bytes]]:
    """A file for the block to write, which becomes `target` as with `replacing`.

    what: "image", "film", …, for the SaveError that an OSError of the block is turned into.
    """
    try:
        with replacing(target) as part, part.open("x+b") as file:
            yield file
    except OSError as error:
        raise unwritable(target, error, what) from error


def make_folder(folder: Path) -> None:
    """Make the folder and those around it that are missing, so that a power cut cannot take them
    away with what is written to them. Raises OSError."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for one in reversed(missing):
        sync_folder(one.parent)


def sync_folder(folder: Path) -> None:
    """Have the disk know the names in that folder as they are now. Raises OSError. Windows has no
    such call: there the names are in the file system's journal."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _KNOWS_NO_SYNC:
            raise
    finally:
        os.close(descriptor)


def is_part(name: str) -> bool:
    """Whether `replacing` makes files of that name."""
    return _PART.fullmatch(name) is not None


def unwritable(target: Path, error: OSError, what: str) -> SaveError:
    reason = error.strerror or str(error)
    return SaveError(
        f"The {what} cannot be saved as {shown_path(target)} ({reason}). Choose another folder."
    )


def shown_path(path: str | os.PathLike[str]) -> str:
    """A path for a sentence: as it is, unless a line break or the like in it would break that."""
    text = os.fspath(path)
    return text if text.isprintable() else repr(text)
