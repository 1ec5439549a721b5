"""Background: short work in a thread pool, its result back in the thread that asked. Used by the
state objects that read and write image files, so that the window never waits for a disk.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from PySide6.QtCore import QObject, QThreadPool, Signal, Slot

THREADS = 2

T = TypeVar("T")


class Background(QObject):
    _done = Signal(object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(THREADS)
        self._closed = False
        self._done.connect(self._deliver)

    def submit(
        self,
        work: Callable[[], T],
        then: Callable[[T], None],
        failed: Callable[[Exception], None],
    ) -> None:
        """Call `work` in the pool, then `then` with its result, or `failed` with what it raised.
        After `close` none of it is called."""
        if self._closed:
            return

        def task() -> None:
            try:
                callback, value = then, work()
            except Exception as error:  # handed to whoever asked, in their thread
                callback, value = failed, error
            with suppress(RuntimeError):  # Qt's half of this object has gone first
                self._done.emit(callback, value)

        self._pool.start(task)

    def close(self) -> None:
        """Drop what has not begun and wait for the rest, two seconds at most."""
        self._closed = True
        self._pool.clear()
        self._pool.waitForDone(2000)

    @Slot(object, object)
    def _deliver(self, callback: Callable[[object], None], value: object) -> None:
        callback(value)
