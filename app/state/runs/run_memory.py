"""RunMemory: what is kept of the last runs: the snapshots and the pictures of their steps, and
their images. The worker adds to it in its own thread, the history in the window's; the history
tells the widgets what is there.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from PySide6.QtGui import QImage

from app.i18n import tr
from app.state.models.model_source import ModelSource
from app.state.runs.plan import BegunRun
from app.state.runs.run import RunResult, StepView

if TYPE_CHECKING:
    from engine.run.timeline import Snapshot

USUAL_BYTES = 512 * 2**20
"""What all runs may take together, unless the person says otherwise."""


class Snapshots(Protocol):
    """The engine's Timeline, as far as it is needed here."""

    @property
    def size(self) -> int: ...
    def add(self, snapshot: Snapshot) -> None: ...
    def weigh(self, index: int, beside: int) -> None: ...
    def at(self, index: int) -> Snapshot | None: ...
    def __iter__(self) -> Iterator[Snapshot]: ...


@dataclass(eq=False)
class KeptRun:
    """A run and what there is of it. total: of its evaluations; made_with: its model; snapshots: of
    the steps that are shown, with the bytes of their pictures; steps: the pictures of those that
    the window has been told of, oldest first."""

    begun: BegunRun
    total: int
    made_with: ModelSource
    snapshots: Snapshots
    steps: list[StepView] = field(default_factory=list)
    result: RunResult | None = None
    running: bool = True

    @property
    def bytes(self) -> int:
        """What its snapshots, the pictures of its steps and its images take."""
        images = self.result.images if self.result else ()
        return self.snapshots.size + sum(image.sizeInBytes() for image in images)

    @property
    def label(self) -> str:
        """Its name in the timeline."""
        if self.begun.label:
            return self.begun.label
        if self.begun.varied:
            return tr("Variation {number}", number=self.begun.number)
        if self.begun.parent is not None:
            return tr("Branch {number}", number=self.begun.number)
        return tr("Run {number}", number=self.begun.number)

    def position(self, index: int) -> int | None:
        """Where that step is among `steps`, None if it is not there."""
        position = bisect_left(self.steps, index, key=lambda step: step.index)
        there = position < len(self.steps) and self.steps[position].index == index
        return position if there else None


class RunMemory:
    """All that is kept of the runs, in `budget` bytes.

    A step has its snapshot and its pictures, and loses both at once: a run that would grow over
    what is its own is thinned by the rule of the engine's Timeline, with the pictures counted. When
    all together are over the budget, the oldest runs go, but for those that are under way or looked
    at. Better pictures that come later cost a run no step.

    Snapshots are added, read and let go of from any thread; all else is done by the window's.
    """

    def __init__(self, budget: int = USUAL_BYTES) -> None:
        self.budget = budget
        self.runs: dict[int, KeptRun] = {}  # oldest first; replaced, never changed
        self._lock = threading.Lock()

    @property
    def bytes(self) -> int:
        return sum(run.bytes for run in self.runs.values())

    # From any thread

    def begin(self, begun: BegunRun, made_with: ModelSource, snapshots: Snapshots) -> None:
        """That run begins. snapshots: where its own go, as many as its share of the budget lets."""
        parent = self.runs.get(begun.parent) if begun.parent is not None else None
        total = parent.total if parent else begun.request.steps
        with self._lock:
            self.runs = {**self.runs, begun.number: KeptRun(begun, total, made_with, snapshots)}

    def keep(self, number: int, snapshot: Snapshot) -> None:
        """That run has come to a step that is shown."""
        with self._lock:
            if run := self.runs.get(number):
                run.snapshots.add(snapshot)

    def snapshot(self, number: int, index: int) -> Snapshot | None:
        """Of that step, or the nearest before it that is there."""
        with self._lock:
            run = self.runs.get(number)
            return run.snapshots.at(index) if run else None

    def made_with(self, number: int) -> ModelSource | None:
        """The model of that run; None where the run is not there any more."""
        run = self.runs.get(number)
        return run.made_with if run else None

    def forget(self, number: int) -> None:
        """Let go of all that there is of that run."""
        with self._lock:
            self.runs = {other: run for other, run in self.runs.items() if other != number}

    # From the window's thread

    def add(self, step: StepView) -> tuple[StepView, ...]:
        """The pictures of the newest step of its run. Those that went to make room for it."""
        run = self.runs[step.run]
        with self._lock:
            run.snapshots.weigh(step.index, _bytes(step))
            kept = {snapshot.index for snapshot in run.snapshots}
        gone = tuple(before for before in run.steps if before.index not in kept)
        run.steps = [*(before for before in run.steps if before.index in kept), step]
        return gone

    def repicture(
        self, number: int, index: int, picture: QImage, kind: str
    ) -> tuple[StepView, StepView] | None:
        """A better picture of that step: the step as it was and as it is now, None if it is not
        there any more. kind: how the picture was made."""
        run = self.runs.get(number)
        position = run.position(index) if run else None
        if run is None or position is None:
            return None
        before = run.steps[position]
        step = run.steps[position] = replace(before, predicted=picture, kind=kind)
        with self._lock:
            run.snapshots.weigh(index, _bytes(step))
        return before, step

    def surplus(self, looked_at: int | None) -> tuple[int, ...]:
        """The runs that have to go for the others to be within the budget, oldest first."""
        used, surplus = self.bytes, []
        for number, run in self.runs.items():
            if used <= self.budget:
                break
            if not run.running and number != looked_at:
                used -= run.bytes
                surplus.append(number)
        return tuple(surplus)


def _bytes(step: StepView) -> int:
    return step.predicted.sizeInBytes() + step.noisy.sizeInBytes()
