"""Pictures for the tests of the gallery view, how they are chosen there, and what it asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QByteArray,
    QItemSelectionModel,
    QMimeData,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    Qt,
    QUrl,
)
from PySide6.QtGui import QAction, QColor, QContextMenuEvent, QImage, QPixmap
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from app.widgets.gallery.gallery_view import GalleryView

PROMPT = "<b>an owl</b> & <img src=x>"
MANY = 50_000
PATH = int(Qt.ItemDataRole.UserRole)
FAVOURITE, NOTE = PATH + 1, PATH + 2


class Pictures(QAbstractListModel):
    """Pictures by their names, with the roles that the gallery has; every second thumbnail is a
    QPixmap. asked: how often it was asked for anything of a picture."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.names = list(map(str, range(count)))
        self.favourites: set[str] = set()
        self.asked = 0
        self._image = QImage(32, 16, QImage.Format.Format_RGB888)
        self._image.fill(QColor("#00aa00"))
        self._pixmap = QPixmap.fromImage(self._image)

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.names)

    def roleNames(self) -> dict[int, QByteArray]:
        names = {PATH: b"path", FAVOURITE: b"favourite", NOTE: b"note"}
        return {role: QByteArray(name) for role, name in names.items()}

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = 0) -> Any:
        self.asked += 1
        name = self.names[index.row()]
        if role == Qt.ItemDataRole.DecorationRole:
            return self._image if index.row() % 2 else self._pixmap
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"picture {name}"
        if role == PATH:
            return "" if name == "unsaved" else f"/{name}"
        if role == FAVOURITE:
            return name in self.favourites
        if role == NOTE:
            return PROMPT if name == "3" else ""
        return PROMPT if role == Qt.ItemDataRole.ToolTipRole else None

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        carried = QMimeData()
        carried.setUrls([QUrl.fromLocalFile(index.data(PATH)) for index in indexes])
        return carried

    def row_of(self, path: str) -> int:
        name = path.removeprefix("/")
        return self.names.index(name) if name in self.names else -1

    def put_in_front(self, *names: str) -> None:
        self.beginInsertRows(QModelIndex(), 0, len(names) - 1)
        self.names[:0] = names
        self.endInsertRows()

    def begin_anew(self, names: Sequence[str]) -> None:
        self.beginResetModel()
        self.names = list(names)
        self.endResetModel()


def fill(view: GalleryView, count: int) -> Pictures:
    pictures = Pictures(count)
    pictures.setParent(view)
    view.setModel(pictures)
    view.grab()
    return pictures


def place(view: GalleryView, row: int) -> QRect:
    return view.visualRect(view.model().index(row, 0))


def middle(view: GalleryView, row: int) -> QPoint:
    return place(view, row).center()


def top_name(view: GalleryView) -> str:
    return view.value(view.indexAt(QPoint(5, 5)).row(), "path").removeprefix("/")


def choose(view: GalleryView, *rows: int) -> None:
    for row in rows:
        index = view.model().index(row, 0)
        view.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.Select)


def click(
    qtbot: QtBot,
    view: GalleryView,
    row: int,
    keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
) -> None:
    left = Qt.MouseButton.LeftButton
    qtbot.mouseClick(view.viewport(), left, keys, middle(view, row))


def ask_menu(view: GalleryView, row: int) -> QMenu:
    there = middle(view, row)
    reason, viewport = QContextMenuEvent.Reason.Mouse, view.viewport()
    QApplication.sendEvent(viewport, QContextMenuEvent(reason, there, viewport.mapToGlobal(there)))
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    return menu


def entries(menu: QMenu) -> dict[str, QAction]:
    return {action.text(): action for action in menu.actions() if not action.isSeparator()}


class Heard(list[tuple[Any, ...]]):
    """What the view tells, by the names of its signals."""

    def __init__(self, view: GalleryView) -> None:
        super().__init__()
        for name in (
            "imageActivated", "saveRequested", "copyRequested", "revealRequested", "reuseRequested",
            "reuseSeedRequested", "copySettingsRequested", "reopenRequested", "compareRequested",
            "favouriteRequested", "noteRequested", "trashRequested", "lookRequested",
        ):  # fmt: skip
            getattr(view, name).connect(lambda *told, name=name: self.append((name, *told)))
