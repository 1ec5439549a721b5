"""Running: a plan, from the engine's events to the worker's signals. Called by the worker, in its
own thread.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from app.i18n import tr
from app.state import pixels
from app.state.runs.plan import Begun, BegunRun
from app.state.runs.run import RunResult, StepView
from app.worker.branches import settled, start_of
from app.worker.loading import LoadGivenUp
from app.worker.sentences import sentence_of
from app.worker.shown_steps import ShownSteps
from app.worker.sketches import Sketches
from engine.families.family import Ability
from engine.request.conditions import course
from engine.run.events import Cancelled, Encoded, Finished, Step
from engine.run.runner import RunPlan

if TYPE_CHECKING:
    from PIL.Image import Image

    from app.state.runs.plan import Plan
    from app.state.runs.run_memory import RunMemory
    from app.worker.engine_door import Engine
    from app.worker.loading import PresentModel
    from app.worker.saving import Saving
    from app.worker.signals import WorkerSignals
    from engine.pipelines.pipeline import Pipeline
    from engine.request.grid import Grid
    from engine.request.request import Request
    from engine.run.control import Control
    from engine.run.events import Event
    from engine.run.timeline import Snapshot


@dataclass(eq=False)
class RunUnderWay:
    """One run of the plan. job: what its images' records say; written: files that are there
    already, by the image's number; latest: the last evaluation that was shown; told: the request
    whose guidance was told last; image: the first that it came to."""

    begun: BegunRun
    job: str
    written: dict[int, str]
    latest: int
    shown: ShownSteps = field(default_factory=ShownSteps)
    told: Request | None = None
    image: Image | None = None
    over: bool = False


class Running:
    def __init__(
        self,
        engine: Engine,
        tell: WorkerSignals,
        present: PresentModel,
        memory: RunMemory,
        saving: Saving,
    ) -> None:
        self._engine = engine
        self._tell = tell
        self._present = present
        self._memory = memory
        self._saving = saving
        self._number = 0  # counts the runs

    def run(self, plan: Plan, folder: Path, controls: tuple[Control, ...]) -> None:
        """Make the images of the plan and write them into `folder`. No error leaves here: what
        went wrong is told as failed or refused."""
        runs: list[RunUnderWay] = []
        try:
            origin = plan.origin
            made_with = self._memory.made_with(origin.run) if origin else None
            pipeline = self._present.ready_for(plan, made_with)
            start = start_of(plan, self._memory)
            runs = self._begin(plan, start)
            self._tell.started.emit(Begun(plan, tuple(run.begun for run in runs)))
            self._follow(runs, pipeline, start, controls, folder)
            if plan.grid is not None and any(run.image for run in runs):
                self._make_sheet(plan.grid, runs, folder)
        except LoadGivenUp as end:
            self._tell.refused.emit(str(end))
        except Exception as error:
            sentence = sentence_of(error, tr("make the image"))
            if not runs:
                self._tell.refused.emit(sentence)
            for run in runs:
                if not run.over:
                    self._tell.failed.emit(run.begun.number, sentence)

    def _begin(self, plan: Plan, start: Snapshot | None) -> list[RunUnderWay]:
        source, card = self._present.source, self._present.card
        assert source is not None and card is not None
        runs = []
        for place, request in enumerate(settled(plan, start, card)):
            self._number += 1
            begun = BegunRun(
                number=self._number,
                request=request,
                first=0 if start is None else start.state.index,
                parent=plan.origin.run if plan.origin else None,
                label=plan.grid.label(place) if plan.grid else "",
                title=plan.grid.title(place) if plan.grid else "",
                varied=plan.vary is not None,
            )
            written = {i: path for (number, i), path in plan.written.items() if number == place}
            runs.append(RunUnderWay(begun, f"{plan.job}/{place}", written, begun.first - 1))
        share = self._memory.budget // len(runs)
        for run in runs:
            self._memory.begin(run.begun, source, self._engine.Timeline(share))
        return runs

    def _follow(
        self,
        runs: list[RunUnderWay],
        pipeline: Pipeline,
        start: Snapshot | None,
        controls: tuple[Control, ...],
        folder: Path,
    ) -> None:
        """Tell of all events of the runs."""
        sketches = Sketches(self._engine, self._tell, pipeline, self._memory.budget)
        plan = RunPlan(tuple(run.begun.request for run in runs), start)
        # What is shown is kept in the memory, and what is not shown nowhere.
        passing = [self._engine.Timeline(0) for _ in runs]
        runner = self._engine.LocalRunner(pipeline)
        with contextlib.closing(runner.run(plan, controls, passing)) as events:
            for place, event in events:
                if isinstance(event, Step):
                    self._report_step(event, runs[place], sketches, pipeline)
                else:
                    self._report(event, runs[place], folder)

    def _report(self, event: Event | Exception, run: RunUnderWay, folder: Path) -> None:
        number = run.begun.number
        match event:
            case Encoded():
                self._tell.encoded.emit(number, event.token_count, event.truncated)
                self._tell.negativeEncoded.emit(number, event.negative_truncated)
                return
            case Cancelled():
                self._tell.cancelled.emit(number, event.at)
            case Finished():
                self._tell.finished.emit(self._result(event, run, folder))
            case Exception():
                self._tell.failed.emit(number, sentence_of(event, tr("make the image")))
        run.over = True

    def _report_step(
        self, step: Step, run: RunUnderWay, sketches: Sketches, pipeline: Pipeline
    ) -> None:
        number, request = run.begun.number, step.snapshot.request
        if run.shown.shows(step):
            view = self._view(step, run, sketches, pipeline)
            self._memory.keep(number, step.snapshot)
            self._tell.stepped.emit(view)
        if request is not run.told:
            run.told = request
            self._tell.told.emit(number, request)
            if Ability.PROMPT in pipeline.abilities:
                self._tell.planned.emit(number, _scales(request, step.total))

    def _view(
        self, step: Step, run: RunUnderWay, sketches: Sketches, pipeline: Pipeline
    ) -> StepView:
        begun = time.perf_counter()
        sketch = sketches.of(step, run.begun.number)
        after, run.latest = run.latest, step.index
        is_guided = Ability.PROMPT in pipeline.abilities
        return StepView(
            run=run.begun.number,
            index=step.index,
            total=step.total,
            guidance_scale=step.guidance_scale if is_guided else None,
            seconds=run.shown.seconds_a_step(time.perf_counter() - begun),
            predicted=sketch.predicted,
            noisy=sketch.noisy,
            kind=sketch.kind,
            edits=tuple(e for e in step.snapshot.request.edits if after < e.step <= step.index),
        )

    def _result(self, event: Finished, run: RunUnderWay, folder: Path) -> RunResult:
        number, request = run.begun.number, run.begun.request
        run.image = event.images[0]
        record = replace(event.record, job=run.job)
        paths, save_error = self._saving.save_images(
            number, event.images, record, folder, run.written
        )
        images = tuple(pixels.from_pil(image) for image in event.images)
        return RunResult(number, request, images, pixels.sheet(images), paths, save_error)

    def _make_sheet(self, grid: Grid, runs: list[RunUnderWay], folder: Path) -> None:
        """One picture of all images of a comparison."""
        try:
            images = [run.image for run in runs]
            sheet = self._saving.save_sheet(grid, runs[0].begun, images, folder)
        except Exception as error:
            self._tell.saveFailed.emit(sentence_of(error, tr("make one picture of the grid")))
        else:
            self._tell.compared.emit(sheet)


def _scales(request: Request, total: int) -> tuple[float | None, ...]:
    """The guidance scale of every evaluation, None where guidance is off."""
    return tuple(now.guidance_scale if now.guided else None for now in course(request, total))
