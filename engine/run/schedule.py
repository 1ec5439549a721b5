"""Schedule: the scheduler of a run, which may go on with other options or other noise on the way.
Asked by `engine.generate` before every evaluation.
"""

from __future__ import annotations

from dataclasses import replace

from engine import schedulers
from engine.errors import RequestError
from engine.pipelines.pipeline import Pipeline
from engine.request.conditions import Conditions
from engine.request.request import Request
from engine.run.noise import varied
from engine.schedulers.scheduler import Scheduler, State


def scheduler_of(pipeline: Pipeline, request: Request) -> Scheduler:
    """The scheduler of a resolved request, with the options that it begins with. Raises
    SchedulerError or RequestError."""
    assert request.scheduler is not None
    options = dict(request.scheduler_options)
    if eta := request.eta:
        takers = [name for name in schedulers.names() if _takes_eta(name)]
        if schedulers.name_of(request.scheduler) not in takers:
            raise RequestError(
                "eta",
                f"{eta:g} means nothing to the scheduler {request.scheduler}. "
                f"Leave it at 0 or take {' or '.join(takers)}.",
            )
        options["eta"] = eta
    return schedulers.create(request.scheduler, pipeline.scheduler_config, request.steps, options)


def _takes_eta(name: str) -> bool:
    return any(option.name == "eta" for option in schedulers.describe(name).options)


class Schedule:
    """scheduler: the one that the run begins with."""

    def __init__(self, pipeline: Pipeline, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._pipeline = pipeline
        self._asked: object = None  # options and eta, as they were looked at last

    def entered(self, now: Conditions, state: State) -> tuple[Scheduler, State]:
        """The scheduler and the state that the next evaluation is to begin with: the very ones that
        there are, unless the scheduler's options change here or the noise is mixed anew. Either
        starts the scheduler again at this evaluation, since its history belongs to the way that is
        left.

        Raises RequestError where that cannot be.
        """
        options = now.request.scheduler_options, now.request.eta
        if not now.varied and options == self._asked:
            return self._scheduler, state
        self._asked = options
        asked = scheduler_of(self._pipeline, now.request)
        mixed = [vary for vary in now.varied if vary["amount"]]
        if asked.options == self._scheduler.options and not mixed:
            return self._scheduler, state
        self._check_entry(asked, now.request, state.index)
        self._scheduler = asked
        sample = state.sample
        for vary in mixed:
            sample = varied(sample, state.denoised, asked, state.index, **vary)
        return asked, replace(asked.start(sample, state.index), denoised=state.denoised)

    def _check_entry(self, asked: Scheduler, request: Request, index: int) -> None:
        same_level = asked.levels[index] == self._scheduler.levels[index]
        if asked.timesteps != self._scheduler.timesteps or not same_level:
            raise RequestError(
                "scheduler_options",
                f"{dict(request.scheduler_options)} leads over other timesteps or noise levels "
                f"than the run had up to step {index}. Change these from the beginning.",
            )
        if index not in asked.entries:
            raise RequestError(
                "edits",
                f"after step {index} the scheduler {request.scheduler} is in the middle of a step "
                "that takes several evaluations. Choose the step before or after it.",
            )
