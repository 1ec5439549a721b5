"""A ledger of what the worker tells: what is open, and whether it was told in the right order. For
the test of random actions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.main import Application
from app.state.runs.plan import Begun
from app.state.runs.run import RunResult, SheetResult, StepView
from engine.request.conditions import conditions
from tests.app.conftest import told

STEERED = ("prompt", "negative_prompt", "guidance_scale", "guidance_rescale")


class Ledger:
    """What the worker told, and what was wrong with the order in which it told it."""

    def __init__(self, application: Application) -> None:
        self.problems: list[str] = []
        self.released = 0
        self.idle = 0
        self.open: dict[int, int] = {}  # of each run under way, the evaluation that comes next
        self.images = 0
        self.expected: dict[str, Any] | None = None  # what steers the run, if it is known
        self.hurried = False  # whether evaluations run while the next actions come
        self._released_in_a_hurry = False  # then it may have been steered before it began
        self._worker = application.worker
        tells = told(application)
        application.queue.planReleased.connect(self._release)
        application.queue.loadReleased.connect(self._release)
        tells.started.connect(self._start)
        tells.stepped.connect(self._step)
        tells.finished.connect(self._finish)
        tells.cancelled.connect(lambda run, at: self._end(run))
        tells.failed.connect(lambda run, message: self._end(run))
        tells.compared.connect(self._compare)
        tells.idle.connect(self._rest)

    def _release(self, what: object) -> None:
        if self.released > self.idle + 1:  # the queue hears first that the worker is idle
            self.problems.append(f"{what} was released before the worker was idle")
        self.released += 1
        self._released_in_a_hurry = self.hurried

    def _start(self, begun: Begun) -> None:
        if self.open:
            self.problems.append(f"a plan began while {self.open} were under way")
        self.open = {run.number: run.first for run in begun.runs}
        request = begun.runs[0].request
        self.expected = {name: getattr(request, name) for name in STEERED}
        if not begun.plan.steerable or self.hurried or self._released_in_a_hurry:
            self.expected = None

    def _step(self, step: StepView) -> None:
        if self.open.get(step.run) != step.index:
            self.problems.append(f"step {step.index} of run {step.run}, expected {self.open}")
        self.open[step.run] = step.index + 1
        snapshot = self._worker.memory.snapshot(step.run, step.index)
        if snapshot is None:
            self.problems.append(f"the worker forgot run {step.run} while it was under way")
        elif self.expected is not None and step.guidance_scale is not None:
            now = conditions(snapshot.request, step.index, step.total)
            acting = {name: getattr(now.request, name) for name in STEERED}
            acting["guidance_scale"] = now.guidance_scale
            if acting != pytest.approx(self.expected):
                self.problems.append(f"step {step.index}: {acting}, expected {self.expected}")

    def _finish(self, result: RunResult) -> None:
        self._end(result.number)
        self.images += len(result.images)
        self._look_for(result.paths, result.save_error)

    def _compare(self, sheet: SheetResult) -> None:
        self.images += 1
        self._look_for((sheet.picture.path,), sheet.save_error)

    def _look_for(self, paths: tuple[str | None, ...], error: str) -> None:
        if not error and not all(path and Path(path).stat().st_size for path in paths):
            self.problems.append(f"not all of {paths} are there")

    def _end(self, run: int) -> None:
        if self.open.pop(run, None) is None:
            self.problems.append(f"run {run} ended, and was not under way")

    def _rest(self) -> None:
        self.idle += 1
        if self.open:
            self.problems.append(f"the worker is idle, and {self.open} have not ended")
            self.open = {}
