"""A few lines of text that can be selected, is never markup, and scrolls where there is too much.
The error bar and the notices show their words in it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QScrollArea, QWidget

from app.widgets.basic.plain_label import PlainLabel

MOST_LINES = 6


class SelectableText(QScrollArea):
    """name: the objectName of its label; role: see PlainLabel; least: pixels of its height."""

    def __init__(self, name: str, role: str, least: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._least = least
        self.label = PlainLabel(role)
        self.label.setObjectName(name)
        self.label.setWordWrap(True)
        self.label.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.label.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidget(self.label)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def set_text(self, text: str) -> None:
        self.label.setText(text)
        self.label.setAccessibleDescription(text)
        self.fit()

    def set_name(self, name: str, tooltip: str) -> None:
        """What the words are, for those who do not see them."""
        self.setAccessibleName(name)
        self.label.setAccessibleName(name)
        self.label.setToolTip(tooltip)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.fit()

    def fit(self) -> None:
        """As tall as the words, within limits."""
        wanted = self.label.heightForWidth(self.viewport().width())
        most = MOST_LINES * self.label.fontMetrics().lineSpacing()
        self.setFixedHeight(min(max(wanted, self._least), most))
