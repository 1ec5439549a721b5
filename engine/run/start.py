"""Start: what a run begins with: noise, or a snapshot of a run that came so far. Asked once by
`engine.generate`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from engine.errors import RequestError
from engine.hardware.transfers import all_uploaded
from engine.pipelines.pipeline import Pipeline
from engine.request.request import Request
from engine.run.branch import continued
from engine.run.noise import Noise
from engine.run.reuse import Reused
from engine.run.schedule import scheduler_of
from engine.run.timeline import Snapshot
from engine.schedulers.scheduler import Scheduler, State


@dataclass(frozen=True, eq=False)
class Beginning:
    """What the first evaluation finds.

    request: the run, told from nothing. branches: the evaluations at which the way to here left
    other runs. reused: see `engine.run.reuse`.
    """

    request: Request
    scheduler: Scheduler
    state: State
    branches: tuple[int, ...] = ()
    reused: tuple[Reused, ...] = ()


class Start(Protocol):
    def begin(self, pipeline: Pipeline, request: Request, noise: Noise) -> Beginning:
        """The beginning of a resolved request, with its tensors on the pipeline's device. The noise
        is left as the first evaluation is to find it. Raises RequestError or SchedulerError."""
        ...


class FromNoise:
    """The first noise of every image, at the level that the scheduler begins with."""

    def begin(self, pipeline: Pipeline, request: Request, noise: Noise) -> Beginning:
        scheduler = scheduler_of(pipeline, request)
        state = scheduler.start(noise.draw() * scheduler.init_noise_sigma)
        return Beginning(request, scheduler, state)


class FromSnapshot:
    """The state after one evaluation of a run, with all that the rest of it depends on."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def begin(self, pipeline: Pipeline, request: Request, noise: Noise) -> Beginning:
        snapshot = self._snapshot
        request, branches = continued(request, snapshot)
        _check_shape(snapshot, noise.shape)
        noise.restore(snapshot.random_states)
        return Beginning(
            request,
            snapshot.scheduler,
            all_uploaded(snapshot.state, pipeline.device),
            branches,
            all_uploaded(snapshot.reused, pipeline.device),
        )


def start_of(snapshot: Snapshot | None) -> Start:
    """Where a run starts that `engine.generate` is asked for."""
    return FromNoise() if snapshot is None else FromSnapshot(snapshot)


def _check_shape(start: Snapshot, shape: tuple[int, ...]) -> None:
    if tuple(start.latents.shape) != shape:
        raise RequestError(
            "start",
            f"the snapshot holds latents of {tuple(start.latents.shape)}, this model makes {shape} "
            "of the request. Take the model that the snapshot stems from.",
        )
