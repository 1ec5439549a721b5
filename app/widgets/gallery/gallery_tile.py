"""Paints one tile of the gallery: the thumbnail, its ring, and the marks of favourites and notes.
The gallery view has one for all of its tiles."""

from __future__ import annotations

from collections import OrderedDict

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QStyle,
    QStyleOptionViewItem,
)

from app import theme
from app.widgets.basic.plain_delegate import Index, PlainDelegate
from app.widgets.basic.rounded_picture import draw_rounded

GAP = 4
CORNER = 5
MARK = 18
KEPT = 400  # tiles at their size, some 25 MB: what is in sight and a little more


class TileDelegate(PlainDelegate):
    """favourite_role and note_role: of the item model, -1 where it has none. What a tile looks like
    at its size is kept, because scrolling paints all of them with every frame."""

    favourite_role = -1
    note_role = -1

    def __init__(self, view: QAbstractItemView) -> None:
        super().__init__(view)
        self._kept: OrderedDict[tuple[int, int, int, float], QPixmap] = OrderedDict()

    def draw(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        colours = theme.tokens()
        place = option.rect.adjusted(GAP, GAP, -GAP, -GAP)
        frame = QRectF(place)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        picture = self._picture(index, place, painter.device().devicePixelRatioF())
        if picture is None:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.raised))
            painter.drawRoundedRect(frame, CORNER, CORNER)
        else:
            painter.drawPixmap(place.topLeft(), picture)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        state = option.state
        if state & (QStyle.StateFlag.State_Selected | QStyle.StateFlag.State_MouseOver):
            chosen = bool(state & QStyle.StateFlag.State_Selected)
            painter.setPen(QPen(QColor(colours.accent if chosen else colours.faint), 2))
            painter.drawRoundedRect(frame.adjusted(-2, -2, 2, 2), CORNER + 1.5, CORNER + 1.5)
        else:
            painter.setPen(QPen(QColor(colours.line), 1))
            painter.drawRoundedRect(frame, CORNER, CORNER)
        if state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QPen(QColor(colours.text), 1))
            painter.drawRoundedRect(frame.adjusted(1.5, 1.5, -1.5, -1.5), CORNER - 1, CORNER - 1)
        self._paint_marks(painter, place, index)

    def _picture(self, index: Index, place: QRect, ratio: float) -> QPixmap | None:
        """The thumbnail with its round corners, as large as its place; None before it is made."""
        picture = index.data(Qt.ItemDataRole.DecorationRole)
        if not isinstance(picture, QImage | QPixmap) or picture.isNull():
            return None
        key = (picture.cacheKey(), place.width(), place.height(), ratio)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        image = picture.toImage() if isinstance(picture, QPixmap) else picture
        drawn = QPixmap(place.size() * ratio)
        drawn.setDevicePixelRatio(ratio)
        drawn.fill(Qt.GlobalColor.transparent)
        painter = QPainter(drawn)
        draw_rounded(painter, QRectF(0, 0, place.width(), place.height()), image, CORNER)
        painter.end()
        self._kept[key] = drawn
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return drawn

    def _paint_marks(self, painter: QPainter, place: QRect, index: Index) -> None:
        """Small and on a dark disc, so that they are seen on a picture of any colour."""
        marks = []
        if self.favourite_role >= 0 and index.data(self.favourite_role):
            marks.append(("star", theme.DARK.accent))
        if self.note_role >= 0 and index.data(self.note_role):
            marks.append(("note", theme.DARK.text))
        left, top = place.right() - MARK - 3, place.top() + 4
        for name, colour in marks:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(20, 20, 20, 205))
            painter.drawEllipse(QRectF(left, top, MARK, MARK))
            ratio = painter.device().devicePixelRatioF()
            mark = theme.pixmap(name, QSize(12, 12), colour, ratio)
            painter.drawPixmap(left + (MARK - 12) // 2, top + (MARK - 12) // 2, mark)
            left -= MARK + 3
