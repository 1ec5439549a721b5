"""A grid of tiles over an item model of any length, laid out by arithmetic. The gallery view builds
on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractItemModel,
    QByteArray,
    QEasingCurve,
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QItemSelectionRange,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QPropertyAnimation,
    QRect,
    Qt,
)
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QCursor,
    QPainter,
    QPaintEvent,
    QRegion,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStyle,
    QStyleOptionViewItem,
    QWidget,
)

from app.unfailing import unfailing
from app.widgets.gallery.gallery_geometry import Tiles
from app.widgets.gallery.gallery_tile import TileDelegate

GLIDE = 110
"""Milliseconds in which a turn of the wheel arrives."""
REMEMBERED = 500
"""Selected rows that are found again when the item model begins anew."""

Index = QModelIndex | QPersistentModelIndex


class TileView(QListView):
    """Screen readers meet a QListView, which they can read out; where each tile stands is worked
    out here. What is at the top stays there when the width changes, when rows come or go above it,
    and when the model begins anew and can tell where it is now: by a role named "path" and a
    method row_of(path)."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tiles = Tiles(0)
        self._roles: dict[str, int] = {}
        self._anchor: tuple[QPersistentModelIndex, int] | None = None  # None: the very top
        self._before: tuple[str, int, str, list[str]] | None = None  # while the model begins anew
        self._hovered = -1
        self._delegate = TileDelegate(self)
        self.setItemDelegate(self._delegate)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setMouseTracking(True)
        self.setTabKeyNavigation(False)
        # Always there: a bar that comes and goes would change the columns and so itself.
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        bar = self.verticalScrollBar()
        self._glide = QPropertyAnimation(bar, QByteArray(b"value"), self)
        self._glide.setDuration(GLIDE)
        self._glide.setEasingCurve(QEasingCurve.Type.OutCubic)

        bar.rangeChanged.connect(lambda low, high: bar.setEnabled(high > low))
        bar.sliderPressed.connect(self._glide.stop)

    def setModel(self, model: QAbstractItemModel | None) -> None:
        before: QAbstractItemModel | None = self.model()
        if before is not None:
            before.modelAboutToBeReset.disconnect(self._remember)
            before.modelReset.disconnect(self._find_again)
            before.rowsRemoved.disconnect(self.scheduleDelayedItemsLayout)
        self._anchor, self._before, self._roles = None, None, {}
        super().setModel(model)
        if model is not None:
            model.modelAboutToBeReset.connect(self._remember)
            model.modelReset.connect(self._find_again)
            model.rowsRemoved.connect(self.scheduleDelayedItemsLayout)
            names = model.roleNames().items()
            self._roles = {bytes(name.data()).decode(): role for role, name in names}
        self._delegate.favourite_role = self._roles.get("favourite", -1)
        self._delegate.note_role = self._roles.get("note", -1)

    def count(self) -> int:
        """How many tiles there are."""
        shown: QAbstractItemModel | None = self.model()
        return 0 if shown is None else shown.rowCount()

    def value(self, row: int, role: str) -> Any:
        """What that row has under that role; None where the model has no such role."""
        number = self._roles.get(role)
        return None if number is None else self.model().index(row, 0).data(number)

    def row_of(self, path: object) -> int:
        """The row of the picture with that path, -1 where the model has none or cannot tell."""
        find = getattr(self.model(), "row_of", None)
        row = find(path) if find is not None and path else -1
        return row if isinstance(row, int) else -1

    def selected_rows(self) -> list[int]:
        """In order."""
        chosen = self.selectionModel()
        if chosen is None:
            return []
        ranges = chosen.selection()
        spans = (ranges.at(number) for number in range(ranges.count()))
        return sorted({row for span in spans for row in range(span.top(), span.bottom() + 1)})

    def visualRect(self, index: Index) -> QRect:
        if not index.isValid():
            return QRect()
        return self._tiles.place(index.row()).translated(0, -self.verticalOffset())

    def indexAt(self, point: QPoint) -> QModelIndex:
        row = self._tiles.row_at(point + QPoint(0, self.verticalOffset()))
        return self.model().index(row, 0) if 0 <= row < self.count() else QModelIndex()

    def scrollTo(
        self,
        index: Index,
        hint: QAbstractItemView.ScrollHint = QAbstractItemView.ScrollHint.EnsureVisible,
    ) -> None:
        if not index.isValid():
            return
        self._glide.stop()
        place, bar, room = self.visualRect(index), self.verticalScrollBar(), self.viewport()
        to_top, to_bottom = place.top(), place.bottom() + 1 - room.height()
        if hint == QAbstractItemView.ScrollHint.PositionAtTop:
            move = to_top
        elif hint == QAbstractItemView.ScrollHint.PositionAtBottom:
            move = to_bottom
        elif hint == QAbstractItemView.ScrollHint.PositionAtCenter:
            move = (to_top + to_bottom) // 2
        else:
            move = min(0, to_top) or max(0, min(to_bottom, to_top))
        bar.setValue(bar.value() + move)

    def moveCursor(
        self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier
    ) -> QModelIndex:
        count, columns, row = self.count(), self._tiles.columns, self.currentIndex().row()
        if not count:
            return QModelIndex()
        act = QAbstractItemView.CursorAction
        page = max(1, self.viewport().height() // self._tiles.cell) * columns
        last_line = (count - 1) // columns
        down = row + columns if row // columns < last_line else row
        # As far as the column goes, and no further.
        paged = min(row + page, row % columns + last_line * columns)
        wanted = {
            act.MoveLeft: row - 1,
            act.MovePrevious: row - 1,
            act.MoveRight: row + 1,
            act.MoveNext: row + 1,
            act.MoveUp: row - columns if row >= columns else row,
            act.MoveDown: down,
            act.MovePageUp: max(row - page, row % columns),
            act.MovePageDown: paged,
            act.MoveHome: 0,
            act.MoveEnd: count - 1,
        }[action]
        if row < 0 and action != act.MoveEnd:
            wanted = 0
        return self.model().index(min(max(wanted, 0), count - 1), 0)

    def horizontalOffset(self) -> int:
        return 0

    def verticalOffset(self) -> int:
        return self.verticalScrollBar().value()

    def isIndexHidden(self, index: Index) -> bool:
        return False

    def setSelection(self, rect: QRect, command: QItemSelectionModel.SelectionFlag) -> None:
        """From the tile at the first corner to that at the second, or, while the pointer draws a
        frame, all that it touches."""
        scrolled, last = QPoint(0, self.verticalOffset()), self.count() - 1
        chosen = QItemSelection()
        if self.state() == QAbstractItemView.State.DragSelectingState:
            frame = rect.normalized().translated(scrolled)
            columns = self._tiles.columns
            right = min(frame.right(), self._tiles.cell * columns - 1)
            for row in self._tiles.rows_between(frame.top(), frame.bottom(), last + 1)[::columns]:
                y = self._tiles.place(row).top()
                first = self._tiles.row_at(QPoint(max(0, frame.left()), y))
                end = self._tiles.row_at(QPoint(right, y))
                self._choose(chosen, first, min(end, last))
        else:
            ends = [self._tiles.row_at(p + scrolled) for p in (rect.topLeft(), rect.bottomRight())]
            self._choose(chosen, min(ends), min(max(ends), last))
        self.selectionModel().select(chosen, command)

    def selectAll(self) -> None:
        """As one range, which is quick: Qt's own way asks for every row."""
        chosen = QItemSelection()
        self._choose(chosen, 0, self.count() - 1)
        if (selection := self.selectionModel()) is not None:
            selection.select(chosen, QItemSelectionModel.SelectionFlag.ClearAndSelect)

    def visualRegionForSelection(self, selection: QItemSelection) -> QRegion:
        """All that is in sight: to find out which of it costs more than to paint it."""
        return QRegion(self.viewport().rect())

    def doItemsLayout(self) -> None:
        kept = self._anchor  # a shorter range scrolls by itself
        QAbstractItemView.doItemsLayout(self)
        self._anchor = kept
        self._come_back()

    def updateGeometries(self) -> None:
        self._tiles = Tiles(max(0, self.viewport().width() - 1))
        room, bar = self.viewport().height(), self.verticalScrollBar()
        bar.setSingleStep(max(1, self._tiles.cell // 3))
        bar.setPageStep(max(1, room - self._tiles.cell // 4))
        bar.setRange(0, max(0, self._tiles.height(self.count()) - room))

    def resizeEvent(self, event: QResizeEvent) -> None:
        kept = self._anchor
        QAbstractItemView.resizeEvent(self, event)
        self.updateGeometries()
        self._anchor = kept
        self._come_back()
        self.viewport().update()

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        self.viewport().scroll(0, dy)
        value = self.verticalOffset()
        rows = self._tiles.rows_between(value, value, self.count())
        self._anchor = None
        if value and rows:
            top = self.model().index(rows[0], 0)
            self._anchor = (QPersistentModelIndex(top), value - self._tiles.place(rows[0]).top())
        self._hover(self.viewport().mapFromGlobal(QCursor.pos()), self.viewport().underMouse())

    def dataChanged(self, topLeft: Index, bottomRight: Index, roles: Sequence[int] = ()) -> None:
        """Only paints: QListView would lay everything out anew for every thumbnail."""
        top = self.visualRect(topLeft).top()
        if top <= self.viewport().height() and self.visualRect(bottomRight).bottom() >= 0:
            bottom = self.visualRect(bottomRight).bottom()
            self.viewport().update(0, top, self.viewport().width(), bottom - top + 1)

    def rowsInserted(self, parent: Index, start: int, end: int) -> None:
        QAbstractItemView.rowsInserted(self, parent, start, end)
        self.scheduleDelayedItemsLayout()

    def currentChanged(self, current: Index, previous: Index) -> None:
        QAbstractItemView.currentChanged(self, current, previous)
        self.viewport().update()
        if QAccessible.isActive() and current.isValid() and self.hasFocus():
            focus = QAccessibleEvent(self, QAccessible.Event.Focus)
            focus.setChild(current.row())
            QAccessible.updateAccessibility(focus)

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        QAbstractItemView.selectionChanged(self, selected, deselected)
        self.viewport().update()

    def keyboardSearch(self, search: str) -> None:
        """Is left out: letters are keys of commands here, and a search would ask fifty thousand
        rows."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        """A touchpad moves the tiles itself; the notches of a wheel are made smooth."""
        notches = event.angleDelta().y() / 120
        if not event.pixelDelta().isNull() or not notches:
            self._glide.stop()
            QAbstractItemView.wheelEvent(self, event)
            return
        bar = self.verticalScrollBar()
        is_gliding = self._glide.state() == QPropertyAnimation.State.Running
        start = self._glide.endValue() if is_gliding else bar.value()
        end = min(max(start - round(notches * 3 * bar.singleStep()), bar.minimum()), bar.maximum())
        self._glide.stop()
        if end == bar.value():
            event.ignore()
            return
        self._glide.setStartValue(bar.value())
        self._glide.setEndValue(end)
        self._glide.start()
        event.accept()

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.MouseMove:
            self._hover(event.position().toPoint(), True)  # pyright: ignore[reportAttributeAccessIssue]
        elif event.type() == QEvent.Type.Leave:
            self._hover(QPoint(), False)
        return super().viewportEvent(event)

    @unfailing()
    def paintEvent(self, event: QPaintEvent) -> None:
        """Asks only for the tiles that are to be painted."""
        painter = QPainter(self.viewport())
        option = QStyleOptionViewItem()
        self.initViewItemOption(option)
        usual = option.state & ~(
            QStyle.StateFlag.State_Selected
            | QStyle.StateFlag.State_MouseOver
            | QStyle.StateFlag.State_HasFocus
        )
        offset, dirty, shown = self.verticalOffset(), event.rect(), self.model()
        top, bottom = dirty.top() + offset, dirty.bottom() + offset
        current = self.currentIndex().row() if self.hasFocus() else -1
        for row in self._tiles.rows_between(top, bottom, self.count()):
            index = shown.index(row, 0)
            option.rect = self._tiles.place(row).translated(0, -offset)
            option.state = usual
            if self.selectionModel().isSelected(index):
                option.state |= QStyle.StateFlag.State_Selected
            if row == self._hovered:
                option.state |= QStyle.StateFlag.State_MouseOver
            if row == current:
                option.state |= QStyle.StateFlag.State_HasFocus
            self._delegate.paint(painter, option, index)

    def _choose(self, chosen: QItemSelection, first: int, last: int) -> None:
        if 0 <= first <= last:
            shown = self.model()
            chosen.append(QItemSelectionRange(shown.index(first, 0), shown.index(last, 0)))

    def _hover(self, point: QPoint, inside: bool) -> None:
        hovered = self.indexAt(point).row() if inside else -1
        if hovered != self._hovered:
            for row in (hovered, self._hovered):
                self.viewport().update(self._tiles.place(row).translated(0, -self.verticalOffset()))
            self._hovered = hovered

    def _come_back(self) -> None:
        """To what was at the top."""
        if self._anchor is not None and self._anchor[0].isValid():
            index, further = self._anchor
            self.verticalScrollBar().setValue(self._tiles.place(index.row()).top() + further)

    def _remember(self) -> None:
        top, further = "", 0
        if self._anchor is not None and self._anchor[0].isValid():
            top, further = self.value(self._anchor[0].row(), "path") or "", self._anchor[1]
        current = self.currentIndex()
        chosen = [self.value(row, "path") for row in self.selected_rows()[:REMEMBERED]]
        path = self.value(current.row(), "path") if current.isValid() else ""
        self._before = (top, further, path or "", list(filter(None, chosen)))

    def _find_again(self) -> None:
        before, self._before, self._anchor = self._before, None, None
        if before is None:
            return
        top, further, current, chosen = before

        def find(path: str) -> QModelIndex:
            return self.model().index(self.row_of(path), 0)

        selection = QItemSelection()
        for index in filter(QModelIndex.isValid, map(find, chosen)):
            selection.append(QItemSelectionRange(index))
        selecting = QItemSelectionModel.SelectionFlag
        self.selectionModel().select(selection, selecting.ClearAndSelect)
        if (index := find(current)).isValid():
            self.selectionModel().setCurrentIndex(index, selecting.NoUpdate)
        if (index := find(top)).isValid():
            self._anchor = (QPersistentModelIndex(index), further)
