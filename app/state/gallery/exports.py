"""Exports: pictures on their way out of the program: saved elsewhere, copied, shown in the file
manager. Asked by the window through `app.wiring`; files are written in the background.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType

from PySide6.QtCore import QFile, QIODevice, QObject, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QGuiApplication

from app.i18n import tr
from app.state.background import Background
from app.state.gallery.picture import Picture, with_image
from app.state.pixels import opaque
from engine.atomic import replacing
from engine.foreign import is_there

FORMATS: Mapping[str, tuple[str, int]] = MappingProxyType(
    {".png": ("PNG", -1), ".jpg": ("JPEG", 95), ".jpeg": ("JPEG", 95), ".webp": ("WEBP", 100)}
)
"""What Qt writes a picture as that has no record, by the ending of its name, and how well: at 100
a WebP is lossless."""

Convert = Callable[[str, str], Sequence[str]]
"""Copies an image file with its record into the format that the second name ends with, and gives
what there was no room for, a sentence each: `engine.record.image_file.convert`."""


class Exports(QObject):
    """convert: None where files are only copied as they are."""

    done = Signal(str)  # a sentence
    failed = Signal(str)  # a sentence
    workerAsked = Signal(int, int, str)  # run, index, path: the worker still holds the image

    def __init__(
        self,
        background: Background,
        parent: QObject | None = None,
        convert: Convert | None = None,
    ) -> None:
        super().__init__(parent)
        self._background = background
        self._convert = convert or _refuse

    def save(self, picture: Picture, target: str) -> None:
        """Save as PNG, JPEG or WebP, by the ending of the name: a finished image with its record,
        byte for byte where the format stays; a step as it is shown. A name with none of these
        endings gets .png, unless such a file is there already."""
        path = Path(target)
        if path.suffix.lower() not in FORMATS:
            path = path.with_name(path.name + ".png")
            if is_there(path):
                self.failed.emit(tr("{path} is there already. Choose another name.", path=path))
                return
        if picture.unsaved:
            self.workerAsked.emit(*picture.unsaved, str(path))
            return
        if not picture.path:
            work = partial(_write, picture, path)
        elif _format(picture.path) == _format(path):
            work = partial(_copy_file, picture, path)
        else:
            work = partial(self._converted, picture.path, str(path))
        self._background.submit(work, self.tell_saved, self._fail)

    def copy(self, picture: Picture) -> None:
        """Put the picture on the clipboard."""
        self._background.submit(partial(with_image, picture), self._to_clipboard, self._fail)

    def reveal(self, picture: Picture) -> None:
        """Open the folder that the picture's file is in."""
        if not picture.path:
            self.failed.emit(tr("This image has no file yet. Save it first."))
        else:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(Path(picture.path).parent)))

    def copy_settings(self, text: str) -> None:
        """Put the settings of an image, in the words that AUTOMATIC1111 reads, on the clipboard."""
        if not text:
            self.failed.emit(tr("This image does not say how it was made."))
            return
        QGuiApplication.clipboard().setText(text)
        self.done.emit(tr("Settings copied"))

    def tell_saved(self, path: str) -> None:
        self.done.emit(tr("Saved as {path}", path=path))

    def _converted(self, source: str, target: str) -> str:
        """The name of the written file, with what it had no room for."""
        return " · ".join((target, *self._convert(source, target)))

    def _to_clipboard(self, picture: Picture) -> None:
        assert picture.image is not None
        QGuiApplication.clipboard().setImage(picture.image)
        self.done.emit(tr("Copied"))

    def _fail(self, error: Exception) -> None:
        self.failed.emit(str(error))


def _format(path: str | Path) -> str:
    return FORMATS.get(Path(path).suffix.lower(), ("", 0))[0]


def _refuse(source: str, target: str) -> Sequence[str]:
    raise OSError(tr("{path} cannot be saved in another format here.", path=source))


def _copy_file(picture: Picture, target: Path) -> str:
    """Copy the file under a temporary name and put it in place in one go."""
    source = Path(picture.path)
    if is_there(target) and target.samefile(source):
        return str(target)
    try:
        with replacing(target) as part:
            shutil.copyfile(source, part)
    except OSError as error:
        raise _unwritable(target, error.strerror or str(error)) from error
    return str(target)


def _write(picture: Picture, target: Path) -> str:
    image = with_image(picture).image
    assert image is not None
    kind, quality = FORMATS[target.suffix.lower()]
    if kind == "JPEG":  # else what is transparent would become black
        image = opaque(image)
    try:
        with replacing(target) as part:
            file = QFile(str(part))
            written = (
                file.open(QIODevice.OpenModeFlag.WriteOnly)
                and image.save(file, kind, quality)  # pyright: ignore[reportCallIssue, reportArgumentType]
                and file.flush()
            )
            file.close()
            if not written:
                raise OSError(file.errorString())
    except OSError as error:
        raise _unwritable(target, error.strerror or str(error)) from error
    return str(target)


def _unwritable(target: Path, reason: str) -> OSError:
    return OSError(
        tr(
            "The image cannot be saved as {path} ({reason}). Choose another folder.",
            path=target,
            reason=reason,
        )
    )
