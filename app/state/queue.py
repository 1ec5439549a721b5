"""Queue: what is to be done after what is being done now. Gets requests from the session and
models from the picker; releases one thing at a time to the worker.
"""

from __future__ import annotations

from collections import deque

from PySide6.QtCore import QObject, Signal, Slot

from engine.request import Request


class Queue(QObject):
    """Requests are released in the order of asking. What fails is over; what waits stays.

    A model is loaded at once if nothing is under way, and before the waiting requests if another
    one is being loaded. During a run the queue asks: `load_now`, `load_afterwards` and `withdraw`
    answer; if all runs end without an answer, nothing stands against the model any more and it is
    loaded. Until then requests are for the present model, so a model that is to be loaded
    afterwards comes after them all.
    """

    requestReleased = Signal(object)  # Request
    loadReleased = Signal(str)
    lengthChanged = Signal(int)
    switchAsked = Signal(str, int)  # source, how many requests wait
    switchSettled = Signal()
    loadDelayed = Signal(str)  # source: it will be loaded afterwards
    stopRequested = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._current: Request | str | None = None
        self._waiting: deque[Request] = deque()
        self._load: str | None = None
        self._load_first = False
        self._asked: str | None = None

    def __len__(self) -> int:
        """How many requests wait, without the one that is being done."""
        return len(self._waiting)

    @Slot(object)
    def submit(self, request: Request) -> None:
        self._waiting.append(request)
        if self._current is None:
            self.next()
        else:
            self._tell_length()

    @Slot(str)
    def submit_load(self, source: str) -> None:
        if isinstance(self._current, Request):
            self._asked = source
            self.switchAsked.emit(source, len(self))
            return
        self._load, self._load_first = source, True
        if self._current is None:
            self.next()

    @Slot()
    def load_now(self) -> None:
        """Stop the run, load the model that was asked about, and go on with what waits."""
        if self._asked is not None:
            self._load, self._load_first = self._asked, True
            self._settle()
            self.stopRequested.emit()

    @Slot()
    def load_afterwards(self) -> None:
        """Load the model that was asked about when no request waits any more."""
        if self._asked is not None:
            self._load, self._load_first = self._asked, False
            self.loadDelayed.emit(self._asked)
            self._settle()

    @Slot()
    def withdraw(self) -> None:
        """Keep the present model: forget the one that was asked about or is to be loaded."""
        self._load = None
        self._settle()

    @Slot()
    def next(self) -> None:
        """What was being done has ended, well or not: release what comes next."""
        if self._asked is not None and not self._waiting:
            self._load = self._asked
            self._settle()
        if self._load is not None and (self._load_first or not self._waiting):
            self._current, self._load, self._load_first = self._load, None, False
            self.loadReleased.emit(self._current)
        elif self._waiting:
            self._current = self._waiting.popleft()
            self._tell_length()
            self.requestReleased.emit(self._current)
        else:
            self._current = None

    @Slot()
    def clear(self) -> None:
        """Forget what waits."""
        self._waiting.clear()
        self.withdraw()
        self._tell_length()

    def _tell_length(self) -> None:
        self.lengthChanged.emit(len(self))
        if self._asked is not None:
            self.switchAsked.emit(self._asked, len(self))

    def _settle(self) -> None:
        self._asked = None
        self.switchSettled.emit()
