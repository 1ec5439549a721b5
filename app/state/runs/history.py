"""History: the last runs with all their steps, as far as memory goes, and which step is looked at.
Fed by the worker; the timeline and the canvas show it; branches start at the step that is shown.
"""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QImage

from app import wording
from app.i18n import tr
from app.state.runs.plan import Begun, Origin
from app.state.runs.run import RunResult, StepView
from app.state.runs.run_memory import KeptRun, RunMemory

MEBIBYTE = 2**20


class History(QObject):
    """The selection follows a run as long as its newest step is selected. What memory keeps is told
    of here, and no more when it is let go of."""

    runAdded = Signal(int, str, int, object, int)  # run, label, total, parent or None, first step
    runRemoved = Signal(int)
    stepAdded = Signal(int, int, QImage, object)  # run, index, picture, guidance scale or None
    stepRemoved = Signal(int, int)  # run, index
    stepPictured = Signal(int, int, QImage, object)  # the same, with a better picture
    repictured = Signal(object)  # StepView with a better picture than before
    marked = Signal(int, int, str)  # run, index, what was changed there
    selectionChanged = Signal(int, int)  # run, index; -1, -1 for none
    shown = Signal(object, object)  # StepView, and RunResult where the step stands for its image
    titleChanged = Signal(str)  # which run is shown
    branchableChanged = Signal(bool)
    memoryChanged = Signal(str)

    def __init__(self, memory: RunMemory, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.memory = memory
        self.step: StepView | None = None  # the one that is looked at
        self._following: int | None = None

    @property
    def following(self) -> bool:
        """Whether what is looked at is the newest step of a run under way."""
        return self._following is not None and self.runs[self._following].running

    @property
    def runs(self) -> Mapping[int, KeptRun]:
        """By number, oldest first."""
        return self.memory.runs

    @property
    def origin(self) -> Origin | None:
        """Where a branch would start now; None where nothing can be branched off, such as at the
        end of a run."""
        if self.step is None or self.step.index >= self.step.total - 1:
            return None
        return Origin(self.step.run, self.step.index)

    @Slot(object)
    def start(self, begun: Begun) -> None:
        for run in begun.runs:
            self._tell_of(self.runs[run.number])
        if begun.plan.grid is None:
            self._following = begun.runs[0].number
        else:
            self.unfollow()  # all cells are looked at, until one is chosen
            self.selectionChanged.emit(begun.runs[0].number, -1)

    @Slot(object)
    def add_step(self, step: StepView) -> None:
        run = self.runs[step.run]
        if step.total != run.total:  # some schedulers evaluate more often than once a step
            run.total = step.total
            self.runRemoved.emit(step.run)
            self._tell_of(run)
        gone = self.memory.add(step)
        self.stepAdded.emit(step.run, step.index, step.predicted, step.guidance_scale)
        for before in gone:
            self.stepRemoved.emit(*before.place)
        for edit in step.edits:
            self.marked.emit(step.run, step.index, wording.changed(edit.field, edit.value))
        if self._following == step.run:
            self._select(step)
        self._make_room()

    @Slot(int, int, QImage, str)
    def repicture(self, run: int, index: int, picture: QImage, kind: str) -> None:
        """A better picture of that step has come, if it is still there. kind: how it was made."""
        changed = self.memory.repicture(run, index, picture, kind)
        if changed is None:
            return
        before, step = changed
        if self.step is before:
            self.step = step
        self.stepPictured.emit(run, index, picture, step.guidance_scale)
        self.repictured.emit(step)
        self._make_room()

    @Slot(object)
    def finish(self, result: RunResult) -> None:
        run = self.runs[result.number]
        run.result, run.running = result, False
        if run.steps and (self._following == result.number or self.step is run.steps[-1]):
            self._select(run.steps[-1])
        elif self.step is not None and self.step.run == result.number:
            self._tell_title()
        self._make_room()

    @Slot(int)
    def end(self, number: int) -> None:
        """That run is over without an image."""
        if number in self.runs:
            self.runs[number].running = False
            if self.step is not None and self.step.run == number:
                self._tell_title()

    @Slot()
    def rest(self) -> None:
        """Nothing is under way any more."""
        for number, run in self.runs.items():
            run.running = False
            if not run.steps:
                self._drop(number)
        self._make_room()

    @Slot(int, int)
    def select(self, run: int, index: int) -> None:
        """Show that step of that run."""
        chosen = self.runs.get(run)
        position = chosen.position(index) if chosen else None
        if chosen is not None and position is not None:
            last = position == len(chosen.steps) - 1
            self._following = run if last else None
            self._select(chosen.steps[position])
            self._make_room()  # the run that was looked at may go now

    @Slot(int)
    def select_run(self, run: int) -> None:
        """Show the newest step of that run, or its image."""
        chosen = self.runs.get(run)
        if chosen and chosen.steps:
            self.select(run, chosen.steps[-1].index)
        elif chosen:
            self._following = run

    @Slot()
    def unfollow(self) -> None:
        """Something else is being looked at: leave the canvas alone until a step is selected."""
        self._following = self.step = None
        self.selectionChanged.emit(-1, -1)
        self.branchableChanged.emit(False)
        self._make_room()

    @Slot(int)
    def set_budget(self, budget: int) -> None:
        """In bytes."""
        self.memory.budget = budget
        self._make_room()

    def _tell_of(self, run: KeptRun) -> None:
        begun = run.begun
        self.runAdded.emit(begun.number, run.label, run.total, begun.parent, begun.first)

    def _select(self, step: StepView) -> None:
        self.step = step
        self.selectionChanged.emit(step.run, step.index)
        self.shown.emit(step, self._result)
        self._tell_title()
        self.branchableChanged.emit(self.origin is not None)

    @property
    def _result(self) -> RunResult | None:
        """The image of a run, where what is looked at stands for it."""
        assert self.step is not None
        run = self.runs[self.step.run]
        return run.result if self.step is run.steps[-1] and not run.running else None

    def _tell_title(self) -> None:
        assert self.step is not None
        run = self.runs[self.step.run]
        self.titleChanged.emit(_title(run, self.following, self._result is not None))

    def _make_room(self) -> None:
        for number in self.memory.surplus(self.step.run if self.step else None):
            self._drop(number)
        used = f"{self.memory.bytes / MEBIBYTE:.0f}"
        self.memoryChanged.emit(tr("timeline {used} MB", used=used) if self.runs else "")

    def _drop(self, number: int) -> None:
        self.memory.forget(number)
        followed = self._following == number
        if followed:
            self._following = None
        self.runRemoved.emit(number)
        if followed and self.step is not None:  # it had no step yet: what is looked at is another
            self.selectionChanged.emit(self.step.run, self.step.index)


def _title(run: KeptRun, developing: bool, finished: bool) -> str:
    title = run.begun.title or run.label
    if run.begun.parent is not None:
        title = tr("{branch} of run {parent}", branch=run.label, parent=run.begun.parent)
    if developing:
        return tr("Developing: {run}", run=title)
    return tr("{run}, finished", run=title) if finished else title
