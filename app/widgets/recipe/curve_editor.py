"""The guidance over the run as a curve that is drawn by hand. The guidance panel shows it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app import wording
from app.i18n import tr
from app.unfailing import unfailing
from app.widgets.basic.plain_label import plain_tooltip
from app.widgets.recipe.curve_geometry import CurveGeometry, top_for
from app.widgets.recipe.curve_plot import CurvePlot
from app.widgets.recipe.curve_points import Point, Points, added, moved, removed, spanning

HEIGHT = 96
SIDE = 9
NUDGE, FINE_NUDGE = 0.5, 0.1

_REMOVE = (Qt.Key.Key_Delete, Qt.Key.Key_Backspace)
# Keyboards of some laptops have no Insert.
_ADD = (Qt.Key.Key_Insert, Qt.Key.Key_Plus)
_RISES = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1}
_GOES = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
_LEAPS = {Qt.Key.Key_Home: 0, Qt.Key.Key_End: -1}
_KEYS = {*_REMOVE, *_ADD, *_RISES, *_GOES, *_LEAPS}


class CurveEditor(QWidget):
    """Points are dragged, added with a press on the line or a double-click, and removed with a
    double-click; the first and the last stay at the ends of the run. Keys: Left and Right choose a
    point, Up and Down change its scale (Shift: finely), Ctrl+Left and Ctrl+Right move it, Insert
    adds one, Delete removes it. Without points the level line at the scale is shown."""

    curveChanged = Signal(tuple, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("guidanceCurve")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setFixedHeight(HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._points: Points = ()
        self._easing = "linear"
        self._scale = 7.5
        self._interval = (0.0, 1.0)
        self._steps = 20
        self._current = 0
        # The geometry at the press and how far beside its point that was: neither a plot that grows
        # nor a press that is not quite on the point may pull it away.
        self._grip: tuple[CurveGeometry, QPointF] | None = None
        # The first press of a double-click on the line adds the point; the second must not take it.
        self._just_added = False
        self.retranslate()

    def set_scale(self, scale: float) -> None:
        """The scale of the whole run while there are no points."""
        self._scale = scale
        self._show()

    def set_curve(self, points: Points, easing: str) -> None:
        """easing: "linear" or "cosine"."""
        if len(spanning(points, self._scale)) != len(self._shown()):
            self._grip = None
        self._points = tuple((float(fraction), float(scale)) for fraction, scale in points)
        self._easing = easing
        self._show()

    def set_interval(self, start: float, end: float) -> None:
        """The part of the run in which guidance acts; the rest of the curve is dimmed."""
        self._interval = (start, end)
        self.update()

    def set_steps(self, steps: int) -> None:
        """How many steps the run has, for the words and for how far a key moves a point."""
        self._steps = max(1, steps)
        self._show()

    def retranslate(self) -> None:
        self.setAccessibleName(wording.label("guidance_curve"))
        self.setToolTip(wording.tooltip("guidance_curve"))
        self._show()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        geometry, pointer = self._geometry(), event.position()
        index = geometry.point_at(pointer)
        self._just_added = False
        if index is not None:
            self._choose(index)
            self._take_hold(pointer)
        elif geometry.touches_line(pointer):
            fraction = geometry.fraction_at(pointer.x())
            self._just_added = self._add((fraction, geometry.scale_at(fraction)))
            if self._just_added:
                self._take_hold(pointer)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._grip is None or not event.buttons() & Qt.MouseButton.LeftButton:
            self._grip = None
            self._show_what_a_press_would_do(event.position())
        else:
            geometry, offset = self._grip
            place = event.position() + offset
            self._move((geometry.fraction_at(place.x()), geometry.scale_of(place.y())))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._grip = None
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        geometry, pointer = self._geometry(), event.position()
        index = geometry.point_at(pointer)
        if index is None:
            self._add((geometry.fraction_at(pointer.x()), geometry.scale_of(pointer.y())))
        elif not self._just_added:
            self._choose(index)
            self._remove()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, fraction, scale = Qt.Key(event.key()), *self._shown()[self._current]
        with_ctrl = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        with_shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if key in _RISES:
            self._move((fraction, scale + _RISES[key] * (FINE_NUDGE if with_shift else NUDGE)))
        elif key in _GOES and with_ctrl:
            self._move((fraction + _GOES[key] * stride(self._steps), scale))
        elif key in _GOES:
            self._choose(self._current + _GOES[key])
        elif key in _LEAPS:
            self._choose(_LEAPS[key] % len(self._shown()))
        elif key in _ADD:
            self._add_after()
        elif key in _REMOVE:
            self._remove()
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        # Without this a shortcut of the window, such as Delete, would take the key first.
        if (
            isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.ShortcutOverride
            and event.key() in _KEYS
        ):
            event.accept()
            return True
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            geometry, pointer = self._geometry(), QPointF(event.pos())
            index = geometry.point_at(pointer)
            fraction = geometry.fraction_at(pointer.x())
            point = (fraction, geometry.scale_at(fraction))
            words = self._words(geometry.points[index] if index is not None else point)
            QToolTip.showText(event.globalPos(), plain_tooltip(f"{words}\n{self.toolTip()}"), self)
            return True
        return super().event(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()

    @unfailing()
    def paintEvent(self, event: QPaintEvent) -> None:
        geometry, focused = self._geometry(), self.hasFocus()
        current = self._current if focused or self._grip is not None else None
        words = self._words(geometry.points[self._current])
        frame = QRectF(self.rect())
        CurvePlot(geometry, frame, self._interval, current, words, focused).paint(QPainter(self))

    def _geometry(self) -> CurveGeometry:
        points = self._shown()
        top = max(top_for(points), self._grip[0].top if self._grip else 0.0)
        area = QRectF(SIDE, 9, max(1, self.width() - 2 * SIDE), self.height() - 18)
        return CurveGeometry(points, self._easing, top, area)

    def _shown(self) -> Points:
        return spanning(self._points, self._scale)

    def _words(self, point: Point) -> str:
        fraction, scale = point
        return tr(
            "Step {step}: guidance {scale}",
            step=round(fraction * (self._steps - 1)) + 1,
            scale=f"{round(scale, 1):g}",
        )

    def _show(self) -> None:
        self._choose(self._current)

    def _choose(self, index: int) -> None:
        points = self._shown()
        self._current = min(max(index, 0), len(points) - 1)
        self.setAccessibleDescription(
            tr(
                "Point {number} of {count}. {words}",
                number=self._current + 1,
                count=len(points),
                words=self._words(points[self._current]),
            )
        )
        self.update()

    def _take_hold(self, pointer: QPointF) -> None:
        geometry = self._geometry()
        self._grip = geometry, geometry.place(geometry.points[self._current]) - pointer

    def _move(self, target: Point) -> None:
        self._draw(moved(self._shown(), self._current, target))

    def _add(self, point: Point) -> bool:
        """Whether there was room for it; the new point is the chosen one."""
        points, index = added(self._shown(), point)
        if index is None:
            return False
        self._current = index
        self._draw(points)
        return True

    def _add_after(self) -> None:
        points = self._shown()
        before = min(self._current, len(points) - 2)
        middle = (points[before][0] + points[before + 1][0]) / 2
        self._add((middle, self._geometry().scale_at(middle)))

    def _remove(self) -> None:
        self._draw(removed(self._shown(), self._current))

    def _draw(self, points: Points) -> None:
        """What a person did to the curve."""
        if points != self._shown():
            self._points = points
            self._show()
            self.curveChanged.emit(points, self._easing)

    def _show_what_a_press_would_do(self, pointer: QPointF) -> None:
        geometry = self._geometry()
        index = geometry.point_at(pointer)
        if index is not None:
            at_end = index in (0, len(geometry.points) - 1)
            self.setCursor(Qt.CursorShape.SizeVerCursor if at_end else Qt.CursorShape.SizeAllCursor)
        elif geometry.touches_line(pointer):
            self.setCursor(Qt.CursorShape.CrossCursor)
        else:
            self.unsetCursor()


def stride(steps: int) -> float:
    """How far an arrow key moves something along the run: a step, if that can be seen at all."""
    return min(max(1 / steps, 0.02), 0.1)
