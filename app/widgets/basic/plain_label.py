"""A label that shows its text letter by letter: markup as it is typed, signs that would turn a line
round spelt out; and the same for tooltips. Every widget that shows words uses it: prompts, paths
and errors may contain anything."""

from __future__ import annotations

import html

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QWidget

from app.harmless import harmless
from app.unfailing import unfailing

TOOLTIP_LENGTH = 600


class PlainLabel(QLabel):
    """role: "caption", "note", "title", "alarm" or "", what the style sheet goes by. An elided
    label stays on one line and ends in "…" where the place does not suffice."""

    def __init__(
        self, role: str = "", *, elided: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._elided = elided
        self.setProperty("role", role)
        self.setTextFormat(Qt.TextFormat.PlainText)

    def setText(self, text: str) -> None:
        super().setText(harmless(text, lines=True))

    @unfailing(QSize())
    def minimumSizeHint(self) -> QSize:
        hint = super().minimumSizeHint()
        return QSize(0, hint.height()) if self._elided else hint

    @unfailing()
    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._elided:
            super().paintEvent(event)
            return
        line = " ".join(self.text().split())
        shown = self.fontMetrics().elidedText(line, Qt.TextElideMode.ElideRight, self.width())
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(self.contentsRect(), self.alignment(), shown)


def plain_tooltip(text: str) -> str:
    """`text` for a tooltip, which would guess at markup; wrapped, and cut when it is very long."""
    cut = text if len(text) <= TOOLTIP_LENGTH else text[:TOOLTIP_LENGTH] + "…"
    return f"<p style='white-space: pre-wrap'>{html.escape(harmless(cut, lines=True))}</p>"
