"""The list of what is being done, what waits and what is over, which is put in another order by
dragging. The queue dialog shows it; its item model comes from app.state."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import (
    QAbstractItemModel,
    QByteArray,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QDropEvent, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStyle,
    QStyleOptionViewItem,
    QWidget,
)

from app import commands, theme
from app.i18n import tr
from app.unfailing import unfailing
from app.widgets.basic.command_actions import asks_for
from app.widgets.basic.plain_delegate import Index, PlainDelegate

EDGE = 10


class PlanDelegate(PlainDelegate):
    """Two lines: what is made, and under it how far it is and how much."""

    roles: dict[str, int]

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.roles = {}

    @unfailing(QSize())
    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(0, 2 * option.fontMetrics.lineSpacing() + 2 * EDGE)

    def draw(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        colours = theme.tokens()
        state = index.data(self.roles.get("state", -1))
        inks = {
            "developing": (colours.text, colours.accent),
            "over": (colours.muted, colours.muted),
        }
        ink, small = inks.get(str(state), (colours.text, colours.muted))
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(option.rect, QColor(colours.hover))
        room = option.rect.adjusted(EDGE, EDGE, -EDGE, -EDGE)
        line = option.fontMetrics.lineSpacing()
        words = (index.data(Qt.ItemDataRole.DisplayRole), index.data(self.roles.get("detail", -1)))
        for row, (text, colour) in enumerate(zip(words, (ink, small), strict=True)):
            place = QRect(room.left(), room.top() + row * line, room.width(), line)
            cut = option.fontMetrics.elidedText(
                str(text or ""), Qt.TextElideMode.ElideRight, place.width()
            )
            painter.setPen(QColor(colour))
            painter.drawText(place, int(Qt.AlignmentFlag.AlignVCenter), cut)


class QueueView(QListView):
    """Delete takes what waits out, Alt with the arrow keys moves it, Enter runs again what is over.
    The chosen plan stays chosen when the list changes."""

    moveRequested = Signal(str, int)  # job, place among those that wait
    removeRequested = Signal(str)
    againRequested = Signal(int)
    choiceChanged = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("queueView")
        self._delegate = PlanDelegate(self)
        self._job = ""
        self.setItemDelegate(self._delegate)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setTabKeyNavigation(False)
        self.setUniformItemSizes(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.retranslate()

    def set_plans(self, plans: QAbstractItemModel) -> None:
        """plans: DisplayRole, and the roles by the names b"detail", b"state" and b"job"."""
        names = plans.roleNames()
        self._delegate.roles = {
            bytes(QByteArray(name).data()).decode(): role for role, name in names.items()
        }
        self.setModel(plans)
        plans.modelReset.connect(self._choose_again)

    def value(self, role: str) -> Any:
        """What the chosen plan has for the role of that name, None where none is chosen."""
        return self.currentIndex().data(self._delegate.roles.get(role, -1))

    def place(self) -> int:
        """Where the chosen plan is among those that wait, -1 where it does not wait."""
        if self.value("state") != "waiting":
            return -1
        return self.currentIndex().row() - self._first_waiting()

    def retranslate(self) -> None:
        self.setAccessibleName(tr("Queue"))
        self.setToolTip(
            tr(
                "What waits is made from top to bottom. Drag it, or move it with Alt and the "
                "arrow keys."
            )
        )

    def move_chosen(self, by: int) -> None:
        place = self.place()
        if place >= 0 and place + by >= 0:
            self.moveRequested.emit(self.value("job"), place + by)

    def currentChanged(self, current: Index, previous: Index) -> None:
        super().currentChanged(current, previous)
        if current.isValid():
            self._job = self.value("job") or ""
        self.choiceChanged.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if asks_for(event, commands.EARLIER):
            self.move_chosen(-1)
        elif asks_for(event, commands.LATER):
            self.move_chosen(1)
        elif asks_for(event, commands.REMOVE) and self.place() >= 0:
            self.removeRequested.emit(self.value("job"))
        elif asks_for(event, commands.AGAIN):
            if self.value("state") == "over":
                self.againRequested.emit(self.currentIndex().row())
        else:
            super().keyPressEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        """Asks for the move; the item model changes when its owner has done it."""
        onto = self.indexAt(event.position().toPoint())
        rows = self.model().rowCount()
        row = onto.row() if onto.isValid() else rows - 1
        if self.place() >= 0:
            self.moveRequested.emit(self.value("job"), max(row - self._first_waiting(), 0))
        event.setDropAction(Qt.DropAction.IgnoreAction)
        event.accept()

    def _first_waiting(self) -> int:
        role = self._delegate.roles.get("state", -1)
        shown = self.model()
        for row in range(shown.rowCount()):
            if shown.index(row, 0).data(role) == "waiting":
                return row
        return shown.rowCount()

    def _choose_again(self) -> None:
        shown = self.model()
        if self._job and shown.rowCount():
            role = self._delegate.roles.get("job", -1)
            exactly = Qt.MatchFlag.MatchExactly
            for index in shown.match(shown.index(0, 0), role, self._job, 1, exactly):
                self.setCurrentIndex(index)
                return
        self.choiceChanged.emit()
