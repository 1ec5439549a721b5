"""The gallery: choosing by pointer and keys, its menu, tooltips that stay plain text."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QPoint, Qt
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QHelpEvent,
    QImage,
    QPixmap,
    QStandardItem,
    QStandardItemModel,
)
from PySide6.QtWidgets import QApplication, QMenu, QStyleOptionViewItem, QToolTip
from pytestqt.qtbot import QtBot

from app.widgets.gallery_view import GalleryView

PROMPT = "<b>an owl</b> & <img src=x>"


class Pictures(QAbstractListModel):
    """`count` pictures; every second thumbnail is a QPixmap."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self._count = count
        self._image = QImage(32, 16, QImage.Format.Format_RGB888)
        self._image.fill(QColor("#00aa00"))

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else self._count

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = 0) -> Any:
        if role == Qt.ItemDataRole.DecorationRole:
            return self._image if index.row() % 2 else QPixmap.fromImage(self._image)
        return PROMPT if role == Qt.ItemDataRole.ToolTipRole else None


@pytest.fixture
def gallery(qtbot: QtBot) -> GalleryView:
    view = GalleryView()
    qtbot.addWidget(view)
    view.resize(230, 400)
    view.show()
    return view


@pytest.fixture
def filled(gallery: GalleryView) -> GalleryView:
    pictures = Pictures(30)
    pictures.setParent(gallery)
    gallery.setModel(pictures)
    gallery.grab()
    return gallery


def middle(view: GalleryView, row: int) -> QPoint:
    return view.visualRect(view.model().index(row, 0)).center()


def test_the_first_picture_has_its_place_before_its_thumbnail(
    qtbot: QtBot, gallery: GalleryView
) -> None:
    pictures = QStandardItemModel(gallery)
    gallery.setModel(pictures)
    gallery.grab()
    pictures.insertRow(0, QStandardItem())
    qtbot.wait(10)
    place = gallery.visualRect(pictures.index(0, 0))
    thumbnail = QImage(64, 64, QImage.Format.Format_RGB32)
    thumbnail.fill(QColor("#00aa00"))
    pictures.setData(pictures.index(0, 0), thumbnail, Qt.ItemDataRole.DecorationRole)
    qtbot.wait(10)
    assert gallery.visualRect(pictures.index(0, 0)) == place
    assert gallery.grab().toImage().pixelColor(place.center()) == QColor("#00aa00")


def test_two_whole_columns(filled: GalleryView) -> None:
    assert middle(filled, 0).y() == middle(filled, 1).y() < middle(filled, 2).y()
    filled.resize(420, 400)
    filled.grab()
    assert middle(filled, 0).y() == middle(filled, 3).y() < middle(filled, 4).y()


def test_click_and_enter_show(qtbot: QtBot, filled: GalleryView) -> None:
    heard: list[int] = []
    filled.imageActivated.connect(heard.append)
    qtbot.mouseClick(filled.viewport(), Qt.MouseButton.LeftButton, pos=middle(filled, 2))
    assert heard == [2]
    qtbot.keyClick(filled, Qt.Key.Key_Down)
    qtbot.keyClick(filled, Qt.Key.Key_Return)
    assert heard == [2, 4, 4]


def test_choosing_by_program_tells_nobody(filled: GalleryView) -> None:
    heard: list[int] = []
    filled.imageActivated.connect(heard.append)
    filled.setCurrentIndex(filled.model().index(5, 0))
    assert not heard


def test_menu(qtbot: QtBot, filled: GalleryView) -> None:
    said: list[tuple[str, int]] = []
    for name in ("imageActivated", "saveRequested", "copyRequested", "revealRequested"):
        getattr(filled, name).connect(lambda row, name=name: said.append((name, row)))
    place = middle(filled, 3)
    reason = QContextMenuEvent.Reason.Mouse
    viewport = filled.viewport()
    QApplication.sendEvent(viewport, QContextMenuEvent(reason, place, viewport.mapToGlobal(place)))
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    for action in menu.actions():
        action.trigger()
    menu.close()
    assert said == [
        ("imageActivated", 3),
        ("saveRequested", 3),
        ("copyRequested", 3),
        ("revealRequested", 3),
    ]


def test_tooltip_is_plain_text(filled: GalleryView, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr(QToolTip, "showText", lambda place, text, view: shown.append(text))
    event = QHelpEvent(QHelpEvent.Type.ToolTip, QPoint(5, 5), QPoint(5, 5))
    index = filled.model().index(0, 0)
    filled.itemDelegate().helpEvent(event, filled, QStyleOptionViewItem(), index)
    assert "<b>" not in shown[0]
    assert "&lt;b&gt;an owl" in shown[0]


def test_empty_gallery_has_words(gallery: GalleryView) -> None:
    bare = gallery.grab().toImage()
    assert any(bare.pixelColor(x, 200) != bare.pixelColor(0, 0) for x in range(bare.width()))
