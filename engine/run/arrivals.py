"""Arrivals: what a run tells after every evaluation, while its tensors may still be on their way
from the device. Filled by `engine.generate`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import torch

from engine.errors import NonFiniteError
from engine.families.family import Ability
from engine.hardware.transfers import Mark, transfers_of
from engine.pipelines.pipeline import Pipeline
from engine.request.conditions import Conditions
from engine.request.request import Request
from engine.run.events import Step
from engine.run.noise import Noise
from engine.run.reuse import Predicted
from engine.run.timeline import Snapshot, Timeline
from engine.schedulers.scheduler import Scheduler, State


@dataclass(frozen=True, eq=False)
class Evaluated:
    """An evaluation that is done. now: what acted on it; before, state: those of the scheduler;
    begun: when."""

    now: Conditions
    scheduler: Scheduler
    before: State
    predicted: Predicted
    state: State
    begun: Mark


class Arrivals:
    """timeline: where the snapshots go. branches: where the way to them left other runs."""

    def __init__(self, pipeline: Pipeline, timeline: Timeline, branches: tuple[int, ...]) -> None:
        self._pipeline = pipeline
        self._transfers = transfers_of(pipeline.device)
        self._timeline = timeline
        self._branches = branches
        self._under_way: deque[Snapshot] = deque()  # that nobody has looked at yet
        self._seconds = 0.0  # that the latest evaluation took

    def mark(self) -> Mark:
        """This moment in the device's work."""
        return self._transfers.mark()

    def step(self, done: Evaluated, request: Request, noise: Noise) -> Step:
        """The evaluation's snapshot, put into the timeline, and what else there is to tell. The one
        that has arrived by now is looked at; raises NonFiniteError where it holds no numbers."""
        snapshot = self._snapshot(done, request, noise)
        self._under_way.append(snapshot)
        # A run's first evaluation is waited for: how long one takes is to be known.
        while len(self._under_way) > (self._transfers.behind if self._seconds else 0):
            self._seconds = _seconds_of(self._under_way.popleft(), self._pipeline)
            self._pipeline.pace.note_evaluation(self._seconds)
        self._timeline.add(snapshot)
        return Step(
            index=snapshot.index,
            total=done.state.total,
            timestep=done.scheduler.timesteps[snapshot.index],
            guidance_scale=snapshot.guidance_scale,
            snapshot=snapshot,
            seconds=self._seconds,
        )

    def wait(self) -> None:
        """Until all have arrived; raises NonFiniteError where one holds no numbers."""
        while self._under_way:
            _seconds_of(self._under_way.popleft(), self._pipeline)

    def _snapshot(self, done: Evaluated, request: Request, noise: Noise) -> Snapshot:
        predicted = done.predicted
        (before, state, unconditional, conditional, reused), arrival = self._transfers.fetch(
            (
                *(done.before, done.state),
                *(predicted.unconditional, predicted.conditional, predicted.reused),
            ),
            done.begun,
        )
        return Snapshot(
            index=before.index,
            before=before,
            state=state,
            unconditional=unconditional,
            conditional=conditional,
            guidance_scale=done.now.guidance_scale,
            guidance_rescale=done.now.request.guidance_rescale or 0.0,
            scheduler=done.scheduler,
            random_states=noise.states(),
            request=request,
            branches=self._branches,
            reused=reused,
            arrival=arrival,
        )


def _seconds_of(snapshot: Snapshot, pipeline: Pipeline) -> float:
    """The seconds that its evaluation took. Raises NonFiniteError if its latents are no numbers."""
    if not torch.isfinite(snapshot.latents).all():
        scale = f"a guidance scale lower than {snapshot.guidance_scale:g}, "
        raise NonFiniteError(
            f"The latents became infinite or NaN in step {snapshot.index + 1} of "
            f"{snapshot.state.total}. Take float32 (this is {pipeline.dtype}), "
            f"{scale if Ability.PROMPT in pipeline.abilities else ''}or another scheduler."
        )
    return snapshot.seconds
