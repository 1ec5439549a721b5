"""A button of words alone, without a frame. The guidance panel and the prompt panel use it."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontInfo, QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from app import theme
from app.unfailing import unfailing

SIDE, RISE = 7, 2
ARROW, GAP = 8, 6


class FlatButton(QAbstractButton):
    """arrow: it opens something under it and is checked while that is open. set_accent gives it the
    colour of the lamp."""

    def __init__(self, *, arrow: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._arrow = arrow
        self._accent = False
        self.setCheckable(arrow)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)

    def set_accent(self, accent: bool) -> None:
        self._accent = accent
        self.update()

    @unfailing(QSize())
    def sizeHint(self) -> QSize:
        metrics = QFontMetrics(self._small())
        width = metrics.horizontalAdvance(self.text()) + (GAP + ARROW if self._arrow else 0)
        return QSize(width + 2 * SIDE, metrics.height() + 2 * RISE)

    @unfailing(QSize())
    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    @unfailing()
    def paintEvent(self, event: QPaintEvent) -> None:
        colours = theme.tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        if self.isEnabled() and (self.underMouse() or self.isDown()):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.line if self.isDown() else colours.hover))
            painter.drawRoundedRect(frame, 4, 4)
        if self.hasFocus():
            painter.setPen(QPen(QColor(colours.accent), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(frame, 4, 4)
        ink = QColor(self._ink())
        painter.setFont(self._small())
        painter.setPen(ink)
        words = QRectF(self.rect()).adjusted(SIDE, 0, -SIDE, 0)
        painter.drawText(
            words, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, self.text()
        )
        if self._arrow:
            painter.setPen(QPen(ink, 1.5, c=Qt.PenCapStyle.RoundCap, j=Qt.PenJoinStyle.RoundJoin))
            middle = QPointF(words.right() - ARROW / 2, words.center().y())
            rise = -2 if self.isChecked() else 2
            painter.drawPolyline(
                [
                    middle + QPointF(x, y)
                    for x, y in ((-ARROW / 2, -rise), (0, rise), (ARROW / 2, -rise))
                ]
            )

    def _ink(self) -> str:
        colours = theme.tokens()
        if not self.isEnabled():
            return colours.faint
        if self._accent:
            return colours.accent
        return colours.text if self.underMouse() else colours.muted

    def _small(self) -> QFont:
        font = QFont(self.font())
        font.setPointSizeF(QFontInfo(font).pointSizeF() * 0.92)
        return font
