"""Reopening: the timeline of an image of the gallery: the one that is in memory, or the run once
more by its record, without another file, and not without a question if that asks for far more than
is usual. The window asks for it through `app.wiring`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from app.i18n import tr
from app.state.background import Background
from app.state.runs.history import History
from app.state.runs.plan import Plan

if TYPE_CHECKING:
    from engine.record.record import Record
    from engine.request.request import Request
    from engine.run.cost import Cost


class Reopening(QObject):
    """read_record: the record of an image file; what it raises is told. cost_of: what its request
    costs, by `engine.run.cost`. source_of: the model of that name, as `engine.load` takes it, ""
    for the present one."""

    asked = Signal(object)  # Plan
    questioned = Signal(str)  # a sentence that `answer` answers
    failed = Signal(str)

    def __init__(
        self,
        history: History,
        background: Background,
        read_record: Callable[[str], Record],
        cost_of: Callable[[Request], Cost],
        source_of: Callable[[str], str],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._history = history
        self._background = background
        self._read_record = read_record
        self._cost_of = cost_of
        self._source_of = source_of
        self._costly: Plan | None = None  # waits for an answer

    @Slot(str)
    def open(self, path: str) -> None:
        """Show the timeline of that image file."""
        for number, run in self._history.runs.items():
            if run.result is not None and path in run.result.paths:
                self._history.select_run(number)
                return
        self._background.submit(
            partial(self._look_at, path),
            partial(self._ask, path),
            lambda error: self.failed.emit(str(error)),
        )

    @Slot(bool)
    def answer(self, agreed: bool) -> None:
        """To the latest question; yes runs what it was about."""
        plan, self._costly = self._costly, None
        if agreed and plan is not None:
            self.asked.emit(plan)

    def _look_at(self, path: str) -> tuple[Record, Cost]:
        record = self._read_record(path)
        return record, self._cost_of(record.request)

    def _ask(self, path: str, found: tuple[Record, Cost]) -> None:
        record, cost = found
        plan = Plan(
            (record.request,),
            source=self._source_of(record.checkpoint),
            sha256=record.sha256,
            written={(0, 0): path},
        )
        if cost.is_usual:
            self.asked.emit(plan)
            return
        self._costly = plan
        count = tr("1 picture") if cost.count == 1 else tr("{count} pictures", count=cost.count)
        self.questioned.emit(
            tr(
                "The record in {name} asks for far more than is usual: {count} of {width} by "
                "{height} pixels, and {evaluations} evaluations of the network for each. That may "
                "take hours, and more memory than there is.",
                name=Path(path).name,
                count=count,
                width=cost.width,
                height=cost.height,
                evaluations=cost.evaluations,
            )
        )
