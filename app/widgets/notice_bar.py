"""A sentence over the canvas with one or two things to do about it. The main window shows one for
what waits since the last session, one for pictures that cannot be written, and one for settings
that were taken from a file."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleEvent, QResizeEvent
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QPushButton, QScrollArea, QWidget

from app.i18n import tr
from app.widgets.plain_label import PlainLabel

MOST_LINES = 6


class NoticeBar(QFrame):
    """Hidden while there is nothing to say; the words can be selected and are never markup. name:
    what the objectNames begin with; ways: how many things there are to do, 1 or 2."""

    firstChosen = Signal()
    secondChosen = Signal()

    def __init__(self, name: str, ways: int = 1, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(f"{name}Bar")
        self.setProperty("notice", True)
        self._text = PlainLabel()
        self._text.setObjectName(f"{name}Text")
        self._text.setWordWrap(True)
        self._text.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self._text.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._room = QScrollArea()
        self._room.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._room.setWidget(self._text)
        self._room.setWidgetResizable(True)
        self._room.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._buttons = tuple(QPushButton() for _ in range(ways))
        for button, which in zip(self._buttons, ("First", "Second"), strict=False):
            button.setObjectName(f"{name}{which}Button")
        self.hide()

        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 8, 12, 8)
        layout.setSpacing(8)
        layout.addWidget(self._room, 1)
        for button, chosen in zip(
            self._buttons, (self.firstChosen, self.secondChosen), strict=False
        ):
            button.setAutoDefault(True)
            layout.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
            button.clicked.connect(chosen)

    def set_words(self, name: str, *ways: tuple[str, str]) -> None:
        """name: what the notice is about; ways: label and tooltip of each thing to do."""
        self.setAccessibleName(name)
        self._text.setAccessibleName(name)
        self._text.setToolTip(tr("The words can be selected and copied."))
        self._room.setAccessibleName(name)
        for button, (label, tooltip) in zip(self._buttons, ways, strict=True):
            button.setText(label)
            button.setAccessibleName(label)
            button.setToolTip(tooltip)

    def set_notice(self, text: str) -> None:
        """Shows `text`, in place of what was there. "" hides the bar."""
        new = bool(text) and text != self._text.text()
        self._text.setText(text)
        self._text.setAccessibleDescription(text)
        focused = QApplication.focusWidget()
        if not text and focused is not None and self.isAncestorOf(focused):
            self.focusNextChild()
        self.setVisible(bool(text))
        self._fit()
        if new:
            QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.Alert))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        wanted = self._text.heightForWidth(self._room.viewport().width())
        most = MOST_LINES * self._text.fontMetrics().lineSpacing()
        self._room.setFixedHeight(min(max(wanted, self._buttons[0].sizeHint().height()), most))
