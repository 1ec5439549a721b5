"""The picture, large, while it develops. The main window shows it in the middle."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QImage,
    QPainter,
    QPaintEvent,
    QPen,
    QRadialGradient,
)
from PySide6.QtWidgets import QMenu, QSizePolicy, QWidget

from app import commands, theme
from app.i18n import tr
from app.unfailing import unfailing
from app.widgets.basic.calm_repaint import CalmRepaint
from app.widgets.basic.plain_label import plain_tooltip
from app.widgets.basic.rounded_picture import draw_rounded

MARGIN = 24
LAMP = 72
GLOW = 260


class PreviewCanvas(QWidget):
    """Shows the predicted picture or the noisy latents of a step as large as the place allows, or,
    without a picture, a hint of what to do. Where the chosen view has no picture, the other is
    shown."""

    saveRequested = Signal()
    copyRequested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("previewCanvas")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(200, 160)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._repaint = CalmRepaint(self)
        self._predicted: QImage | None = None
        self._noisy: QImage | None = None
        self._view = "predicted"
        self._caption = ""
        self._explanation = ""
        self._hint = ""
        self._asks_for_prompt = True
        self._enlarged: tuple[object, QImage] | None = None
        self.retranslate()

    def set_pictures(self, predicted: QImage | None, noisy: QImage | None) -> None:
        self._predicted, self._noisy = predicted, noisy
        self._repaint.ask()

    def set_view(self, view: str) -> None:
        """view: "predicted" or "noisy"."""
        self._view = view
        self.update()

    def set_caption(self, text: str) -> None:
        """One line that stands in the corner of the picture."""
        self._caption = text
        self._describe()
        self._repaint.ask()

    def set_explanation(self, text: str) -> None:
        """How the picture was made, for the tooltip and for screen readers; "" for nothing."""
        self._explanation = text
        self._describe()

    def set_abilities(self, abilities: frozenset[str]) -> None:
        """The hint asks for a prompt where the model has the ability "prompt"."""
        self._asks_for_prompt = "prompt" in abilities
        self.retranslate()
        self.update()

    def clear(self, hint: str) -> None:
        """Takes the picture away and shows `hint` in its place."""
        self._hint = hint
        self.set_caption("")
        self.set_explanation("")
        self.set_pictures(None, None)

    def retranslate(self) -> None:
        self.setAccessibleName(tr("Picture"))
        self._describe()
        self._hint = (
            tr("Type a prompt and press Generate: the picture appears here while it develops.")
            if self._asks_for_prompt
            else tr("Press Generate: the picture appears here while it develops.")
        )

    @unfailing(QSize())
    def sizeHint(self) -> QSize:
        """Large enough that in a low window the timeline gives way first."""
        return QSize(480, 400)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction(commands.SAVE.plain_text, self.saveRequested.emit)
        menu.addAction(commands.COPY.plain_text, self.copyRequested.emit)
        for action in menu.actions():
            action.setEnabled(self._shown() is not None)
        menu.popup(event.globalPos())

    @unfailing()
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), QColor(theme.tokens().background))
        picture = self._shown()
        if picture is None:
            self._paint_hint(painter)
        else:
            target = self._target(picture)
            draw_rounded(painter, target, self._at_size(picture, target.size().toSize()), 6)
            if self._caption:
                self._paint_caption(painter, target)
        if self.hasFocus():
            painter.setPen(QPen(QColor(theme.tokens().accent), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(4.5, 4.5, -4.5, -4.5), 6, 6)

    def _describe(self) -> None:
        tooltip = tr("The picture as it develops. The right button saves or copies it.")
        if self._explanation:
            tooltip = plain_tooltip(f"{tooltip}\n{self._explanation}")
        self.setToolTip(tooltip)
        lines = filter(None, (self._caption, self._explanation))
        self.setAccessibleDescription("\n".join(lines))

    def _shown(self) -> QImage | None:
        first, second = self._predicted, self._noisy
        if self._view == "noisy":
            first, second = second, first
        picture = first if first is not None else second
        return None if picture is None or picture.isNull() else picture

    def _target(self, picture: QImage) -> QRectF:
        place = QRectF(self.rect()).adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN)
        size = picture.size().scaled(place.size().toSize(), Qt.AspectRatioMode.KeepAspectRatio)
        left = round(place.center().x() - size.width() / 2)
        top = round(place.center().y() - size.height() / 2)
        return QRectF(left, top, size.width(), size.height())

    def _at_size(self, picture: QImage, size: QSize) -> QImage:
        """`picture` in the device pixels of `size`, kept until one of them changes."""
        pixels = size * self.devicePixelRatioF()
        blocky = picture is self._noisy
        key = (picture.cacheKey(), pixels.width(), pixels.height(), blocky)
        if self._enlarged is None or self._enlarged[0] != key:
            self._enlarged = (key, scaled(picture, pixels, blocky=blocky))
        return self._enlarged[1]

    def _paint_caption(self, painter: QPainter, target: QRectF) -> None:
        room = self.width() - 2 * MARGIN
        text = self.fontMetrics().elidedText(self._caption, Qt.TextElideMode.ElideRight, room - 24)
        width = self.fontMetrics().horizontalAdvance(text) + 24
        height = self.fontMetrics().height() + 11
        fits = width + 24 <= target.width()
        left = target.left() + 12 if fits else target.center().x() - width / 2
        pill = QRectF(left, target.bottom() - 12 - height, width, height)
        painter.setPen(QColor(255, 255, 255, 30))
        painter.setBrush(QColor(20, 20, 20, 205))
        painter.drawRoundedRect(pill, height / 2, height / 2)
        painter.setPen(QColor(theme.DARK.text))
        painter.drawText(pill, Qt.AlignmentFlag.AlignCenter, text)

    def _paint_hint(self, painter: QPainter) -> None:
        colours = theme.tokens()
        middle = QPointF(self.rect().center()) - QPointF(0, 40)
        light = QRadialGradient(middle + QPointF(0, 18), GLOW)
        for stop in range(9):
            colour = QColor(colours.accent)
            colour.setAlphaF(0.24 * (1 - stop / 8) ** 3)
            light.setColorAt(stop / 8, colour)
        painter.fillRect(self.rect(), light)
        lamp = theme.pixmap("lamp", QSize(LAMP, LAMP), colours.accent, self.devicePixelRatioF())
        painter.drawPixmap(middle - QPointF(LAMP / 2, LAMP / 2), lamp)
        painter.setPen(QColor(colours.muted))
        width = min(340, self.width() - 2 * MARGIN)
        words = QRectF(middle.x() - width / 2, middle.y() + LAMP / 2 + 22, width, 120)
        top = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop
        painter.drawText(words, int(top | Qt.TextFlag.TextWordWrap), self._hint)


def scaled(picture: QImage, size: QSize, *, blocky: bool = False) -> QImage:
    """`picture` at `size` pixels. blocky keeps every latent visible as a square; otherwise the
    picture is doubled again and again, which is rounder than one bilinear step to a large size."""
    if blocky:
        return picture.scaled(size)
    while picture.width() * 2 <= size.width() and picture.height() * 2 <= size.height():
        picture = picture.scaled(
            picture.size() * 2, mode=Qt.TransformationMode.SmoothTransformation
        )
    return picture.scaled(size, mode=Qt.TransformationMode.SmoothTransformation)
