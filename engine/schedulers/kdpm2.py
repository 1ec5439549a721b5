"""DPM2: the `kdpm2` scheduler. "DPM-Solver: A Fast ODE Solver for Diffusion Probabilistic Model
Sampling in Around 10 Steps", arXiv:2206.00927, algorithm 1, with Karras et al.'s equation
(arXiv:2206.00364), as k-diffusion made it known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.schedulers.maths.prediction import weighted_sum
from engine.schedulers.options import SigmaOptions, Spacing, SpacingOptions
from engine.schedulers.scheduler import Description, State
from engine.schedulers.sigma_space import (
    SigmaSpace,
    first_scale,
    levels,
    log_middles,
    sigma_path,
    towards,
    with_middles,
)

if TYPE_CHECKING:
    from torch import Tensor

    from engine.schedulers.scheduler import Noise


@dataclass(frozen=True, kw_only=True)
class KDPM2Options(SigmaOptions, SpacingOptions):
    beta_start: float = 0.00085
    beta_end: float = 0.012
    timestep_spacing: Spacing = "linspace"


class KDPM2(SigmaSpace[KDPM2Options]):
    """Euler's step to the middle, then a whole step with the slope that is found there. The last
    step, to sigma 0, is Euler's.

    history: in the middle of a step, the sample at its beginning.
    """

    options_type = KDPM2Options
    about = Description(
        name="kdpm2",
        class_name="KDPM2DiscreteScheduler",
        label="DPM2",
        sentence="Looks ahead to the middle of every step: twice the time, and crisp detail.",
        steps=(10, 30),
        evaluations=2,
    )

    @classmethod
    def build(cls, options: KDPM2Options, steps: int) -> KDPM2:
        path = sigma_path(options, steps, whole_karras=True)
        twice = with_middles(path, log_middles(path.sigmas[:-1]))
        return cls(options, twice.times, levels(twice), first_scale(options, path))

    def advance(
        self, state: State, output: Tensor, denoised: Tensor, noise: Noise
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        now, after = self.sigma_pair(state.index)
        if state.index % 2 == 0:
            x = towards(state.sample, denoised, now, after)
            return x, (state.sample,) if after > 0 else ()
        (start,) = state.history
        begin = self.levels[state.index - 1].sigma
        if self.is_noise_alone(begin):
            return towards(start, denoised, begin, after), ()
        length = after - begin
        return weighted_sum(((1, start), (length, self.slope(state, output, denoised)))), ()
