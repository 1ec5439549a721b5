"""Two pictures over each other with a divider between them, or beside each other. The comparison of
two pictures shows it."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractSlider, QSizePolicy, QWidget

from app import theme
from app.i18n import tr
from app.unfailing import unfailing
from app.widgets.picture.preview_canvas import scaled

FINE = 1000
MARGIN = 12
KNOB = 13
WIDE_GAP = 12


class DividedPicture(QAbstractSlider):
    """A slider, so that arrow keys, Page Up, Page Down, Home and End move the divider and screen
    readers tell where it is: 0 shows the right picture alone, FINE the left one. Pictures of
    different sizes are made to fit the same place."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("compareDivider")
        self.setOrientation(Qt.Orientation.Horizontal)
        self.setRange(0, FINE)
        self.setSingleStep(FINE // 50)
        self.setPageStep(FINE // 10)
        self.setValue(FINE // 2)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(240, 160)
        self._pictures = (QImage(), QImage())
        self._beside = False
        self._fitted: dict[tuple[int, int, int], QImage] = {}
        self.set_beside(False)
        self.retranslate()

    def set_pictures(self, left: QImage, right: QImage) -> None:
        self._pictures = (left, right)
        self._fitted.clear()
        self.update()

    def set_beside(self, beside: bool) -> None:
        """Whether the pictures stand side by side, without a divider."""
        self._beside = beside
        self.setCursor(Qt.CursorShape.ArrowCursor if beside else Qt.CursorShape.SplitHCursor)
        self.update()

    def retranslate(self) -> None:
        self.setAccessibleName(tr("Divider"))
        self.setToolTip(
            tr("Move the divider, with the pointer or the arrow keys, to compare the two pictures.")
        )

    @unfailing(QSize())
    def sizeHint(self) -> QSize:
        return QSize(640, 420)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and not self._beside:
            self.setSliderDown(True)
            self._drag(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self.isSliderDown():
            self._drag(event.position().x())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.setSliderDown(False)
        self.update()

    @unfailing()
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(
            QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform
        )
        colours = theme.tokens()
        place = self.rect().adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN)
        left, right = self._pictures
        if self._beside:
            half = (place.width() - WIDE_GAP) // 2
            self._draw(painter, left, QRect(place.topLeft(), QSize(half, place.height())))
            place.setLeft(place.right() - half + 1)
            self._draw(painter, right, place)
        else:
            x = self._x_of_divider()
            for picture, start, end in ((left, 0, x), (right, x, self.width())):
                painter.setClipRect(QRectF(start, 0, end - start, self.height()))
                self._draw(painter, picture, place)
            painter.setClipping(False)
            self._draw_divider(painter, x)
        if self.hasFocus():
            painter.setPen(QPen(QColor(colours.accent), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)

    def _draw(self, painter: QPainter, picture: QImage, place: QRect) -> None:
        """As large as fits, in the middle of its place."""
        if picture.isNull() or place.isEmpty():
            return
        size = picture.size().scaled(place.size(), Qt.AspectRatioMode.KeepAspectRatio)
        pixels = size * self.devicePixelRatioF()
        key = (picture.cacheKey(), pixels.width(), pixels.height())
        if key not in self._fitted:
            if len(self._fitted) >= 2:
                self._fitted.clear()
            self._fitted[key] = scaled(picture, pixels)
        target = QRect(QRect().topLeft(), size)
        target.moveCenter(place.center())
        painter.drawImage(target, self._fitted[key])

    def _draw_divider(self, painter: QPainter, x: float) -> None:
        """Light with a dark edge: it is seen on every picture."""
        held = self.isSliderDown()
        light = QColor(theme.DARK.accent if held else theme.DARK.text)
        for width, colour in ((4, QColor(20, 20, 20, 160)), (2, light)):
            painter.setPen(QPen(colour, width))
            painter.drawLine(QPointF(x, MARGIN), QPointF(x, self.height() - MARGIN))
        middle = QPointF(x, self.height() / 2)
        painter.setPen(QPen(QColor(20, 20, 20, 160), 1))
        painter.setBrush(light)
        painter.drawEllipse(middle, KNOB, KNOB)
        painter.setPen(
            QPen(QColor("#141414"), 1.6, c=Qt.PenCapStyle.RoundCap, j=Qt.PenJoinStyle.RoundJoin)
        )
        for side in (-1, 1):
            tip = middle + QPointF(side * 7, 0)
            painter.drawPolyline([tip + QPointF(-side * 3, -4), tip, tip + QPointF(-side * 3, 4)])

    def _span(self) -> tuple[float, float]:
        """Where the divider goes from and to: the sides of the wider picture."""
        place = QSize(self.width() - 2 * MARGIN, self.height() - 2 * MARGIN)
        widths = [
            picture.size().scaled(place, Qt.AspectRatioMode.KeepAspectRatio).width()
            for picture in self._pictures
            if not picture.isNull()
        ]
        half = max(widths, default=place.width()) / 2
        return self.width() / 2 - half, self.width() / 2 + half

    def _x_of_divider(self) -> float:
        start, end = self._span()
        return start + (end - start) * self.value() / FINE

    def _drag(self, x: float) -> None:
        start, end = self._span()
        self.setValue(round((x - start) / max(1.0, end - start) * FINE))
        self.update()
