"""A question that is answered with yes or no before something begins. `app.wiring` opens it over
the main window."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QMessageBox, QWidget

from app.harmless import harmless


class QuestionBox(QMessageBox):
    """It is gone when it is answered; Escape means no. yes, no: the words on its buttons."""

    answered = Signal(bool)

    def __init__(self, title: str, question: str, yes: str, no: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("questionBox")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(title)
        self.setIcon(QMessageBox.Icon.Question)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setText(title)
        self.setInformativeText(harmless(question, lines=True))
        self._yes = self.addButton(yes, QMessageBox.ButtonRole.AcceptRole)
        refuse = self.addButton(no, QMessageBox.ButtonRole.RejectRole)
        self.setDefaultButton(refuse)
        self.setEscapeButton(refuse)
        self.finished.connect(self._answer)

    def _answer(self) -> None:
        self.answered.emit(self.clickedButton() is self._yes)
