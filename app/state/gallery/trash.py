"""Trash: files that go to the system's trash, and the way back. Used by `app.state.gallery.keeper`,
in its thread.
"""

from __future__ import annotations

import itertools
import os
import shutil
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QFile, QStandardPaths

from app.i18n import tr
from engine.atomic import make_folder, replacing

KEPT = 50
"""How many times the trash can be undone."""


@dataclass(frozen=True)
class Discarded:
    """path: where the file was; in_trash: where it is now, None if the system does not tell, so
    that only the person can take it out again."""

    path: Path
    in_trash: Path | None


class Trash:
    """What has gone to the trash since the program began, a batch each time; the last one comes
    back first. count: how many files come back with the next undo."""

    def __init__(self) -> None:
        self._batches: list[list[Discarded]] = []

    @property
    def count(self) -> int:
        return len(self._batches[-1]) if self._batches else 0

    def discard(self, paths: Iterable[Path]) -> str:
        """Move these files to the trash; what is gone already is passed over, and what cannot be
        moved stays. Returns a sentence for the first such, or ""."""
        discarded: list[Discarded] = []
        trouble = ""
        for path in paths:
            try:
                discarded.append(discard(path))
            except FileNotFoundError:
                pass
            except OSError as error:
                trouble = trouble or str(error)
        if back := [one for one in discarded if one.in_trash]:
            self._batches = [*self._batches, back][-KEPT:]
        elif discarded:
            self._batches.clear()  # the last one cannot be undone, so an undo would mean another
        return trouble

    def undo(self) -> tuple[list[tuple[Path, Path]], str]:
        """Bring the last batch back. Returns where each file was and where it is now; and a
        sentence for the first that could not come back, or ""."""
        restored: list[tuple[Path, Path]] = []
        trouble = ""
        for one in self._batches.pop():
            try:
                restored.append((one.path, restore(one)))
            except OSError as error:
                trouble = trouble or str(error)
        return restored, trouble


def discard(path: Path) -> Discarded:
    """Move the file to the trash. Raises OSError with a sentence where that is not possible; the
    file is then where it was."""
    if sys.platform.startswith("linux"):  # Qt makes the trash, but not the folder that it is in
        with suppress(OSError):
            home = QStandardPaths.StandardLocation.GenericDataLocation
            Path(QStandardPaths.writableLocation(home)).mkdir(0o700, parents=True, exist_ok=True)
    file = QFile(str(path))
    if not file.moveToTrash():
        if not os.path.lexists(path):
            raise FileNotFoundError(tr("{name} is not there any more.", name=path.name))
        raise OSError(
            tr(
                "{name} cannot be moved to the trash, since {folder} has none that can be used; "
                "nothing was deleted. Delete it in the file manager if you want to.",
                name=path.name,
                folder=path.parent,
            )
        )
    in_trash = Path(file.fileName())
    # A link that says where its picture is from its own folder leads nowhere in the trash.
    is_told = file.fileName() and in_trash != path and os.path.lexists(in_trash)
    return Discarded(path, in_trash if is_told else None)


def restore(discarded: Discarded) -> Path:
    """Move the file back, beside what has its name by now. Returns where it is. Raises OSError with
    a sentence."""
    assert discarded.in_trash is not None
    target = discarded.path
    try:
        make_folder(target.parent)
        target = _moved(discarded.in_trash, target)
    except OSError as error:
        raise OSError(
            tr(
                "{name} cannot be taken out of the trash ({reason}). Restore it in the file "
                "manager.",
                name=discarded.path.name,
                reason=error.strerror or error,
            )
        ) from error
    if discarded.in_trash.parent.name == "files":  # freedesktop.org: what the trash notes of it
        paper = discarded.in_trash.parent.parent / "info" / f"{discarded.in_trash.name}.trashinfo"
        with suppress(OSError):
            paper.unlink()
    return target


def _moved(source: Path, path: Path) -> Path:
    """Move the file to `path`, or to the first of -2, -3, … that is free. Raises OSError."""
    for number in itertools.count(1):
        target = path if number == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}")
        try:
            if source.is_symlink():
                target.symlink_to(source.readlink())
            else:
                os.link(source, target)  # never over another file
        except FileExistsError:
            continue
        except OSError:  # the trash is on another disk, or this one knows no links
            if os.path.lexists(target):
                continue
            if source.is_symlink():
                raise
            with replacing(target) as part:
                shutil.copy2(source, part)
        source.unlink()
        return target
    raise AssertionError("there is always a next number")
