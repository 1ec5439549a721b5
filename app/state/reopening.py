"""Reopening: the timeline of an image of the gallery: the one that is in memory, or the run once
more by its record, without another file. The window asks for it through `app.main`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot

from app.state.background import Background
from app.state.history import History
from app.state.plan import Plan


class Reopening(QObject):
    """read_record: the record of an image file; what it raises is told. source_of: the model of
    that name, as `engine.load` takes it, "" for the present one."""

    asked = Signal(object)  # Plan
    failed = Signal(str)

    def __init__(
        self,
        history: History,
        background: Background,
        read_record: Callable[[str], Any],
        source_of: Callable[[str], str],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._history = history
        self._background = background
        self._read_record = read_record
        self._source_of = source_of

    @Slot(str)
    def open(self, path: str) -> None:
        """Show the timeline of that image file."""
        for number, line in self._history.lines.items():
            if line.result is not None and path in line.result.paths:
                self._history.select_run(number)
                return
        self._background.submit(
            partial(self._read_record, path),
            partial(self._ask, path),
            lambda error: self.failed.emit(str(error)),
        )

    def _ask(self, path: str, record: Any) -> None:
        plan = Plan(
            (record.request,),
            source=self._source_of(record.checkpoint),
            sha256=record.sha256,
            written={(0, 0): path},
        )
        self.asked.emit(plan)
