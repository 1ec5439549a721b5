"""A delegate whose tooltips are plain text, and that paints the other rows when one of them fails.
Every list of the window paints its rows by one that stems from it: prompts and paths may contain
anything."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QHelpEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolTip,
)

from app.unfailing import unfailing
from app.widgets.basic.plain_label import plain_tooltip

Index = QModelIndex | QPersistentModelIndex


class PlainDelegate(QStyledItemDelegate):
    """draw: paints one row, for those that look different. The painter is put back after it."""

    @unfailing()
    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        painter.save()
        try:
            self.draw(painter, option, index)
        finally:
            painter.restore()

    def draw(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        super().paint(painter, option, index)

    def helpEvent(
        self,
        event: QHelpEvent,
        view: QAbstractItemView,
        option: QStyleOptionViewItem,
        index: Index,
    ) -> bool:
        words = index.data(Qt.ItemDataRole.ToolTipRole)
        if not isinstance(words, str) or not words:
            return False
        QToolTip.showText(event.globalPos(), plain_tooltip(words), view)
        return True
