"""A few words about one picture. The gallery view opens it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.i18n import tr
from app.widgets.basic.on_screen import FittedDialog
from app.widgets.basic.plain_label import PlainLabel

LONGEST = 10_000
"""Characters of a note; what is longer is cut where it is kept."""


class NoteDialog(FittedDialog):
    """Ctrl+Enter keeps the note, Escape leaves it as it was. picture: which one it is about."""

    noteWritten = Signal(str)

    def __init__(self, picture: str, note: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("noteDialog")
        self._about = PlainLabel("caption", elided=True)
        self._about.setText(picture)
        self._edit = QPlainTextEdit()
        self._edit.setObjectName("noteEdit")
        self._edit.setTabChangesFocus(True)
        self._edit.setPlainText(note)
        self._cancel, self._keep = QPushButton(), QPushButton()
        self._cancel.setObjectName("noteCancelButton")
        self._keep.setObjectName("noteKeepButton")
        self._keep.setDefault(True)
        self.retranslate()

        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addStretch(1)
        foot.addWidget(self._cancel)
        foot.addWidget(self._keep)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 16, 18, 16)
        layout.setSpacing(10)
        layout.addWidget(self._about)
        layout.addWidget(self._edit, 1)
        layout.addLayout(foot)
        self.resize(400, 220)

        self._cancel.clicked.connect(self.reject)
        self._keep.clicked.connect(self.accept)

    def accept(self) -> None:
        self.noteWritten.emit(self._edit.toPlainText().strip()[:LONGEST])
        super().accept()

    def retranslate(self) -> None:
        self.setWindowTitle(tr("Note"))
        self._edit.setAccessibleName(tr("Note"))
        self._edit.setToolTip(tr("Words about this picture that the search of the gallery finds."))
        texts = (
            (self._cancel, tr("Cancel"), tr("Leave the note as it was (Escape).")),
            (self._keep, tr("Keep note"), tr("Keep these words with the picture (Ctrl+Enter).")),
        )
        for button, name, tooltip in texts:
            button.setText(name)
            button.setAccessibleName(name)
            button.setToolTip(tooltip)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        control = event.modifiers() & Qt.KeyboardModifier.ControlModifier
        if control and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.accept()
        else:
            super().keyPressEvent(event)
