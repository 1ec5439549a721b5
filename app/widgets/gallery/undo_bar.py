"""What was just put away, and the way back. The gallery panel shows it under the pictures."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QAccessible, QAccessibleEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from app import commands
from app.i18n import tr
from app.widgets.basic.flat_button import FlatButton
from app.widgets.basic.plain_label import PlainLabel


class UndoBar(QFrame):
    """Hidden while there is nothing to bring back."""

    undoRequested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._count = 0
        self._text = PlainLabel("note")
        self._text.setWordWrap(True)
        self._undo = FlatButton()
        self._undo.setObjectName("galleryUndoButton")
        self._undo.set_accent(True)
        self.hide()
        self.retranslate()

        layout = QHBoxLayout(self)
        layout.setContentsMargins(10, 6, 4, 6)
        layout.setSpacing(4)
        layout.addWidget(self._text, 1)
        layout.addWidget(self._undo)

        self._undo.clicked.connect(self.undoRequested)

    def set_count(self, count: int) -> None:
        """How many pictures can be brought back; 0 hides the bar."""
        self._count = count
        self._say()
        self.setVisible(count > 0)
        if count > 0:
            QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.Alert))

    def retranslate(self) -> None:
        self._undo.setText(commands.UNDO_TRASH.button_text)
        self._undo.setAccessibleName(commands.UNDO_TRASH.button_text)
        self._undo.setToolTip(commands.UNDO_TRASH.tooltip)
        self._say()

    def _say(self) -> None:
        words = tr("{count} pictures moved to the trash.", count=self._count)
        if self._count == 1:
            words = tr("1 picture moved to the trash.")
        self._text.setText(words)
        self.setAccessibleName(words)
