"""What differs between the recipes of two pictures, as a table. The comparison of two pictures
shows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from app.i18n import tr
from app.unfailing import unfailing
from app.widgets.basic.plain_label import plain_tooltip

LONGEST = 2000
"""Characters of a cell; what is longer is cut."""
TALLEST, PADDING = 400, 6
"""Pixels of a row, and those of them over and under its words."""
SIDES = 34
"""Pixels of a cell left and right of its words."""
FIRST = 130
"""Pixels of the column that tells what differs."""

Index = QModelIndex | QPersistentModelIndex


class Differences(QAbstractTableModel):
    """A row for each setting: what it is, the left picture's value and the right one's."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[tuple[str, str, str]] = []
        self._names = ("", "")

    def set_rows(self, names: tuple[str, str], rows: Sequence[tuple[str, str, str]]) -> None:
        """names: of the left and the right picture."""
        self.beginResetModel()
        self._names = names
        self._rows = [(what, left, right) for what, left, right in rows]
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else 3

    @unfailing()
    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not self.hasIndex(index.row(), index.column()):
            return None
        text = self._rows[index.row()][index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return text if len(text) <= LONGEST else text[:LONGEST] + "…"
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tooltip(text)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop
        return None

    @unfailing()
    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        titles = (tr("What differs"), *self._names)
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(titles):
            return None
        return titles[section] if role == Qt.ItemDataRole.DisplayRole else None


class WrappingDelegate(QStyledItemDelegate):
    """As high as the words need in their column: the style sheet's padding counts, too."""

    @unfailing(QSize())
    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        view = self.parent()
        assert isinstance(view, QTableView)
        room = QRect(0, 0, max(1, view.columnWidth(index.column()) - SIDES), TALLEST)
        words = index.data(Qt.ItemDataRole.DisplayRole)
        height = view.fontMetrics().boundingRect(room, Qt.TextFlag.TextWordWrap, words).height()
        return QSize(room.width(), min(height, TALLEST) + 2 * PADDING)


class DifferenceTable(QTableView):
    """Its rows are as high as their words need, up to a point; all of a value is in its tooltip."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("compareTable")
        self._differences = Differences(self)
        self.setModel(self._differences)
        self.setItemDelegate(WrappingDelegate(self))
        self.setWordWrap(True)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Fixed)
        header.resizeSection(0, FIRST)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        header.setHighlightSections(False)
        header.setSectionsClickable(False)
        self.retranslate()

        # Later: while the header tells it, its columns still have their former widths.
        header.sectionResized.connect(self.resizeRowsToContents, Qt.ConnectionType.QueuedConnection)

    def set_rows(self, names: tuple[str, str], rows: Sequence[tuple[str, str, str]]) -> None:
        """rows: (what, left value, right value); names: of the two pictures."""
        self._differences.set_rows(names, rows)
        self.resizeRowsToContents()

    def retranslate(self) -> None:
        self.setAccessibleName(tr("What differs"))
        self.setToolTip(tr("The settings that the two pictures do not have in common."))
