"""The list of models with what can be told of each. The library dialog shows it; its item model
comes from app.state."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractItemModel, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from app import theme
from app.i18n import tr
from app.unfailing import unfailing
from app.widgets.basic.plain_delegate import Index, PlainDelegate

WIDTHS = {1: 206, 2: 92, 3: 92, 4: 162, 5: 130}
"""Pixels of the columns after the first, which has the rest."""
ROW_HEIGHT = 30
STATE = 5
"""The column that tells whether a model can be used."""


class RowDelegate(PlainDelegate):
    """What cannot be loaded is faint, and says so in the colour of the lamp."""

    state_role = 0

    @unfailing()
    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:
        super().initStyleOption(option, index)
        if index.data(self.state_role) == "ready":
            return
        colours = theme.tokens()
        ink = QColor(colours.accent if index.column() == STATE else colours.muted)
        for role in (QPalette.ColorRole.Text, QPalette.ColorRole.HighlightedText):
            option.palette.setColor(role, ink)


class LibraryView(QTableView):
    """One row is current, or none. Its item model names its roles: source, path, problem, state,
    loadable, askable, told, answer."""

    rowChanged = Signal()  # another row is current, or what it says is another
    modelActivated = Signal()  # the current row's

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("libraryView")
        self._roles: dict[str, int] = {}
        self._empty = ""
        self._kept, self._scrolled = "", 0  # while the rows are made anew
        self._delegate = RowDelegate(self)
        self.setItemDelegate(self._delegate)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setSortingEnabled(True)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.horizontalHeader().setHighlightSections(False)
        self.horizontalHeader().setDefaultAlignment(
            Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        )
        self.retranslate()

        self.activated.connect(lambda index: self.modelActivated.emit())

    def set_models(self, models: QAbstractItemModel) -> None:
        """models: with a column for each of name, family, size, dtype, prediction and state."""
        names = models.roleNames().items()
        self._roles = {bytes(name.data()).decode(): role for role, name in names}
        self._delegate.state_role = self._roles["state"]
        self.setModel(models)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column, width in WIDTHS.items():
            header.resizeSection(column, width)
        self.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        models.dataChanged.connect(self.rowChanged)
        models.modelAboutToBeReset.connect(self._remember)
        models.modelReset.connect(self._restore)
        self.selectionModel().currentRowChanged.connect(self.rowChanged)

    def value(self, role: str) -> Any:
        """What the current row has under that role; None where no row is current."""
        index = self.currentIndex()
        return index.data(self._roles[role]) if index.isValid() else None

    def set_empty_text(self, text: str) -> None:
        """What stands there while there is no row."""
        self._empty = text
        self.viewport().update()

    def retranslate(self) -> None:
        self.setAccessibleName(tr("Models on this computer"))
        self.setToolTip(tr("The models that are here. Enter or a double click loads one."))

    def _remember(self) -> None:
        self._kept = self.value("source") or self._kept
        self._scrolled = self.verticalScrollBar().value()

    def _restore(self) -> None:
        """The row that was current is so again, or will be when it comes back."""
        models = self.model()
        for row in range(models.rowCount()):
            if models.index(row, 0).data(self._roles["source"]) == self._kept:
                self.selectRow(row)
                break
        self.verticalScrollBar().setValue(self._scrolled)
        self.rowChanged.emit()

    @unfailing()
    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.model() is None or self.model().rowCount() == 0:
            painter = QPainter(self.viewport())
            painter.setPen(QColor(theme.tokens().muted))
            place = self.viewport().rect().adjusted(24, 0, -24, 0)
            wrapped = int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap)
            painter.drawText(place, wrapped, self._empty)
