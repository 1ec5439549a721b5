"""A line to search with. The gallery panel has it at its top."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import QLineEdit, QToolButton, QWidget

from app import theme
from app.i18n import tr

REST = 120
"""Milliseconds after the last key in which the search waits for another."""


class SearchLine(QLineEdit):
    """Tells what is searched for as soon as the typing rests; Enter does so at once, Escape and the
    cross at its end empty it, the arrow down leaves it for what was found."""

    searchChanged = Signal(str)
    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._told = ""
        self._lens, self._cross = QAction(self), QAction(self)
        self.addAction(self._lens, QLineEdit.ActionPosition.LeadingPosition)
        self.addAction(self._cross, QLineEdit.ActionPosition.TrailingPosition)
        self._lens.setEnabled(False)
        self._cross.setVisible(False)
        self._rest = QTimer(self, singleShot=True, interval=REST)
        self._show_icons()

        self.textChanged.connect(self._wait)
        self.returnPressed.connect(self._tell)
        self._rest.timeout.connect(self._tell)
        self._cross.triggered.connect(self.clear)

    def retranslate(self, name: str, tooltip: str, placeholder: str) -> None:
        """The words of this line."""
        self.setAccessibleName(name)
        self.setToolTip(tooltip)
        self.setPlaceholderText(placeholder)
        self._cross.setToolTip(tr("Search for nothing (Escape)."))
        for button in self.findChildren(QToolButton):
            is_cross = button.defaultAction() is self._cross
            button.setAccessibleName(tr("Clear the search") if is_cross else name)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if _is_escape(event) and self.text():
            self.clear()
        elif event.key() == Qt.Key.Key_Down:
            self._tell()
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        # Without this the error bar's own Escape would take the key first.
        if event.type() == QEvent.Type.ShortcutOverride and self.text() and _is_escape(event):
            event.accept()
            return True
        return super().event(event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self._show_icons()

    def _show_icons(self) -> None:
        self._lens.setIcon(theme.icon("search"))
        self._cross.setIcon(theme.icon("close"))

    def _wait(self, text: str) -> None:
        self._cross.setVisible(bool(text))
        if text:
            self._rest.start()
        else:
            self._tell()

    def _tell(self) -> None:
        self._rest.stop()
        if self.text() != self._told:
            self._told = self.text()
            self.searchChanged.emit(self._told)


def _is_escape(event: QEvent) -> bool:
    return isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape
