"""The part of the run in which guidance acts, as two handles on one groove. The guidance panel
shows it under the curve."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app import theme, wording
from app.i18n import tr
from app.unfailing import unfailing
from app.widgets.recipe.curve_editor import SIDE, stride

HEIGHT = 22
MOST_NOTCHES = 100


class IntervalBar(QWidget):
    """Handles are dragged, or moved with the arrow keys, Page Up, Page Down, Home and End; the Tab
    key goes from the first to the second. They rest where steps begin and never meet."""

    intervalChanged = Signal(float, float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("guidanceInterval")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFixedHeight(HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._interval = (0.0, 1.0)
        self._steps = 20
        self._current = 0
        self._dragging = False
        self.retranslate()

    def set_interval(self, start: float, end: float) -> None:
        """Fractions of the run."""
        self._interval = (start, end)
        self._show()

    def set_steps(self, steps: int) -> None:
        self._steps = max(1, steps)
        self._show()

    def words(self) -> str:
        """Which steps are guided, as a sentence."""
        start, end = self._interval
        # As the engine counts them: a step belongs to the interval when it begins in it.
        begins = [step / self._steps for step in range(self._steps)]
        inside = [n for n, x in enumerate(begins, 1) if start <= x and (x < end or end == 1.0)]
        if not inside:
            return tr("Guidance acts in no step.")
        if len(inside) == self._steps:
            return tr("Guidance acts in the whole run.")
        if len(inside) == 1:
            return tr("Guidance acts in step {step} only.", step=inside[0])
        return tr("Guidance acts from step {first} to {last}.", first=inside[0], last=inside[-1])

    def retranslate(self) -> None:
        self.setToolTip(wording.tooltip("guidance_interval"))
        self._show()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            fraction = self._fraction_at(event.position().x())
            start, end = self._interval
            self._current = int(fraction > (start + end) / 2)
            self._dragging = True
            self._move(fraction)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._dragging and event.buttons() & Qt.MouseButton.LeftButton:
            self._move(self._fraction_at(event.position().x()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._dragging = False
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        strides = {
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_Down: -1,
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_Up: 1,
            Qt.Key.Key_PageDown: -4,
            Qt.Key.Key_PageUp: 4,
        }
        ends = {Qt.Key.Key_Home: 0.0, Qt.Key.Key_End: 1.0}
        key = Qt.Key(event.key())
        if key in strides:
            notch = 1 / self._notches()
            self._move(
                self._interval[self._current]
                + strides[key] * max(notch, round(stride(self._steps) / notch) * notch)
            )
        elif key in ends:
            self._move(ends[key])
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        arriving = {Qt.FocusReason.TabFocusReason: 0, Qt.FocusReason.BacktabFocusReason: 1}
        self._current = arriving.get(event.reason(), self._current)
        self._show()

    def focusNextPrevChild(self, forward: bool) -> bool:
        """The Tab key stops at both handles."""
        if self._current != int(forward):
            self._current = int(forward)
            self._show()
            return True
        return super().focusNextPrevChild(forward)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        self.update()

    @unfailing()
    def paintEvent(self, event: QPaintEvent) -> None:
        colours = theme.tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        middle = self.height() / 2
        start, end = (self._x_of(fraction) for fraction in self._interval)
        for left, right, colour in (
            (self._x_of(0.0), self._x_of(1.0), colours.line),
            (start, end, colours.accent),
        ):
            painter.setBrush(QColor(colour))
            painter.drawRoundedRect(QRectF(left, middle - 2, right - left, 4), 2, 2)
        for index, x in enumerate((start, end)):
            chosen = index == self._current
            painter.setPen(QPen(QColor(colours.panel), 1))
            held = chosen and self._dragging
            painter.setBrush(QColor(colours.accent if held else colours.text))
            painter.drawEllipse(QPointF(x, middle), 6, 6)
            if chosen and self.hasFocus():
                painter.setPen(QPen(QColor(colours.accent), 2))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawEllipse(QPointF(x, middle), 8, 8)

    def _move(self, fraction: float) -> None:
        """Brings the chosen handle to the notch nearest to `fraction`, up to the other handle."""
        notches = self._notches()
        start, end = self._interval
        notch = 1 / notches
        low, high = (0.0, end - notch) if self._current == 0 else (start + notch, 1.0)
        reached = round(min(max(fraction, low), high) * notches)
        moved = min(max(reached, 0), notches) / notches
        interval = (moved, end) if self._current == 0 else (start, moved)
        if interval != self._interval and interval[0] <= interval[1]:
            self._interval = interval
            self._show()
            self.intervalChanged.emit(*interval)
        else:
            self.update()

    def _notches(self) -> int:
        return min(self._steps, MOST_NOTCHES)

    def _show(self) -> None:
        self.setAccessibleName(
            tr("Start of the guidance") if self._current == 0 else tr("End of the guidance")
        )
        self.setAccessibleDescription(self.words())
        self.update()

    def _x_of(self, fraction: float) -> float:
        return SIDE + fraction * (self.width() - 2 * SIDE)

    def _fraction_at(self, x: float) -> float:
        return (x - SIDE) / max(1, self.width() - 2 * SIDE)
