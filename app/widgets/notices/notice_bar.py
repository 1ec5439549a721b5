"""A sentence over the canvas with one or two things to do about it. The main window shows one for
what waits since the last session, one for pictures that cannot be written, and one for what else
is worth a word."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleEvent
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QPushButton, QWidget

from app.i18n import tr
from app.widgets.basic.selectable_text import SelectableText


class NoticeBar(QFrame):
    """Shown while there is something to say; the words can be selected. name:
    what the objectNames begin with; ways: how many things there are to do, 1 or 2."""

    firstChosen = Signal()
    secondChosen = Signal()

    def __init__(self, name: str, ways: int = 1, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(f"{name}Bar")
        self._buttons = tuple(QPushButton() for _ in range(ways))
        for button, which in zip(self._buttons, ("First", "Second"), strict=False):
            button.setObjectName(f"{name}{which}Button")
            button.setAutoDefault(True)
        self._words = SelectableText(f"{name}Text", "", self._buttons[0].sizeHint().height())
        self._told = ""
        self.hide()

        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 8, 12, 8)
        layout.setSpacing(8)
        layout.addWidget(self._words, 1)
        for button in self._buttons:
            layout.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)

        for button, chosen in zip(
            self._buttons, (self.firstChosen, self.secondChosen), strict=False
        ):
            button.clicked.connect(chosen)

    def set_words(self, name: str, *ways: tuple[str, str]) -> None:
        """name: what the notice is about; ways: label and tooltip of each thing to do."""
        self.setAccessibleName(name)
        self._words.set_name(name, tr("The words can be selected and copied."))
        for button, (label, tooltip) in zip(self._buttons, ways, strict=True):
            button.setText(label)
            button.setAccessibleName(label)
            button.setToolTip(tooltip)

    def put_away(self) -> None:
        self.set_notice("")

    def set_notice(self, text: str) -> None:
        """Shows `text`, in place of what was there. "" hides the bar."""
        focused = QApplication.focusWidget()
        if not text and focused is not None and self.isAncestorOf(focused):
            self.focusNextChild()
        self.setVisible(bool(text))
        self._words.set_text(text)
        if text and text != self._told:
            QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.Alert))
        self._told = text
