"""Paints the timeline strip: the guidance curve of one row, the rows, and the lines from a run to
its branches. The strip makes a painter of this kind for every paint event."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen

from app import theme
from app.i18n import tr
from app.widgets.runs.strip_geometry import ROW_GAP, ROW_HEIGHT, RowStack, StripGeometry, stretches
from app.widgets.runs.strip_rows import RADIUS, StripRow, StripRows, StripStep

GUTTER = 100
SIDE = 16
CURVE_TOP, CURVE_HEIGHT = 16, 24
LEAST_SPAN = 6.0
TICK = 4.0
PIECE = 50
LEFT_MIDDLE = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


def geometry_of(row: StripRow, width: float) -> StripGeometry:
    """Where the steps of `row` stand in a strip of `width` logical pixels."""
    return StripGeometry(row.total, GUTTER, max(1.0, width - GUTTER - SIDE))


@dataclass(frozen=True)
class StripPainter:
    """width: of the strip; row, step: what is selected in it, step -1 for none."""

    painter: QPainter
    rows: StripRows
    stack: RowStack
    width: float
    row: StripRow | None
    step: int

    def paint_rows(self) -> None:
        """Every row of which something is in sight, with its connector and its name."""
        bottom = self.painter.device().height()
        for row in self.rows:
            self._paint_connector(row)
        for position, row in enumerate(self.rows):
            top = self.stack.row_top(position)
            if self.stack.first - ROW_HEIGHT < top < bottom:
                self._paint_name(row, top)
                geometry = geometry_of(row, self.width)
                for column in range(geometry.column_of(row.fork), geometry.columns):
                    self._paint_column(row, geometry, column, top)

    def paint_curve(self, row: StripRow) -> None:
        """The guidance of every step that is done, pale where the parent did it, and dashed what is
        planned for those to come: the same on and on where there is no plan."""
        before, own = _scales(self.rows.inherited(row)), _scales(row.steps)
        done = [*before, *own]
        last, level = done[-1] if done else (-1, None)
        plan = (*row.plan, *[level] * (row.total - len(row.plan)))
        # The pieces touch: the next one begins where the one before it ends.
        pale = [*before, *own[:1]] if before else []
        coming = [*done[-1:], *((index, plan[index]) for index in range(last + 1, row.total))]
        scales = [scale for _, scale in (*pale, *own, *coming) if scale is not None]
        if not scales:
            return
        low, high = min(scales), max(scales)
        span = max(LEAST_SPAN, high - low)
        base = (low + high - span) / 2
        geometry = geometry_of(row, self.width)

        def at(index: int, scale: float) -> QPointF:
            height = (scale - base) / span * CURVE_HEIGHT
            middle = geometry.x_of(index) - geometry.gap / 2  # over that of the thumbnail
            return QPointF(middle, CURVE_TOP + CURVE_HEIGHT - height)

        for curve, look in ((pale, "pale"), (coming, "dashed"), (own, "")):
            for stretch in stretches(curve):
                self._paint_stretch([at(*point) for point in stretch], look)
        scale = dict(own).get(self.step) if row is self.row else None
        if scale is not None:
            self.painter.setPen(Qt.PenStyle.NoPen)
            self.painter.setBrush(QColor(theme.tokens().accent))
            self.painter.drawEllipse(at(self.step, scale), 3.5, 3.5)

    def paint_curve_name(self) -> None:
        self.painter.setPen(QColor(theme.tokens().muted))
        place = QRectF(SIDE, CURVE_TOP - 6, GUTTER - SIDE, CURVE_HEIGHT + 12)
        self.painter.drawText(place, LEFT_MIDDLE, tr("Guidance"))

    def _paint_stretch(self, points: list[QPointF], look: str) -> None:
        colour = QColor(theme.tokens().accent)
        colour.setAlphaF(0.45 if look == "pale" else 1.0)
        if len(points) > 1:
            pen = QPen(colour, 1.6)
            if look == "dashed":
                pen.setDashPattern([1.5, 2.5])
            self.painter.setPen(pen)
            self.painter.setBrush(Qt.BrushStyle.NoBrush)
            # In short pieces: Qt takes five times as long for a thousand points in one.
            for first in range(0, len(points) - 1, PIECE):
                self.painter.drawPolyline(points[first : first + PIECE + 1])
        elif look != "dashed":
            self.painter.setPen(Qt.PenStyle.NoPen)
            self.painter.setBrush(colour)
            self.painter.drawEllipse(points[0], 1.2, 1.2)

    def _paint_name(self, row: StripRow, top: int) -> None:
        colours = theme.tokens()
        self.painter.setPen(QColor(colours.text if row is self.row else colours.muted))
        place = QRectF(SIDE, top, GUTTER - SIDE - 8, ROW_HEIGHT)
        line = self.painter.fontMetrics().elidedText(
            " ".join(row.label.split()), Qt.TextElideMode.ElideRight, int(place.width())
        )
        self.painter.drawText(place, LEFT_MIDDLE, line)

    def _paint_connector(self, row: StripRow) -> None:
        """From the step that the branch starts after to its first own one; past the rows in between
        it runs in the gap between two columns."""
        parent = self.rows.get(row.parent)
        if parent is None:
            return
        geometry, position = geometry_of(row, self.width), self.rows.position(row)
        own = self._frame(geometry, geometry.column_of(row.fork), self.stack.row_top(position))
        above = self.rows.position(parent)
        column = geometry.column_of(max(row.fork - 1, 0))
        origin = self._frame(geometry, column, self.stack.row_top(above))
        start = QPointF(origin.center().x(), origin.bottom() + 1)
        end = QPointF(own.left() - 1, own.center().y())
        path = QPainterPath()
        if row.fork and above + 1 == position:
            path.moveTo(start)
            if start.x() < end.x():
                path.quadTo(QPointF(start.x(), end.y()), end)
            else:  # a long run: both steps stand in the same column
                path.lineTo(start.x(), own.top() - 1)
        else:
            lane = own.left() - geometry.gap / 2
            if row.fork:
                path.moveTo(start)
                below = start.y() + ROW_GAP
                path.cubicTo(start.x(), below, lane, start.y(), lane, below)
            else:  # it keeps no step of its parent: the line comes from the row, not from a step
                path.moveTo(origin.left() - 1, origin.center().y())
                path.lineTo(lane, origin.center().y())
            path.lineTo(lane, end.y())
            path.lineTo(end)
        self.painter.setPen(QPen(QColor(theme.tokens().muted), 1.2))
        self.painter.setBrush(Qt.BrushStyle.NoBrush)
        self.painter.drawPath(path)

    def _paint_column(self, row: StripRow, geometry: StripGeometry, column: int, top: int) -> None:
        """The selected step of a column, or its latest, or an empty frame; a tick over it where
        something was changed."""
        steps = geometry.steps_of(column)
        selected = row is self.row and self.step in steps
        index = self.step if selected else max(row.steps.keys() & set(steps), default=-1)
        frame = self._frame(geometry, column, top)
        colours = theme.tokens()
        if step := row.steps.get(index):
            ratio = self.painter.device().devicePixelRatioF()
            self.painter.drawPixmap(frame.topLeft(), step.tile(frame.size().toSize(), ratio))
        else:
            self.painter.setPen(Qt.PenStyle.NoPen)
            self.painter.setBrush(QColor(colours.hover))
            self.painter.drawRoundedRect(frame, RADIUS, RADIUS)
        if selected:
            self.painter.setPen(QPen(QColor(colours.accent), 2))
            self.painter.setBrush(Qt.BrushStyle.NoBrush)
            self.painter.drawRoundedRect(frame.adjusted(-2, -2, 2, 2), 5.5, 5.5)
        if row.marks.keys() & set(steps):
            middle = frame.center().x()
            self.painter.setPen(Qt.PenStyle.NoPen)
            self.painter.setBrush(QColor(colours.accent))
            tick = ((middle - TICK, top - 7), (middle + TICK, top - 7), (middle, top - 2))
            self.painter.drawPolygon([QPointF(*corner) for corner in tick])

    def _frame(self, geometry: StripGeometry, column: int, top: int) -> QRectF:
        """On whole pixels: thumbnails stay sharp."""
        left = round(geometry.column_left(column))
        return QRectF(left, top, max(1, round(geometry.slot - geometry.gap)), ROW_HEIGHT)


def _scales(steps: dict[int, StripStep]) -> list[tuple[int, float | None]]:
    return [(index, step.guidance_scale) for index, step in sorted(steps.items())]
