"""Exports: pictures on their way out of the program: saved elsewhere, copied, shown in the file
manager. Asked by the window through `app.main`; files are written in the background.
"""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

from PySide6.QtCore import QIODevice, QObject, QSaveFile, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QGuiApplication

from app.i18n import tr
from app.state.background import Background
from app.state.gallery import read
from app.state.picture import Picture


class Exports(QObject):
    done = Signal(str)  # a sentence
    failed = Signal(str)  # a sentence
    workerAsked = Signal(int, int, str)  # run, index, path: the worker still holds the image

    def __init__(self, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._background = background

    def save(self, picture: Picture, target: str) -> None:
        """Save as PNG: a finished image's file byte for byte, with its record; a step as it is
        shown. A name without .png gets it, unless that file is there already."""
        path = Path(target)
        if path.suffix.lower() != ".png":
            path = path.with_name(path.name + ".png")
            if path.exists():
                self.failed.emit(tr("{path} is there already. Choose another name.", path=path))
                return
        if picture.unsaved:
            self.workerAsked.emit(*picture.unsaved, str(path))
            return
        work = _copy_file if picture.path else _write
        self._background.submit(partial(work, picture, path), self.tell_saved, self._fail)

    def copy(self, picture: Picture) -> None:
        """Put the picture on the clipboard."""
        self._background.submit(partial(read, picture), self._to_clipboard, self._fail)

    def reveal(self, picture: Picture) -> None:
        """Open the folder that the picture's file is in."""
        if not picture.path:
            self.failed.emit(tr("This image has no file yet. Save it first."))
        else:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(Path(picture.path).parent)))

    def tell_saved(self, path: str) -> None:
        self.done.emit(tr("Saved as {path}", path=path))

    def _to_clipboard(self, picture: Picture) -> None:
        assert picture.image is not None
        QGuiApplication.clipboard().setImage(picture.image)
        self.done.emit(tr("Copied"))

    def _fail(self, error: Exception) -> None:
        self.failed.emit(str(error))


def _copy_file(picture: Picture, target: Path) -> str:
    """Copy the file under a temporary name and put it in place in one go."""
    source = Path(picture.path)
    if target.exists() and target.samefile(source):
        return str(target)
    part = target.with_name(f".{target.name}.part")
    try:
        shutil.copyfile(source, part)
        part.replace(target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise _unwritable(target, error.strerror or str(error)) from error
    return str(target)


def _write(picture: Picture, target: Path) -> str:
    image = read(picture).image
    assert image is not None
    file = QSaveFile(str(target))
    written = (
        file.open(QIODevice.OpenModeFlag.WriteOnly)
        and image.save(file, "PNG")  # pyright: ignore[reportCallIssue, reportArgumentType]
        and file.commit()
    )
    if not written:
        raise _unwritable(target, file.errorString())
    return str(target)


def _unwritable(target: Path, reason: str) -> OSError:
    return OSError(
        tr(
            "The image cannot be saved as {path} ({reason}). Choose another folder.",
            path=target,
            reason=reason,
        )
    )
