"""Which files of a folder are the gallery's. Used by `app.state.gallery.keeper`, in its thread."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from app.state.gallery.notes import Stamp, clean

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


def scanned(folder: Path) -> Iterator[dict[str, Stamp] | None]:
    """The images in that folder with their stamps, growing; None if there is no such folder. Empty
    files are left out: a name that is taken for an image to come."""
    found: dict[str, Stamp] = {}
    try:
        with os.scandir(folder) as entries:
            for number, entry in enumerate(entries):
                name = entry.name
                if is_listed(name):
                    try:
                        if entry.is_file() and (stat := entry.stat()).st_size:
                            found[name] = (stat.st_mtime_ns, stat.st_size)
                    except OSError:  # gone since, or not to be read
                        continue
                if number % 512 == 511:
                    yield found
    except OSError:
        yield None
    else:
        yield found


def is_listed(name: str) -> bool:
    """Whether a file of that name is one of the gallery's. Names with bytes that are no text are
    not: neither Qt nor SQLite can hold them."""
    if name.startswith(".") or not name.lower().endswith(SUFFIXES):
        return False
    return name.isascii() or clean(name) == name
