"""The sheet of keys: every command that has one, by where it acts. The Help menu opens it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app import commands
from app.commands import Area, Command
from app.i18n import tr
from app.widgets.basic.on_screen import FittedDialog
from app.widgets.basic.plain_label import PlainLabel

COLUMNS = ((Area.RUN, Area.VIEW), (Area.FILE, Area.GALLERY, Area.QUEUE))


class KeysDialog(FittedDialog):
    """Not modal: the keys can be tried beside it. It is gone when it is closed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("keysDialog")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._titles = {area: PlainLabel("title") for area in Area}
        self._rows = {
            command: (PlainLabel("", parent=self), PlainLabel("key", parent=self))
            for command in commands.EVERY
            if command.keys
        }
        self._close = QPushButton()
        self._close.setObjectName("keysCloseButton")
        self.retranslate()

        columns = QHBoxLayout()
        columns.setSpacing(36)
        for areas in COLUMNS:
            column = QVBoxLayout()
            column.setSpacing(8)
            for area in areas:
                column.addWidget(self._titles[area])
                column.addLayout(self._sheet(area))
                column.addSpacing(10)
            column.addStretch(1)
            columns.addLayout(column, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(22, 18, 22, 16)
        layout.addLayout(columns)
        layout.addWidget(self._close, 0, Qt.AlignmentFlag.AlignRight)

        self._close.clicked.connect(self.close)

    def retranslate(self) -> None:
        self.setWindowTitle(tr("Keys"))
        self._close.setText(tr("Close"))
        self._close.setAccessibleName(tr("Close"))
        self._close.setToolTip(tr("Put the sheet of keys away."))
        for area, title in self._titles.items():
            title.setText(area.title)
        for command, (words, key) in self._rows.items():
            words.setText(command.plain_text)
            key.setText(_told(command))
            key.setAccessibleName(f"{command.plain_text}: {_told(command)}")

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()

    def _sheet(self, area: Area) -> QGridLayout:
        sheet = QGridLayout()
        sheet.setHorizontalSpacing(24)
        sheet.setVerticalSpacing(4)
        sheet.setColumnStretch(0, 1)
        for row, (command, (words, key)) in enumerate(self._rows.items()):
            if command.area is area:
                sheet.addWidget(words, row, 0)
                sheet.addWidget(key, row, 1, Qt.AlignmentFlag.AlignRight)
        return sheet


def _told(command: Command) -> str:
    """The key as this system writes it."""
    return QKeySequence(command.keys[0]).toString(QKeySequence.SequenceFormat.NativeText)
