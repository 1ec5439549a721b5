"""How the plot of a guidance curve looks. The curve editor paints itself with it."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontInfo, QPainter, QPainterPath, QPen

from app import theme
from app.widgets.recipe.curve_geometry import CurveGeometry


@dataclass(frozen=True)
class CurvePlot:
    """frame: the whole plot, in logical pixels; interval: the fractions of the run between which
    guidance acts; current: the point that is ringed and told with `words`, None for no such point;
    focused: whether the frame is lit."""

    geometry: CurveGeometry
    frame: QRectF
    interval: tuple[float, float]
    current: int | None
    words: str
    focused: bool

    def paint(self, painter: QPainter) -> None:
        colours = theme.tokens()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        shape = QPainterPath()
        shape.addRoundedRect(self.frame.adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        painter.fillPath(shape, QColor(colours.background))
        painter.save()
        painter.setClipPath(shape)
        painter.fillRect(self._acting(), QColor(colours.raised))
        painter.restore()
        font = painter.font()
        font.setPointSizeF(QFontInfo(font).pointSizeF() * 0.85)
        painter.setFont(font)
        self._paint_scale(painter)
        self._paint_line(painter)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(colours.accent if self.focused else colours.line), 1))
        painter.drawPath(shape)
        self._paint_points(painter)
        if self.current is not None:
            self._paint_words(painter)

    def _acting(self) -> QRectF:
        """Where guidance acts; at the ends of the run, up to the frame."""
        start, end = self.interval
        left = self.geometry.x_of(start) if start > 0.0 else self.frame.left()
        right = self.geometry.x_of(end) if end < 1.0 else self.frame.right()
        return QRectF(left, self.frame.top(), right - left, self.frame.height())

    def _paint_scale(self, painter: QPainter) -> None:
        """Hairlines at the top, the middle and the bottom, and what the top stands for."""
        colours, area = theme.tokens(), self.geometry.area
        painter.setPen(QPen(QColor(colours.line), 1))
        for share in (0.0, 0.5, 1.0):
            y = round(area.top() + share * area.height()) + 0.5
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
        words, metrics = f"{self.geometry.top:g}", painter.fontMetrics()
        left = QRectF(area.left() + 8, area.top() + 1, 0, metrics.height())
        left.setWidth(metrics.horizontalAdvance(words) + 1)
        right = left.translated(area.width() - 16 - left.width(), 0)
        painter.setPen(QColor(colours.muted))
        painter.drawText(self._free(left, right), Qt.AlignmentFlag.AlignLeft, words)

    def _paint_line(self, painter: QPainter) -> None:
        """Over the whole run in the colour of what is off, and in the interval as it acts."""
        colours, line = theme.tokens(), self.geometry.line()
        painter.setPen(QPen(QColor(colours.faint), 1.6))
        painter.drawPolyline(line)
        painter.save()
        painter.setClipRect(self._acting())
        bottom = self.geometry.area.bottom()
        lit = QPainterPath(QPointF(line[0].x(), bottom))
        for place in (*line, QPointF(line[-1].x(), bottom)):
            lit.lineTo(place)
        glow = QColor(colours.accent)
        glow.setAlphaF(0.1)
        painter.fillPath(lit, glow)
        painter.setPen(QPen(QColor(colours.accent), 1.8))
        painter.drawPolyline(line)
        painter.restore()

    def _paint_points(self, painter: QPainter) -> None:
        colours = theme.tokens()
        start, end = self.interval
        for index, point in enumerate(self.geometry.points):
            place = self.geometry.place(point)
            painter.setPen(QPen(QColor(colours.background), 1))
            painter.setBrush(QColor(colours.text if start <= point[0] <= end else colours.muted))
            painter.drawEllipse(place, 4.5, 4.5)
            if index == self.current:
                painter.setPen(QPen(QColor(colours.accent), 2))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawEllipse(place, 7.5, 7.5)

    def _paint_words(self, painter: QPainter) -> None:
        """In a corner that the curve leaves free, a lower one if it can be."""
        colours, metrics, area = theme.tokens(), painter.fontMetrics(), self.geometry.area
        plate = QRectF(0, 0, metrics.horizontalAdvance(self.words) + 12, metrics.height() + 2)
        left, right = area.left(), area.right() - plate.width()
        high, low = area.top() - 2, area.bottom() + 2 - plate.height()
        corners = ((right, low), (left, low), (right, high), (left, high))
        plate = self._free(*(plate.translated(x, y) for x, y in corners))
        ground = QColor(colours.raised)
        ground.setAlphaF(0.85)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        painter.drawRoundedRect(plate, 4, 4)
        painter.setPen(QColor(colours.text))
        painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, self.words)

    def _free(self, *places: QRectF) -> QRectF:
        """The first corner that the curve stays out of, else the first of all."""
        line = self.geometry.line()
        return next((place for place in places if not any(map(place.contains, line))), places[0])
