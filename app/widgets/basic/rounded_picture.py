"""Draws a picture into a rectangle with rounded corners. The canvas, the timeline and the gallery
paint their pictures with it."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QBrush, QImage, QPainter, QTransform


def draw_rounded(painter: QPainter, target: QRectF, picture: QImage, radius: float) -> None:
    """Fills `target` (logical pixels) with `picture`: the whole of it when the shapes agree, else
    its middle. The corners are smooth, which a clip path would not give."""
    if picture.isNull() or target.isEmpty():
        return
    scale = max(target.width() / picture.width(), target.height() / picture.height())
    left = target.center().x() - picture.width() * scale / 2
    top = target.center().y() - picture.height() * scale / 2
    brush = QBrush(picture)
    brush.setTransform(QTransform(scale, 0, 0, scale, left, top))
    painter.setRenderHints(
        QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform
    )
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(brush)
    painter.drawRoundedRect(target, radius, radius)
