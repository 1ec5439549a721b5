"""The runs of `safelight render`: what comes of them is saved, and what is to be said about it is
said. Called by `app.cli.render`. Imports neither Qt nor torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import TYPE_CHECKING

from app.cli.complaints import Complaints
from app.cli.progress import Told, with_progress
from engine.errors import EngineError
from engine.run.branch import left
from engine.run.events import Encoded, Finished, Step

if TYPE_CHECKING:
    from PIL.Image import Image

    from app.cli.films import Films
    from app.cli.targets import Targets
    from engine.pipelines.pipeline import Pipeline
    from engine.record.record import Record
    from engine.request.grid import Grid
    from engine.request.request import Request


@dataclass
class Development:
    """origin: the record of the image that the runs leave at `step`; None where they begin from
    nothing. grid: what the requests are the cells of."""

    engine: ModuleType
    requests: Sequence[Request]
    targets: Targets
    films: Films
    grid: Grid | None = None
    origin: Record | None = None
    step: int = 0
    complaints: Complaints = field(default_factory=Complaints)

    def run(self, pipeline: Pipeline) -> list[Image | None]:
        """Save what comes: the first image of each run, None where there is none."""
        pictures: list[Image | None] = [None] * len(self.requests)
        for run, event in with_progress(self._events(pipeline), self.requests):
            if isinstance(event, Encoded):
                self.complaints.note_cut_words(event)
            elif isinstance(event, Step):
                self._show(pipeline, run, event)
            elif isinstance(event, Finished):
                pictures[run] = event.images[0]
                self._keep(run, event)
            elif isinstance(event, EngineError):
                self.complaints.fail(f"{self._name(run)}: {event}")
        return pictures

    def _events(self, pipeline: Pipeline) -> Iterator[Told]:
        if len(self.requests) > 1:
            return self.engine.compare(pipeline, self.requests)
        return ((0, event) for event in self.engine.generate(pipeline, self.requests[0]))

    def _show(self, pipeline: Pipeline, run: int, event: Step) -> None:
        if event.index == 0:
            self.complaints.note_late_edits(self.requests[run], event.total)
        if self.films.wanted:
            pixels = self.engine.preview(pipeline, event.snapshot.denoised, kind="vae")
            self.films.add(run, event.index, pixels)

    def _keep(self, run: int, event: Finished) -> None:
        if self.origin:
            event = _with_path(event, self.requests[run], self.origin, self.step)
        try:
            self.targets.save(event.images, event.record, run)
            for note in self.targets.notes:
                self.complaints.note(note)
            self.films.finish(run)
        except EngineError as error:
            self.complaints.fail(str(error))

    def _name(self, run: int) -> str:
        return self.grid.title(run) if self.grid else f"variation {run + 1}"


def _with_path(finished: Finished, request: Request, origin: Record, step: int) -> Finished:
    """The branch's result with a record that says at which steps the way to it left another run's,
    the image's own way first."""
    branches = origin.branches
    if request != origin.request:
        branches = left(branches, step)
    return replace(finished, record=replace(finished.record, branches=branches))
