"""A bar over the canvas that prepares one act: Vary and Compare."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QPushButton, QWidget

from app.i18n import tr
from app.widgets.basic.icon_button import IconButton


class ActionBar(QFrame):
    """Hidden at first. `start` does the act, as Enter does; `close_button` puts the bar away, as
    Escape does. name: "vary" or "compare", what its controls' names begin with."""

    closed = Signal()

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(f"{name}Bar")
        self.start = QPushButton()
        self.start.setObjectName(f"{name}StartButton")
        self.start.setEnabled(False)
        self.close_button = IconButton("close", bare=True)
        self.close_button.setObjectName(f"{name}CloseButton")
        for button in (self.start, self.close_button):
            button.setAutoDefault(True)
        self.hide()
        self.close_button.clicked.connect(self._put_away)

    def set_can_start(self, can_start: bool) -> None:
        """Whether the act is possible now."""
        self.start.setEnabled(can_start)

    def set_open(self, opened: bool) -> None:
        """Shows the bar, ready for the keyboard, or hides it."""
        self.setVisible(opened)
        if opened:
            self.first_control().setFocus()

    def first_control(self) -> QWidget:
        """Where the keyboard begins."""
        return self.start

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._put_away()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.start.click()
        else:
            super().keyPressEvent(event)

    def retranslate(self) -> None:
        self.close_button.setAccessibleName(tr("Close"))
        self.close_button.setToolTip(tr("Put this bar away (Escape). The picture stays as it is."))

    def _put_away(self) -> None:
        self.hide()
        self.closed.emit()
