"""UnsavedImages: the finished images that could not be written, as on a full disk or in a folder
that has become read-only. Fed by the worker, which holds them in memory; a notice shows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from app.i18n import tr

if TYPE_CHECKING:
    from app.state.runs.run import RunResult, SheetResult


AGAIN = 3000
"""Milliseconds from one try to the next."""


class UnsavedImages(QObject):
    """While there are some, the queue is blocked, and every few seconds they are tried again; when
    the last is written, it goes on by itself."""

    noticed = Signal(str)  # a sentence for the person; "" when all is written
    blockedChanged = Signal(bool)
    tryAsked = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.count = 0
        self._reason = ""
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self.try_again)

    @Slot(object)
    def add(self, result: RunResult) -> None:
        self._add(sum(path is None for path in result.paths), result.save_error)

    @Slot(object)
    def add_sheet(self, sheet: SheetResult) -> None:
        self._add(int(sheet.picture.unsaved is not None), sheet.save_error)

    @Slot()
    def try_again(self) -> None:
        if self.count:
            self._timer.stop()
            self.tryAsked.emit()

    @Slot(int, str)
    def set_left(self, count: int, reason: str) -> None:
        """What the worker could not write when it tried again, and why."""
        self.count = count
        self._reason = reason or self._reason
        self._tell()

    def close(self) -> None:
        """Try no more. What is not written is made again by the next session."""
        self._timer.stop()

    def _add(self, count: int, reason: str) -> None:
        if count:
            self.count += count
            self._reason = reason
            self._tell()

    def _tell(self) -> None:
        self.blockedChanged.emit(bool(self.count))
        if not self.count:
            self._timer.stop()
            self.noticed.emit("")
            return
        self._timer.start(AGAIN)
        what = (
            tr("A picture could not be written.")
            if self.count == 1
            else tr("{count} pictures could not be written.", count=self.count)
        )
        self.noticed.emit(
            tr(
                "{what} {reason} What is not written stays in memory, nothing new begins, and "
                "Safelight tries again by itself.",
                what=what,
                reason=self._reason,
            )
        )
