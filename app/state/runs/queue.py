"""Queue: what is to be done after what is being done now. Gets requests from the session and
models from the picker; releases one thing at a time to the worker.
"""

from __future__ import annotations

from collections import deque

from PySide6.QtCore import QObject, Signal, Slot

from app.i18n import tr
from app.state.runs.plan import Plan


class Queue(QObject):
    """Plans are released in the order of asking. What fails is over; what waits stays.

    A model is loaded at once if nothing is under way, and before the waiting plans if another
    one is being loaded. During a run the queue asks: `load_now`, `load_afterwards` and `withdraw`
    answer; if no run follows before there is an answer, nothing stands against the model any more
    and it is loaded. Until then plans are for the present model, so a model that is to be loaded
    afterwards comes after them all.

    `hold` lets no plan begin any more until something is asked for, or `go_on`; while it is
    blocked, nothing lets one begin.
    """

    planReleased = Signal(object)  # Plan
    loadReleased = Signal(str)
    lengthChanged = Signal(int)
    statusChanged = Signal(str)  # how many wait, in words
    switchAsked = Signal(str, int)  # source, how many requests wait
    switchSettled = Signal()
    loadDelayed = Signal(str)  # source: it will be loaded afterwards
    stopRequested = Signal()
    heldChanged = Signal(bool)  # whether plans wait because the queue is held
    holdingChanged = Signal(bool)  # whether nothing that waits is to begin
    changed = Signal()  # what is being done or waits, or its order

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._current: Plan | str | None = None
        self._waiting: deque[Plan] = deque()
        self._load: str | None = None
        self._load_first = False
        self._asked: str | None = None
        self._held = False
        self._blocked = False

    @property
    def current(self) -> Plan | None:
        """The plan that is being done."""
        return self._current if isinstance(self._current, Plan) else None

    @property
    def waiting(self) -> tuple[Plan, ...]:
        """The plans that wait, the next one first."""
        return tuple(self._waiting)

    def __len__(self) -> int:
        """How many plans wait, without the one that is being done."""
        return len(self._waiting)

    @Slot(object)
    def submit(self, plan: Plan) -> None:
        self._waiting.append(plan)
        self._begin_or_tell()

    @Slot(tuple)
    def submit_all(self, plans: tuple[Plan, ...]) -> None:
        """The same for many, told once."""
        self._waiting.extend(plans)
        self._begin_or_tell()

    @Slot(object)
    def submit_first(self, plan: Plan) -> None:
        """The plan comes before all that wait."""
        self._waiting.appendleft(plan)
        self._begin_or_tell()

    @Slot(str, int)
    def move(self, job: str, place: int) -> None:
        """Put the waiting plan of that job at that place among those that wait, 0 the next."""
        found = self._place_of(job)
        if found is not None:
            plan = self._waiting[found]
            del self._waiting[found]
            self._waiting.insert(max(place, 0), plan)
            self.changed.emit()

    @Slot(str)
    def remove(self, job: str) -> None:
        """Take the waiting plan of that job out."""
        found = self._place_of(job)
        if found is not None:
            del self._waiting[found]
            self._tell_length()
            if not self._waiting:
                self._set_held(False)

    @Slot()
    def hold(self) -> None:
        """Let nothing that waits begin when what is being done has ended."""
        self._set_held(True)

    @Slot()
    def go_on(self) -> None:
        """Go on with what waits."""
        self._begin_or_tell()

    @Slot(bool)
    def set_blocked(self, blocked: bool) -> None:
        """Whether no plan can begin, whoever asks for it."""
        if blocked != self._blocked:
            self._blocked = blocked
            if not blocked and self._current is None:
                self.next()

    @Slot(str)
    def submit_load(self, source: str) -> None:
        if isinstance(self._current, Plan):
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
        may_begin = bool(self._waiting) and not self._held and not self._blocked
        if self._asked is not None and not may_begin:
            self._load, self._load_first = self._asked, True
            self._settle()
        if self._load is not None and (self._load_first or not self._waiting):
            self._current, self._load, self._load_first = self._load, None, False
            self.heldChanged.emit(self._held and bool(self._waiting))
            self.changed.emit()
            self.loadReleased.emit(self._current)
        elif may_begin:
            self._current = self._waiting.popleft()
            self._tell_length()
            self.planReleased.emit(self._current)
        else:
            self._current = None
            self.heldChanged.emit(self._held and bool(self._waiting))
            self.changed.emit()

    @Slot()
    def forget(self) -> None:
        """Forget the plans that wait, and go on with a model that was to come after them."""
        self._waiting.clear()
        self._set_held(False)
        self._tell_length()
        if self._current is None:
            self.next()

    @Slot()
    def clear(self) -> None:
        """Forget all that waits, a model as well."""
        self.withdraw()
        self.forget()

    def _begin_or_tell(self) -> None:
        self._set_held(False)
        if self._current is None:
            self.next()
            if self.current is not None:
                return  # and that was told
        if self._waiting:
            self._tell_length()

    def _set_held(self, held: bool) -> None:
        if held != self._held:
            self._held = held
            self.holdingChanged.emit(held)
        if not held:
            self.heldChanged.emit(False)

    def _place_of(self, job: str) -> int | None:
        """Where the plan of that job waits. Two plans that make the same are still two."""
        return next((n for n, plan in enumerate(self._waiting) if plan.job == job), None)

    def _tell_length(self) -> None:
        if len(self):
            self.statusChanged.emit(tr("Waiting for their turn: {count}", count=len(self)))
        self.lengthChanged.emit(len(self))
        self.changed.emit()
        if self._asked is not None:
            self.switchAsked.emit(self._asked, len(self))

    def _settle(self) -> None:
        self._asked = None
        self.switchSettled.emit()
