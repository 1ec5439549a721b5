"""The steps of a run as small pictures, under the curve of the guidance where the model can be
guided. The main window shows it under the canvas."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
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
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app import theme
from app.i18n import tr
from app.widgets.calm_repaint import CalmRepaint
from app.widgets.plain_label import plain_tooltip
from app.widgets.rounded_picture import draw_rounded
from app.widgets.strip_geometry import MAX_SLOT, StripGeometry, corners

GUTTER = 84
SIDE = 16
CURVE_TOP, CURVE_HEIGHT = 16, 24
STRIP_HEIGHT, STRIP_BOTTOM = 46, 14
GUIDED_HEIGHT, HEIGHT = 114, 76
LEAST_SPAN = 6.0


@dataclass(frozen=True)
class StripStep:
    """A step as the strip keeps it: a thumbnail and the guidance scale it was made with, if any."""

    picture: QImage
    guidance_scale: float | None


class TimelineStrip(QWidget):
    """Click, drag, the arrow keys, Home and End select a step that is there already; a run may have
    1 to 1000 steps, counted from 0, and a long one need not show them all."""

    stepSelected = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("timelineStrip")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._repaint = CalmRepaint(self)
        self._guided = True
        self.set_guided(True)
        self._total = 0
        self._steps: dict[int, StripStep] = {}
        self._selected = -1
        self.retranslate()

    def set_guided(self, guided: bool) -> None:
        """Whether the curve of the guidance stands above the steps."""
        self._guided = guided
        self.setFixedHeight(GUIDED_HEIGHT if guided else HEIGHT)
        self.update()

    def start_run(self, total: int) -> None:
        """Empty frames for the `total` steps of a new run."""
        self._total = total
        self._steps.clear()
        self.set_selected(-1)

    def add_step(self, index: int, picture: QImage, guidance_scale: float | None) -> None:
        """guidance_scale: None where the model cannot be guided."""
        side = round(MAX_SLOT * self.devicePixelRatioF())
        small = picture.scaled(
            side,
            side,
            Qt.AspectRatioMode.KeepAspectRatioByExpanding,
            Qt.TransformationMode.SmoothTransformation,
        )
        self._steps[index] = StripStep(small, guidance_scale)
        self._repaint.ask()

    def set_selected(self, index: int) -> None:
        """Rings the step `index`; -1 for none."""
        self._selected = index
        self.retranslate()
        self._repaint.ask()

    def clear(self) -> None:
        self.start_run(0)

    def retranslate(self) -> None:
        self.setToolTip(tr("The steps of the run: choose one to see the picture as it was there."))
        self.setAccessibleName(
            tr("Timeline, step {step} of {total}", step=self._selected + 1, total=self._total)
            if self._selected >= 0
            else tr("Timeline")
        )

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._select_at(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._select_at(event.position().x())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        moves = {
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_PageUp: -10,
            Qt.Key.Key_PageDown: 10,
            Qt.Key.Key_Home: -self._total,
            Qt.Key.Key_End: self._total,
        }
        move = moves.get(Qt.Key(event.key()))
        if move is None:
            super().keyPressEvent(event)
        else:
            self._step_by(move)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip and self._total:
            index = self._geometry().index_at(event.pos().x())
            words = tr("Step {step} of {total}", step=index + 1, total=self._total)
            step = self._steps.get(index)
            if step and step.guidance_scale is not None:
                words += tr(" · guidance {scale}", scale=f"{step.guidance_scale:g}")
            QToolTip.showText(event.globalPos(), plain_tooltip(words), self)
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), QColor(theme.tokens().panel))
        if self._total:
            geometry = self._geometry()
            self._paint_names(painter)
            if self._guided:
                self._paint_curve(painter, geometry)
            for column in range(geometry.columns):
                self._paint_column(painter, geometry, column)
        else:
            painter.setPen(QColor(theme.tokens().muted))
            hint = tr("Every step of a run appears here.")
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, hint)
        if self.hasFocus():
            painter.setPen(QPen(QColor(theme.tokens().accent), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(4.5, 4.5, -4.5, -4.5), 6, 6)

    def _paint_names(self, painter: QPainter) -> None:
        font = painter.font()
        font.setPointSizeF(QFontInfo(font).pointSizeF() * 0.92)
        painter.setFont(font)
        painter.setPen(QColor(theme.tokens().muted))
        middle = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        names = [(self._strip_top(), STRIP_HEIGHT, tr("Steps"))]
        if self._guided:
            names.append((CURVE_TOP - 6, CURVE_HEIGHT + 12, tr("Guidance")))
        for top, height, name in names:
            painter.drawText(QRectF(SIDE, top, GUTTER - SIDE, height), middle, name)

    def _paint_curve(self, painter: QPainter, geometry: StripGeometry) -> None:
        """The guidance of every step that is done, and dashed where it stands for those to come."""
        curve = corners(
            (index, step.guidance_scale)
            for index, step in self._steps.items()
            if step.guidance_scale is not None
        )
        if not curve:
            return
        low, high = min(scale for _, scale in curve), max(scale for _, scale in curve)
        span = max(LEAST_SPAN, high - low)
        bottom = (low + high - span) / 2

        def at(index: int, scale: float) -> QPointF:
            height = (scale - bottom) / span * CURVE_HEIGHT
            return QPointF(geometry.x_of(index), CURVE_TOP + CURVE_HEIGHT - height)

        done = [at(index, scale) for index, scale in curve]
        accent = QColor(theme.tokens().accent)
        pen = QPen(accent, 1.6)
        painter.setPen(pen)
        painter.drawPolyline(done)
        pen.setDashPattern([1.5, 2.5])
        painter.setPen(pen)
        painter.drawLine(done[-1], QPointF(geometry.x_of(self._total - 1), done[-1].y()))
        step = self._steps.get(self._selected)
        if step and step.guidance_scale is not None:
            point = at(self._selected, step.guidance_scale)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(accent)
            painter.drawEllipse(point, 3.5, 3.5)

    def _paint_column(self, painter: QPainter, geometry: StripGeometry, column: int) -> None:
        """The selected step of a column, or its latest, or an empty frame."""
        steps = geometry.steps_of(column)
        selected = self._selected in steps
        index = self._selected if selected else max(self._steps.keys() & set(steps), default=-1)
        width = geometry.slot - min(6.0, geometry.slot / 7)
        frame = QRectF(geometry.column_left(column), self._strip_top(), width, STRIP_HEIGHT)
        colours = theme.tokens()
        painter.setPen(Qt.PenStyle.NoPen)
        if step := self._steps.get(index):
            draw_rounded(painter, frame, step.picture, 4)
        else:
            painter.setBrush(QColor(colours.hover))
            painter.drawRoundedRect(frame, 4, 4)
        if selected:
            painter.setPen(QPen(QColor(colours.accent), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(frame.adjusted(-2, -2, 2, 2), 5.5, 5.5)

    def _strip_top(self) -> int:
        return self.height() - STRIP_BOTTOM - STRIP_HEIGHT

    def _geometry(self) -> StripGeometry:
        return StripGeometry(self._total, GUTTER, max(1.0, self.width() - GUTTER - SIDE))

    def _select_at(self, x: float) -> None:
        """Goes to the step nearest to x among those that are there."""
        if self._steps:
            index = self._geometry().index_at(x)
            self._select(min(self._steps, key=lambda there: abs(there - index)))

    def _step_by(self, move: int) -> None:
        """Goes `move` steps on among those that are there, back where it is negative."""
        if self._steps:
            there = sorted(self._steps)
            position = there.index(self._selected) if self._selected in self._steps else -1
            self._select(there[min(max(position + move, 0), len(there) - 1)])

    def _select(self, index: int) -> None:
        if index != self._selected:
            self.set_selected(index)
            self.stepSelected.emit(index)
