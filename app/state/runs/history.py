"""History: the last runs with all their steps, as far as memory goes, and which step is looked at.
Fed by the worker; the timeline and the canvas show it; branches start at the step that is shown.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field, replace

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QImage

from app.i18n import tr
from app.state.runs.plan import Begun, BegunRun, Origin
from app.state.runs.run import RunResult, StepView
from engine.request.request import Edit

MEBIBYTE = 2**20


@dataclass(eq=False)
class Line:
    """A run and what there is of it."""

    row: BegunRun
    total: int
    label: str
    steps: list[StepView] = field(default_factory=list)
    result: RunResult | None = None
    running: bool = True
    picture_bytes: int = 0

    @property
    def bytes(self) -> int:
        """What its snapshots and pictures take."""
        return self.picture_bytes + (self.steps[-1].snapshot_bytes if self.steps else 0)

    def position(self, index: int) -> int | None:
        """Where that step is among `steps`, None if it is not there."""
        position = bisect_left(self.steps, index, key=lambda step: step.index)
        there = position < len(self.steps) and self.steps[position].index == index
        return position if there else None


class History(QObject):
    """The selection follows a run as long as its newest step is selected. The oldest runs go first
    when memory is full; those that are under way or looked at stay."""

    lineAdded = Signal(int, str, int, object, int)  # run, label, total, parent or None, first step
    lineRemoved = Signal(int)
    stepAdded = Signal(int, int, QImage, object)  # run, index, picture, guidance scale or None
    stepPictured = Signal(int, int, QImage, object)  # the same, with a better picture
    repictured = Signal(object)  # StepView with a better picture than before
    marked = Signal(int, int, str)  # run, index, what was changed there
    selectionChanged = Signal(int, int)  # run, index; -1, -1 for none
    shown = Signal(object, object)  # StepView, and RunResult where the step stands for its image
    titleChanged = Signal(str)  # which run is shown
    branchableChanged = Signal(bool)
    memoryChanged = Signal(str)
    forgotten = Signal(int)  # run

    def __init__(self, budget: int, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.budget = budget
        self.lines: dict[int, Line] = {}
        self.step: StepView | None = None  # the one that is looked at
        self._following: int | None = None

    @property
    def following(self) -> bool:
        """Whether what is looked at is the newest step of a run under way."""
        return self._following is not None and self.lines[self._following].running

    @property
    def bytes(self) -> int:
        return sum(line.bytes for line in self.lines.values())

    @property
    def origin(self) -> Origin | None:
        """Where a branch would start now; None where nothing can be branched off, such as at the
        end of a run."""
        if self.step is None or self.step.index >= self.step.total - 1:
            return None
        return Origin(self.step.run, self.step.index)

    @Slot(object)
    def start(self, begun: Begun) -> None:
        for row in begun.rows:
            parent = self.lines.get(row.parent) if row.parent is not None else None
            total = parent.total if parent else row.request.steps
            line = Line(row, total, _label(row))
            self.lines[row.number] = line
            self._add(line)
        if begun.plan.grid is None:
            self._following = begun.rows[0].number
        else:
            self.unfollow()  # all cells are looked at, until one is chosen
            self.selectionChanged.emit(begun.rows[0].number, -1)

    @Slot(object)
    def add_step(self, step: StepView) -> None:
        line = self.lines[step.run]
        if step.total != line.total:  # some schedulers evaluate more often than once a step
            line.total = step.total
            self.lineRemoved.emit(step.run)
            self._add(line)
        line.steps.append(step)
        line.picture_bytes += step.predicted.sizeInBytes() + step.noisy.sizeInBytes()
        self.stepAdded.emit(step.run, step.index, step.predicted, step.guidance_scale)
        for edit in step.edits:
            self.marked.emit(step.run, step.index, _words(edit))
        if self._following == step.run:
            self._select(step)
        self._make_room()

    @Slot(int, int, QImage, str)
    def repicture(self, run: int, index: int, picture: QImage, kind: str) -> None:
        """A better picture of that step has come, if it is still there. kind: how it was made."""
        line = self.lines.get(run)
        position = line.position(index) if line else None
        if line is None or position is None:
            return
        before = line.steps[position]
        step = replace(before, predicted=picture, kind=kind)
        line.steps[position] = step
        line.picture_bytes += picture.sizeInBytes() - before.predicted.sizeInBytes()
        if self.step is before:
            self.step = step
        self.stepPictured.emit(run, index, picture, step.guidance_scale)
        self.repictured.emit(step)
        self._make_room()

    @Slot(object)
    def finish(self, result: RunResult) -> None:
        line = self.lines[result.number]
        line.result, line.running = result, False
        line.picture_bytes += sum(image.sizeInBytes() for image in result.images)
        if line.steps and (self._following == result.number or self.step is line.steps[-1]):
            self._select(line.steps[-1])
        elif self.step is not None and self.step.run == result.number:
            self._tell_title()
        self._make_room()

    @Slot(int)
    def end(self, number: int) -> None:
        """That run is over without an image."""
        if number in self.lines:
            self.lines[number].running = False
            if self.step is not None and self.step.run == number:
                self._tell_title()

    @Slot()
    def rest(self) -> None:
        """Nothing is under way any more."""
        for line in list(self.lines.values()):
            line.running = False
            if not line.steps:
                self._drop(line)
        self._make_room()

    @Slot(int, int)
    def select(self, run: int, index: int) -> None:
        """Show that step of that run."""
        line = self.lines.get(run)
        if line is None:
            return
        position = line.position(index)
        if position is not None:
            last = position == len(line.steps) - 1
            self._following = run if last else None
            self._select(line.steps[position])
            self._make_room()  # the run that was looked at may go now

    @Slot(int)
    def select_run(self, run: int) -> None:
        """Show the newest step of that run, or its image."""
        line = self.lines.get(run)
        if line and line.steps:
            self.select(run, line.steps[-1].index)
        elif line:
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
        self.budget = budget
        self._make_room()

    def _add(self, line: Line) -> None:
        row = line.row
        self.lineAdded.emit(row.number, line.label, line.total, row.parent, row.first)

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
        line = self.lines[self.step.run]
        return line.result if self.step is line.steps[-1] and not line.running else None

    def _tell_title(self) -> None:
        assert self.step is not None
        line = self.lines[self.step.run]
        self.titleChanged.emit(_title(line, self.following, self._result is not None))

    def _make_room(self) -> None:
        used = self.bytes
        for line in list(self.lines.values()):
            if used <= self.budget:
                break
            if not line.running and (self.step is None or line.row.number != self.step.run):
                used -= line.bytes
                self._drop(line)
        self.memoryChanged.emit(
            tr("timeline {used} MB", used=f"{used / MEBIBYTE:.0f}") if self.lines else ""
        )

    def _drop(self, line: Line) -> None:
        number = line.row.number
        del self.lines[number]
        followed = self._following == number
        if followed:
            self._following = None
        self.lineRemoved.emit(number)
        self.forgotten.emit(number)
        if followed and self.step is not None:  # it had no step yet: what is looked at is another
            self.selectionChanged.emit(self.step.run, self.step.index)


def _label(row: BegunRun) -> str:
    if row.label:
        return row.label
    if row.varied:
        return tr("Variation {number}", number=row.number)
    if row.parent is not None:
        return tr("Branch {number}", number=row.number)
    return tr("Run {number}", number=row.number)


def _title(line: Line, developing: bool, finished: bool) -> str:
    row = line.row
    title = row.title or line.label
    if row.parent is not None:
        title = tr("{branch} of run {parent}", branch=line.label, parent=row.parent)
    if developing:
        return tr("Developing: {run}", run=title)
    return tr("{run}, finished", run=title) if finished else title


def _words(edit: Edit) -> str:
    """What a person changed, in a few words."""
    value = edit.value
    match edit.field:
        case "prompt":
            return tr("Prompt: {words}", words=value)
        case "negative_prompt":
            return tr("Negative prompt: {words}", words=value)
        case "guidance_scale":
            return tr("Guidance {scale}", scale=f"{value:g}")
        case "guidance_rescale":
            return tr("Guidance rescale {share}", share=f"{value:g}")
        case "guidance_curve":
            return tr("Guidance curve")
        case "guidance_interval":
            return tr("Guidance interval")
        case "feature_reuse" if value == 1:
            return tr("Deep layers in every step")
        case "feature_reuse":
            return tr("Deep layers in one step of {count}", count=value)
        case "guidance_reuse" if value == 0:
            return tr("Unguided half in every step")
        case "guidance_reuse":
            return tr("Unguided half less often")
        case "int8":
            return tr("In 8 bits") if value else tr("In full precision")
        case "vary":
            return tr("Varied by {percent} %", percent=round(100 * value["amount"]))
        case "finish":
            return tr("Finished here")
    return edit.field.replace("_", " ")
