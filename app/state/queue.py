"""Queue: what is to be done after what is being done now. Gets requests from the session and
models from the picker; releases one thing at a time to the worker, in the order of asking.
"""

from __future__ import annotations

from collections import deque

from PySide6.QtCore import QObject, Signal, Slot

from engine.request import Request


class Queue(QObject):
    """A request waits for the model that was chosen before it, and a model for the requests that
    were made for the one before. What fails is over; what waits stays."""

    requestReleased = Signal(object)  # Request
    loadReleased = Signal(str)
    lengthChanged = Signal(int)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._waiting: deque[Request | str] = deque()
        self._busy = False

    def __len__(self) -> int:
        """How many things wait, without the one that is being done."""
        return len(self._waiting)

    @Slot(object)
    def submit(self, request: Request) -> None:
        self._add(request)

    @Slot(str)
    def submit_load(self, source: str) -> None:
        self._add(source)

    @Slot()
    def next(self) -> None:
        """What was being done has ended, well or not: release what waits longest."""
        self._busy = bool(self._waiting)
        if not self._waiting:
            return
        item = self._waiting.popleft()
        self.lengthChanged.emit(len(self))
        if isinstance(item, str):
            self.loadReleased.emit(item)
        else:
            self.requestReleased.emit(item)

    @Slot()
    def clear(self) -> None:
        """Forget what waits."""
        self._waiting.clear()
        self.lengthChanged.emit(0)

    def _add(self, item: Request | str) -> None:
        self._waiting.append(item)
        if self._busy:
            self.lengthChanged.emit(len(self))
        else:
            self.next()
