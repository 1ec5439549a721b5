"""Paints a widget anew at most thirty times a second, however often it is asked to. The canvas and
the timeline use it: a quick run must not keep the window from the mouse and the keyboard."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QWidget

REST = 33  # milliseconds


class CalmRepaint(QObject):
    """The first request acts at once; those that come while the widget rests act together, after
    it. What is asked for last is always painted."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self._widget = widget
        self._asked = False
        self._rest = QTimer(self, singleShot=True, interval=REST)
        self._rest.timeout.connect(self._wake)

    def ask(self) -> None:
        if self._rest.isActive():
            self._asked = True
        else:
            self._rest.start()
            self._widget.update()

    def _wake(self) -> None:
        if self._asked:
            self._asked = False
            self.ask()
