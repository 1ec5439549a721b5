"""Gallery: the finished images, newest first: those of this session and those that are in the image
folder already. Fed by the worker's results; the gallery view shows it.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QImage, QImageReader

from app.i18n import tr
from app.state.background import Background
from app.state.picture import Picture
from app.state.run import RunResult, SheetResult

THUMBNAIL = 192  # pixels of the longer side: a tile of the gallery on a screen of double density
KEPT = 512  # thumbnails in memory, some 75 MB; the view asks again for what was dropped

Index = QModelIndex | QPersistentModelIndex


class GalleryModel(QAbstractListModel):
    """DecorationRole is a thumbnail (QImage), made in the background when it is first asked for;
    ToolTipRole the name; UserRole the path, "" for an image that could not be written."""

    opened = Signal(object)  # Picture with its image
    failed = Signal(str)

    def __init__(self, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._background = background
        self._folder: Path | None = None
        self._pictures: list[Picture] = []
        self._thumbnails: OrderedDict[Picture, QImage | None] = OrderedDict()  # None: on its way
        self._wanted: Picture | None = None

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._pictures)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._pictures):
            return None
        picture = self._pictures[index.row()]
        if role == Qt.ItemDataRole.DecorationRole:
            return self._thumbnail(picture)
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return picture.name
        if role == Qt.ItemDataRole.UserRole:
            return picture.path
        return None

    def picture(self, row: int) -> Picture | None:
        return self._pictures[row] if 0 <= row < len(self._pictures) else None

    @Slot(str)
    def set_folder(self, folder: str) -> None:
        """Show what is in that folder; one that is not there yet is empty."""
        self._folder = Path(folder)
        self.beginResetModel()
        self._pictures = []
        self._thumbnails.clear()
        self.endResetModel()
        self._background.submit(
            partial(_png_files, self._folder), partial(self._fill, self._folder), self._fail
        )

    @Slot(object)
    def add(self, result: RunResult) -> None:
        """Put the images of a run in front."""
        pictures = []
        for index, (image, path) in enumerate(zip(result.images, result.paths, strict=True)):
            if path is None:
                name = f"{result.request.seed + index}.png"
                pictures.append(Picture(name, image, unsaved=(result.number, index)))
            else:
                pictures.append(Picture(Path(path).name, None, path))
        self._put_in_front(pictures)

    @Slot(object)
    def add_sheet(self, sheet: SheetResult) -> None:
        """Put the labelled picture of a comparison in front."""
        picture = sheet.picture
        self._put_in_front([Picture(picture.name, None, picture.path) if picture.path else picture])

    def _put_in_front(self, pictures: list[Picture]) -> None:
        self.beginInsertRows(QModelIndex(), 0, len(pictures) - 1)
        self._pictures[:0] = pictures
        self.endInsertRows()

    @Slot(int)
    def open(self, row: int) -> None:
        """Read the image of that row and tell `opened`; the latest wish wins."""
        self._wanted = picture = self.picture(row)
        if picture is None:
            return
        self._background.submit(partial(read, picture), self._open, self._fail)

    @Slot()
    def leave(self) -> None:
        """Something else is looked at: an image that is still being read comes too late."""
        self._wanted = None

    def _open(self, picture: Picture) -> None:
        if self._wanted and picture.path == self._wanted.path:
            self.opened.emit(picture)

    def _fill(self, folder: Path, paths: list[str]) -> None:
        there = {picture.path for picture in self._pictures}
        found = [Picture(Path(path).name, None, path) for path in paths if path not in there]
        if folder != self._folder or not found:
            return
        first = len(self._pictures)
        self.beginInsertRows(QModelIndex(), first, first + len(found) - 1)
        self._pictures += found
        self.endInsertRows()

    def _thumbnail(self, picture: Picture) -> QImage | None:
        if picture in self._thumbnails:
            self._thumbnails.move_to_end(picture)
            return self._thumbnails[picture]
        self._thumbnails[picture] = None
        if len(self._thumbnails) > KEPT:
            self._thumbnails.popitem(last=False)
        self._background.submit(
            partial(_small, picture),
            partial(self._set_thumbnail, picture),
            partial(self._drop, picture),
        )
        return None

    def _set_thumbnail(self, picture: Picture, thumbnail: QImage) -> None:
        if picture in self._pictures:
            self._thumbnails[picture] = thumbnail
            index = self.index(self._pictures.index(picture))
            self.dataChanged.emit(index, index, [Qt.ItemDataRole.DecorationRole])

    def _drop(self, picture: Picture, error: Exception) -> None:
        """The file is gone or is no picture: take it out of the list."""
        if picture in self._pictures:
            row = self._pictures.index(picture)
            self.beginRemoveRows(QModelIndex(), row, row)
            del self._pictures[row]
            self.endRemoveRows()
        self._thumbnails.pop(picture, None)

    def _fail(self, error: Exception) -> None:
        self.failed.emit(str(error))


def read(picture: Picture) -> Picture:
    """The picture with its image, read from its file if need be. Raises OSError."""
    if picture.image is not None:
        return picture
    reader = QImageReader(picture.path)
    image = reader.read()
    if image.isNull():
        raise OSError(
            tr(
                "{path} cannot be opened ({reason}).",
                path=picture.path,
                reason=reader.errorString(),
            )
        )
    return Picture(picture.name, image, picture.path, picture.unsaved)


def _small(picture: Picture) -> QImage:
    """The picture's thumbnail."""
    image = read(picture).image
    assert image is not None
    if max(image.width(), image.height()) > THUMBNAIL:
        image = image.scaled(
            THUMBNAIL,
            THUMBNAIL,
            Qt.AspectRatioMode.KeepAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )
    return image


def _png_files(folder: Path) -> list[str]:
    """The pictures in that folder, newest first."""
    try:
        with os.scandir(folder) as entries:
            found = [
                (entry.stat().st_mtime_ns, entry.name, entry.path)
                for entry in entries
                if entry.name.lower().endswith(".png") and not entry.name.startswith(".")
            ]
    except FileNotFoundError:
        return []
    return [path for _, _, path in sorted(found, reverse=True)]
