"""What went wrong, in one line that can be put away. The main window shows it over the canvas."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from app import commands
from app.i18n import tr
from app.widgets.basic.command_actions import ButtonLink, CommandActions
from app.widgets.basic.icon_button import IconButton
from app.widgets.basic.selectable_text import SelectableText

LEAST = 30


class ErrorBar(QFrame):
    """Shown while there is something to say. Escape or its button puts it away; the words can be
    selected, and are shown as they are, markup too."""

    dismissed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("errorBar")
        self._words = SelectableText("errorText", "alarm", LEAST)
        self._dismiss = IconButton(commands.DISMISS.icon, bare=True)
        self._dismiss.setObjectName("dismissButton")
        self._action = CommandActions(self).adopt(commands.DISMISS, self)
        self.hide()
        self.retranslate()

        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 7, 10, 7)
        layout.addWidget(self._words, 1)
        layout.addWidget(self._dismiss, 0, Qt.AlignmentFlag.AlignTop)

        ButtonLink(self._dismiss, self._action)
        self._action.triggered.connect(self._put_away)

    def show_error(self, text: str) -> None:
        """Shows `text`, in place of what was there. "" hides the bar."""
        self.setVisible(bool(text))
        self._words.set_text(text)
        if text:
            QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.Alert))

    def clear(self) -> None:
        self.show_error("")

    def retranslate(self) -> None:
        self.setAccessibleName(tr("Error"))
        self._words.set_name(
            tr("Error"), tr("Why there is no picture. The words can be selected and copied.")
        )
        self._action.retranslate()
        self._dismiss.setAccessibleName(self._action.iconText())

    def _put_away(self) -> None:
        self.clear()
        self.dismissed.emit()
