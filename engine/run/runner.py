"""Runner: whoever makes what a plan asks for and tells of it in events: this process, or later a
machine of a cluster. Asked by the window's worker.

    runner = engine.LocalRunner(pipeline)
    with closing(runner.run(engine.RunPlan(requests), controls, timelines)) as events:
        for number, event in events:
            ...

Imports no torch.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from engine.errors import EngineError

if TYPE_CHECKING:
    from engine.pipelines.pipeline import Pipeline
    from engine.request.request import Request
    from engine.run.control import Control
    from engine.run.events import Event
    from engine.run.timeline import Snapshot, Timeline

    Told = tuple[int, Event | EngineError]
    """The number of a request of the plan, and what its run has to say: the events of
    `engine.generate`, the last of them Finished, Cancelled or the error that it failed with."""


@dataclass(frozen=True, eq=False)
class RunPlan:
    """Runs that are made side by side. start: the snapshot that all of them start at; None means
    noise."""

    requests: tuple[Request, ...]
    start: Snapshot | None = None


class Runner(Protocol):
    def run(
        self,
        plan: RunPlan,
        controls: Sequence[Control] | None = None,
        timelines: Sequence[Timeline] | None = None,
    ) -> Generator[Told, None, None]:
        """The events of all runs, as they come; close the generator to let go of the work.

        controls, timelines: one for each request; None means new ones. A run that fails with an
        EngineError tells it as its last event and leaves the others alone; whatever else is raised
        ends them all."""
        ...


class LocalRunner:
    """Runs on a loaded pipeline, in the thread that asks for the next event."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

    def run(
        self,
        plan: RunPlan,
        controls: Sequence[Control] | None = None,
        timelines: Sequence[Timeline] | None = None,
    ) -> Generator[Told, None, None]:
        """See Runner. What several runs have in common is done once: see `engine.compare`."""
        if len(plan.requests) == 1:
            control = controls[0] if controls else None
            timeline = timelines[0] if timelines else None
            yield from self._alone(plan.requests[0], control, plan.start, timeline)
            return
        from engine.run.compare import compare  # brings torch

        yield from compare(self._pipeline, plan.requests, controls, plan.start, timelines)

    def _alone(
        self,
        request: Request,
        control: Control | None,
        start: Snapshot | None,
        timeline: Timeline | None,
    ) -> Generator[Told, None, None]:
        """A single run has nothing to look for in others."""
        from engine.run.generate import generate  # brings torch

        events = generate(self._pipeline, request, control, start, timeline)
        try:
            with closing(events):  # type: ignore[type-var]
                for event in events:
                    yield 0, event
        except EngineError as error:
            yield 0, error
