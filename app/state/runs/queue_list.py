"""QueueList: what is being done, what waits and what is over, as a list. Fed by the queue and by
what the worker tells; the queue dialog shows it.
"""

from __future__ import annotations

from collections import deque
from itertools import chain
from typing import Any, NamedTuple

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Signal,
    Slot,
)

from app.i18n import tr
from app.state.runs.plan import Begun, Plan
from app.state.runs.queue import Queue
from app.state.runs.run import RunResult
from app.unfailing import unfailing
from engine.request.request import Request

KEPT = 20
"""Plans that are over and can be run again."""

DETAIL, STATE, JOB = (Qt.ItemDataRole.UserRole + number for number in range(1, 4))

Index = QModelIndex | QPersistentModelIndex


class _Row(NamedTuple):
    plan: Plan
    state: str  # "waiting", "developing" or "over"
    words: str  # of the state, for people


class QueueList(QAbstractListModel):
    """The oldest that is over first, then what is being done, then what waits, the next one first.
    DisplayRole is what a plan makes; the roles by the names b"detail", b"state" (see `_Row`) and
    b"job" are for the view."""

    againAsked = Signal(object)  # Plan

    def __init__(self, queue: Queue, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._queue = queue
        self._begun: list[_Row] = []  # what is over and what is being done
        self._waiting: tuple[Plan, ...] = ()  # its rows are made when asked for: it may be long
        self._over: deque[_Row] = deque(maxlen=KEPT)
        self._current: Plan | None = None
        self._jobs: dict[int, str] = {}  # of the runs of what is being done
        self._outcome = ""
        queue.changed.connect(self.refresh)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._begun) + len(self._waiting)

    @unfailing()
    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = self._row(index.row()) if index.isValid() else None
        if row is None:
            return None
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return row.plan.title
            case Qt.ItemDataRole.AccessibleTextRole:
                return f"{row.words}: {row.plan.title}, {row.plan.detail}"
            case Qt.ItemDataRole.ToolTipRole:
                return row.plan.requests[0].prompt
        if role == DETAIL:
            return f"{row.words} · {row.plan.detail}"
        if role == STATE:
            return row.state
        return row.plan.job if role == JOB else None

    def match(
        self,
        start: Index,
        role: int,
        value: object,
        hits: int = 1,
        flags: Qt.MatchFlag = Qt.MatchFlag.MatchExactly,
    ) -> list[QModelIndex]:
        """As Qt has it. A job is found without a look at the data of every row."""
        if role != JOB:
            return super().match(start, role, value, hits, flags)
        plans = chain((row.plan for row in self._begun), self._waiting)
        return [self.index(n, 0) for n, plan in enumerate(plans) if plan.job == value][:hits]

    def roleNames(self) -> Any:
        return super().roleNames() | {DETAIL: b"detail", STATE: b"state", JOB: b"job"}

    @Slot()
    def refresh(self) -> None:
        """What is being done or waits has changed."""
        current, waiting = self._queue.current, self._queue.waiting
        former = self._current
        if former is not None and (current is None or current.job != former.job):
            self._over.append(_Row(former, "over", self._outcome or tr("stopped")))
            self._outcome = ""
        if former is None or current is None or current.job != former.job:
            self._current = current
        rows = list(self._over)
        if current is not None:
            rows.append(_Row(current, "developing", tr("developing")))
        if rows != self._begun or waiting != self._waiting:
            self.beginResetModel()
            self._begun, self._waiting = rows, waiting
            self.endResetModel()

    @Slot(object)
    def begin(self, begun: Begun) -> None:
        self._jobs = {run.number: begun.plan.job for run in begun.runs}

    @Slot(int, object)
    def tell(self, run: int, request: Request) -> None:
        """What a run does as it is steered, so that it can be run again without the timeline."""
        if self._current is not None and self._jobs.get(run) == self._current.job:
            number = list(self._jobs).index(run)
            self._current = self._current.told(number, request)

    @Slot(object)
    def finish(self, result: RunResult) -> None:
        self._outcome = self._outcome or tr("done")

    @Slot(int, str)
    def fail(self, run: int, reason: str) -> None:
        self._outcome = tr("failed: {reason}", reason=reason)

    @Slot(str)
    def refuse(self, reason: str) -> None:
        """A plan could not begin."""
        self._outcome = tr("failed: {reason}", reason=reason)

    @Slot(int)
    def run_again(self, row: int) -> None:
        """Ask for the plan of that row once more."""
        if found := self._row(row):
            self.againAsked.emit(found.plan.again())

    def _row(self, number: int) -> _Row | None:
        if not 0 <= number < self.rowCount():
            return None
        if number < len(self._begun):
            return self._begun[number]
        return _Row(self._waiting[number - len(self._begun)], "waiting", tr("waiting"))
