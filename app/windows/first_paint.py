"""FirstPaint: when a window stands on the screen, painted. `app.main` loads the last model then."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QTimer, Signal
from PySide6.QtWidgets import QWidget

LONGEST = 1000
"""Milliseconds after which a window that starts minimised, and is not painted, counts as painted.
"""


class FirstPaint(QObject):
    """After `wait`, for a window that is about to be shown: came, once."""

    came = Signal()

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._come)

    def wait(self) -> None:
        self._window.installEventFilter(self)
        self._timer.start(LONGEST)

    def stop(self) -> None:
        """It is not wanted any more."""
        self._timer.stop()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint:
            self._timer.start(0)
        return False

    def _come(self) -> None:
        self._window.removeEventFilter(self)
        self.came.emit()
