"""A delegate whose tooltips are plain text. Every list of the window paints its rows by one that
stems from it: prompts and paths may contain anything."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolTip,
)

from app.widgets.plain_label import plain_tooltip

Index = QModelIndex | QPersistentModelIndex


class PlainDelegate(QStyledItemDelegate):
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
