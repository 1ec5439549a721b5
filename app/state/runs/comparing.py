"""Comparing: a grid of pictures over one or two settings, from the axes that a person types to the
cells as they develop. The compare bar and the compare grid show it; `app.wiring` connects it.
"""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QImage

from app import wording
from app.i18n import tr
from app.state.recipe.session import Session
from app.state.runs.plan import Begun, Plan
from app.state.runs.run import RunResult, SheetResult, StepView
from engine.errors import EngineError
from engine.request.grid import Axis, Grid
from engine.request.request import SETTINGS, Request
from engine.request.setting import as_told


class Comparing(QObject):
    """The axes come as (name, values as text) pairs."""

    asked = Signal(object)  # Plan
    noteChanged = Signal(str, bool)  # a sentence, whether it says what is wrong
    startableChanged = Signal(bool)
    labelsChanged = Signal(tuple, tuple)  # of rows, of columns
    cellChanged = Signal(int, int, QImage)  # row, column, picture
    cellNoted = Signal(int, int, str)
    shownChanged = Signal(bool)  # whether the grid takes the canvas's place
    runChosen = Signal(int)
    titleChanged = Signal(str)
    sheetShown = Signal(object)  # Picture

    def __init__(
        self,
        session: Session,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._axes: tuple[tuple[str, str], ...] = ()
        self._cells: dict[int, tuple[int, int]] = {}  # by run
        self._steps: dict[int, int] = {}  # of the runs without an image: the step that is shown
        self._shown = False

    def fields(self) -> list[tuple[str, str, str]]:
        """(name, label, example) of what an axis can be with the present model."""
        settings = as_told(SETTINGS[name] for name in wording.in_order(SETTINGS))
        return [
            (one.axis, wording.label(one.name), one.example)
            for one in settings
            if one.axis and one.suits(self._session.abilities)
        ]

    @Slot(tuple)
    def set_axes(self, axes: tuple[tuple[str, str], ...]) -> None:
        self._axes = axes
        self.check()

    @Slot()
    def check(self) -> None:
        """Tell what the axes would make, or what is wrong with them."""
        try:
            _, requests = self._plan()
        except EngineError as error:
            self.noteChanged.emit(str(error).removeprefix("grid: "), True)
            self.startableChanged.emit(False)
        else:
            steps = sum(request.steps for request in requests)
            note = tr("{count} pictures, {steps} steps", count=len(requests), steps=steps)
            self.noteChanged.emit(note, False)
            self.startableChanged.emit(True)

    @Slot()
    def compare(self) -> None:
        try:
            grid, requests = self._plan()
        except EngineError:
            self.check()
        else:
            self.asked.emit(Plan(requests, grid=grid))

    @Slot(object)
    def start(self, begun: Begun) -> None:
        grid = begun.plan.grid
        if grid is None:
            self.leave()
            return
        places = ((row, column) for row in range(grid.rows) for column in range(grid.columns))
        self._steps.clear()
        self._cells = dict(zip((run.number for run in begun.runs), places, strict=True))
        self.labelsChanged.emit(grid.row_labels, grid.column_labels)
        self._show(True)
        self.titleChanged.emit(tr("Comparing {count} pictures", count=len(self._cells)))

    @Slot(object)
    def add_step(self, step: StepView) -> None:
        if step.run in self._cells:
            place = self._cells[step.run]
            self._steps[step.run] = step.index
            self.cellChanged.emit(*place, step.predicted)
            words = tr("{step} of {total}", step=step.index + 1, total=step.total)
            self.cellNoted.emit(*place, words)

    @Slot(object)
    def repicture(self, step: StepView) -> None:
        """A better picture of that step has come."""
        if self._steps.get(step.run) == step.index:
            self.cellChanged.emit(*self._cells[step.run], step.predicted)

    @Slot(object)
    def finish(self, result: RunResult) -> None:
        if result.number in self._cells:
            self._steps.pop(result.number, None)
            place = self._cells[result.number]
            self.cellChanged.emit(*place, result.sheet)
            self.cellNoted.emit(*place, "")

    @Slot(int, str)
    def fail(self, number: int, message: str) -> None:
        if number in self._cells:
            self.cellNoted.emit(*self._cells[number], tr("did not succeed"))

    @Slot(int, int)
    def cancel(self, number: int, at: int) -> None:
        if number in self._cells:
            self.cellNoted.emit(*self._cells[number], tr("stopped"))

    @Slot(object)
    def show_sheet(self, sheet: SheetResult) -> None:
        """The comparison is done: its sheet is what can be saved, while its grid is looked at."""
        if self._shown:
            self.sheetShown.emit(sheet.picture)

    @Slot(bool)
    def come_back(self, opened: bool) -> None:
        """The bar is opened again: show the last grid, if there is one."""
        if opened and self._cells and not self._shown:
            self._show(True)

    @Slot()
    def leave(self) -> None:
        """Something else is looked at."""
        if self._shown:
            self._show(False)

    @Slot(int, int)
    def open(self, row: int, column: int) -> None:
        """Show the run of that cell large."""
        for number, place in self._cells.items():
            if place == (row, column):
                self.leave()
                self.runChosen.emit(number)

    def _show(self, shown: bool) -> None:
        self._shown = shown
        self.shownChanged.emit(shown)

    def _plan(self) -> tuple[Grid, tuple[Request, ...]]:
        grid = Grid(tuple(Axis.parse(name, text) for name, text in self._axes))
        return grid, grid.requests(self._session.request())
