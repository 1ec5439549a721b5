"""The last runs and their branches as rows of small pictures, one a step, under the curve of the
guidance where the model can be guided. The main window shows it under the canvas."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontInfo,
    QHelpEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QScrollBar, QSizePolicy, QToolTip, QWidget

from app import theme
from app.i18n import tr
from app.unfailing import unfailing
from app.widgets.basic.calm_repaint import CalmRepaint
from app.widgets.basic.plain_label import plain_tooltip
from app.widgets.runs.strip_geometry import MAX_SLOT, PITCH, ROW_HEIGHT, RowStack, StripGeometry
from app.widgets.runs.strip_painter import GUTTER, StripPainter, geometry_of
from app.widgets.runs.strip_rows import StripRow, StripRows, StripStep

GUIDED_TOP, TOP = 54, 16
MOST_ROWS = 3
BAR_WIDTH = 10


class TimelineStrip(QWidget):
    """Click, drag and the keys select a step that is there already; a run may have 1 to 1000 steps,
    counted from 0, and a long one need not show them all.

    A row is known by its number. What is told of a row that is not there (any more) is passed over.
    """

    stepSelected = Signal(int, int)
    rowSelected = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("timelineStrip")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._bar = QScrollBar(Qt.Orientation.Vertical, self)
        self._bar.setObjectName("timelineScroll")
        self._bar.setSingleStep(PITCH)
        self._repaint = CalmRepaint(self)
        self._rows = StripRows()
        self._row: StripRow | None = None  # the selected one
        self._step = -1
        self._dragged: StripRow | None = None
        self.set_guided(True)
        self.retranslate()

        self._bar.valueChanged.connect(self._repaint.ask)

    def set_guided(self, guided: bool) -> None:
        """Whether the curve of the guidance stands above the steps."""
        self._guided = guided
        self._fit()

    def add_row(
        self, row: int, label: str, total: int, parent: int | None = None, fork: int = 0
    ) -> None:
        """Empty frames for a new run of `total` steps under the other runs, or for a branch of the
        row `parent` that does the steps from `fork` on itself. Raises ValueError if `row` is there.
        """
        added = StripRow(row, label, total, parent, min(max(fork, 0), total - 1))
        self._rows.add(added)
        self._fit()
        self._reveal(added)

    def remove_row(self, row: int) -> None:
        """The branches of the row stay."""
        if removed := self._rows.get(row):
            self._rows.remove(removed)
            if removed is self._row:
                self.set_selected(row, -1)
            self._fit()

    def set_plan(self, row: int, scales: tuple[float | None, ...]) -> None:
        """The guidance scale that every step is to have, None where it is to have none."""
        if planned := self._rows.get(row):
            planned.plan = scales[: planned.total]
            self._repaint.ask()

    def add_step(self, row: int, index: int, picture: QImage, guidance_scale: float | None) -> None:
        """guidance_scale: None where the step is not guided."""
        if (grown := self._rows.get(row)) is None:
            return
        side = round(MAX_SLOT * self.devicePixelRatioF())
        small = picture.scaled(
            side,
            side,
            Qt.AspectRatioMode.KeepAspectRatioByExpanding,
            Qt.TransformationMode.SmoothTransformation,
        )
        grown.steps[index] = StripStep(small, guidance_scale)
        self._repaint.ask()

    def remove_step(self, row: int, index: int) -> None:
        """It leaves an empty frame."""
        if thinned := self._rows.get(row):
            thinned.steps.pop(index, None)
            self._repaint.ask()

    def add_mark(self, row: int, index: int, text: str) -> None:
        """Tells of a change that was made at the step: a tick over it, `text` in its tooltip."""
        if marked := self._rows.get(row):
            marked.marks.setdefault(index, []).append(text)
            self.retranslate()
            self._repaint.ask()

    def set_selected(self, row: int, index: int) -> None:
        """Rings the step `index` of the row; -1 for none."""
        before, self._row = self._row, self._rows.get(row)
        self._step = index if self._row else -1
        if self._row and self._row is not before:
            self._reveal(self._row)
        self.retranslate()
        self._repaint.ask()

    def clear(self) -> None:
        """Takes every row away."""
        self._rows.clear()
        self.set_selected(-1, -1)
        self._fit()

    def place(self, row: int, index: int) -> QPoint:
        """Where the middle of the step is now, for scripts; out of sight if it is scrolled away."""
        if (found := self._rows.get(row)) is None:
            raise LookupError(f"The timeline has no row {row}.")
        top = self._stack().row_top(self._rows.position(found))
        return QPoint(int(self._geometry(found).x_of(index)), top + ROW_HEIGHT // 2)

    def retranslate(self) -> None:
        self.setToolTip(tr("The steps of the runs: choose one to see the picture as it was there."))
        self._bar.setAccessibleName(tr("Scroll the timeline"))
        self._bar.setToolTip(tr("Shows the earlier and later runs; the picture stays as it is."))
        name, words = tr("Timeline"), ""
        if self._row and self._step >= 0:
            step, total = self._step + 1, self._row.total
            name = tr(
                "Timeline, {row}, step {step} of {total}",
                row=self._row.label,
                step=step,
                total=total,
            )
            words = self._words(self._row, self._step)
        self.setAccessibleName(name)
        self.setAccessibleDescription(words)

    @unfailing(QSize())
    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), self.maximumHeight())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        x, row = event.position().x(), self._row_at(event.position().y())
        if row and x < GUTTER - 4 and not self._over_curve(event.position().y()):
            self.set_selected(row.number, self._step if row is self._row else -1)
            self.rowSelected.emit(row.number)
        elif row:
            self._dragged = row
            self._select_at(row, x)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._dragged and event.buttons() & Qt.MouseButton.LeftButton:
            self._select_at(self._dragged, event.position().x())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._dragged = None

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self._bar.maximum() == 0:
            event.ignore()
            return
        turn = event.pixelDelta().y() or round(event.angleDelta().y() / 120 * PITCH)
        self._bar.setValue(self._bar.value() - turn)
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        most = max((row.total for row in self._rows), default=0)
        moves = {
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_PageUp: -10,
            Qt.Key.Key_PageDown: 10,
            Qt.Key.Key_Home: -most,
            Qt.Key.Key_End: most,
        }
        turns = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}
        key, row = Qt.Key(event.key()), self._current()
        if key not in moves and key not in turns:
            super().keyPressEvent(event)
        elif row and key in moves:
            self._select(row, row.moved(self._step, moves[key]))
        elif row:
            self._go_to_row(row, turns[key])

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            x, y = event.pos().x(), event.pos().y()
            if row := self._row_at(y):
                on_label = x < GUTTER - 4 and not self._over_curve(y)
                index = self._geometry(row).index_at(x)
                words = row.label if on_label else self._words(row, index)
                QToolTip.showText(event.globalPos(), plain_tooltip(words), self)
                return True
        return super().event(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_bar()
        if event.size().height() != event.oldSize().height() and (row := self._current()):
            self._reveal(row)

    @unfailing()
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), QColor(theme.tokens().panel))
        row = self._current()
        if row is None:
            painter.setPen(QColor(theme.tokens().muted))
            hint = tr("Every step of a run appears here.")
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, hint)
        else:
            self._paint_content(painter, row)
        if self.hasFocus():
            painter.setPen(QPen(QColor(theme.tokens().accent), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(4.5, 4.5, -4.5, -4.5), 6, 6)

    def _paint_content(self, painter: QPainter, row: StripRow) -> None:
        painter.save()
        font = painter.font()
        font.setPointSizeF(QFontInfo(font).pointSizeF() * 0.92)
        painter.setFont(font)
        stack = self._stack()
        content = StripPainter(painter, self._rows, stack, self.width(), self._row, self._step)
        if self._guided:
            content.paint_curve_name()
            content.paint_curve(row)
        painter.setClipRect(self.rect().adjusted(0, stack.first, 0, 0))
        content.paint_rows()
        painter.restore()

    def _words(self, row: StripRow, index: int) -> str:
        """What is to be told of a step: its guidance, and what was changed there or, where one
        column stands for several steps, in any of them."""
        words = tr("Step {step} of {total}", step=index + 1, total=row.total)
        step, plan = row.steps.get(index), dict(enumerate(row.plan)).get(index)
        if index < row.fork:
            return words + tr(" · the branch starts at step {step}", step=row.fork + 1)
        if step and step.guidance_scale is not None:
            words += tr(" · guidance {scale}", scale=f"{step.guidance_scale:g}")
        elif step is None and plan is not None:
            words += tr(" · planned guidance {scale}", scale=f"{plan:g}")
        geometry = self._geometry(row)
        column = geometry.steps_of(geometry.column_of(index))
        for marked in sorted(row.marks.keys() & set(column)):
            for text in row.marks[marked]:
                told = tr("Step {step}: {change}", step=marked + 1, change=text)
                words += "\n" + (text if len(column) == 1 else told)
        return words

    def _stack(self) -> RowStack:
        top = GUIDED_TOP if self._guided else TOP
        return RowStack(top, len(self._rows), self._bar.value())

    def _geometry(self, row: StripRow) -> StripGeometry:
        return geometry_of(row, self.width())

    def _current(self) -> StripRow | None:
        """The selected row, else the newest: the one whose curve is shown."""
        return self._row or self._rows.newest

    def _over_curve(self, y: float) -> bool:
        return self._guided and y < self._stack().first

    def _row_at(self, y: float) -> StripRow | None:
        """The row at y; over the curve, the one that it belongs to."""
        if not len(self._rows) or self._over_curve(y):
            return self._current()
        return self._rows[self._stack().position_at(y)]

    def _fit(self) -> None:
        """One row is the least that is to be seen; beyond a few the rows scroll."""
        stack = self._stack()
        self.setMinimumHeight(stack.height(1))
        self.setMaximumHeight(stack.height(min(stack.rows, MOST_ROWS)))
        self.updateGeometry()
        self._fit_bar()
        self.update()

    def _fit_bar(self) -> None:
        stack = self._stack()
        hidden = max(0, stack.height() - self.height())
        self._bar.setRange(0, hidden)
        self._bar.setPageStep(self.height() - stack.first)
        self._bar.setVisible(hidden > 0)
        self._bar.setGeometry(
            self.width() - BAR_WIDTH - 6, stack.first, BAR_WIDTH, self.height() - stack.first - 6
        )

    def _reveal(self, row: StripRow) -> None:
        """Scrolls as little as it takes to see the row."""
        stack, position = self._stack(), self._rows.position(row)
        lowest = position * PITCH
        highest = stack.height(position + 1) - self.height()
        self._bar.setValue(min(max(self._bar.value(), highest), lowest))

    def _select_at(self, row: StripRow, x: float) -> None:
        """Goes to the step nearest to x among those of the row that are there."""
        self._select(row, row.nearest(self._geometry(row).index_at(x)))

    def _go_to_row(self, row: StripRow, turn: int) -> None:
        """Goes from the selected step straight up or down to the next row that has steps."""
        if row is not self._row or self._step < 0:
            self._select(row, row.nearest(row.total))
            return
        x = self._geometry(row).x_of(self._step)
        position = self._rows.position(row) + turn
        while 0 <= position < len(self._rows):
            if self._rows[position].steps:
                self._select_at(self._rows[position], x)
                return
            position += turn

    def _select(self, row: StripRow, index: int) -> None:
        """Goes to a step; -1: the row has none."""
        if index < 0 or self._rows.get(row.number) is not row:
            return
        if (row, index) != (self._row, self._step):
            self.set_selected(row.number, index)
            self._reveal(row)
            self.stepSelected.emit(row.number, index)
