"""What went wrong, in one line that can be put away. The main window shows it over the canvas."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleEvent, QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QWidget

from app.i18n import tr
from app.widgets.icon_button import IconButton
from app.widgets.plain_label import PlainLabel

MOST_LINES = 6


class ErrorBar(QFrame):
    """Hidden while there is nothing to say. Escape or its button puts it away; the words can be
    selected and are never read as markup."""

    dismissed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("errorBar")
        self._text = PlainLabel("alarm")
        self._text.setObjectName("errorText")
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
        self._dismiss = IconButton("close", bare=True)
        self._dismiss.setObjectName("dismissButton")
        self._escape = QShortcut(QKeySequence(Qt.Key.Key_Escape), self)
        self.hide()
        self.retranslate()

        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 7, 10, 7)
        layout.addWidget(self._room, 1)
        layout.addWidget(self._dismiss, 0, Qt.AlignmentFlag.AlignTop)

        self._dismiss.clicked.connect(self._put_away)
        self._escape.activated.connect(self._put_away)

    def show_error(self, text: str) -> None:
        """Shows `text`, in place of what was there. "" hides the bar."""
        self._text.setText(text)
        self._text.setAccessibleDescription(text)
        self.setVisible(bool(text))
        self._fit()
        if text:
            QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.Alert))

    def clear(self) -> None:
        self.show_error("")

    def retranslate(self) -> None:
        self.setAccessibleName(tr("Error"))
        self._text.setAccessibleName(tr("Error"))
        self._text.setToolTip(tr("Why there is no picture. The words can be selected and copied."))
        self._room.setAccessibleName(tr("Error"))
        self._dismiss.setAccessibleName(tr("Dismiss"))
        self._dismiss.setToolTip(tr("Put this message away (Escape). The picture stays as it is."))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        wanted = self._text.heightForWidth(self._room.viewport().width())
        most = MOST_LINES * self._text.fontMetrics().lineSpacing()
        self._room.setFixedHeight(min(max(wanted, 30), most))

    def _put_away(self) -> None:
        self.clear()
        self.dismissed.emit()
