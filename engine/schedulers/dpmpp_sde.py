"""DPM++ SDE: the `dpmpp_sde` scheduler. The stochastic form of DPM-Solver++ with a middle point,
arXiv:2211.01095 and arXiv:2305.14267, as k-diffusion made it known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.schedulers.maths.prediction import weighted_sum
from engine.schedulers.options import SigmaOptions, Spacing, SpacingOptions
from engine.schedulers.scheduler import Description, State
from engine.schedulers.sigma_space import (
    SigmaSpace,
    ancestral,
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
class DPMppSDEOptions(SigmaOptions, SpacingOptions):
    beta_start: float = 0.00085
    beta_end: float = 0.012
    timestep_spacing: Spacing = "linspace"
    noise_sampler_seed: None = None


class DPMppSDE(SigmaSpace[DPMppSDEOptions]):
    """An ancestral step to the middle, then an ancestral step over the whole with the x_0 that is
    predicted there. The last step, to sigma 0, is Euler's.

    The two noises of a step are one Brownian motion over sigma, seen at the middle and at the end:
    its increments over the two halves are independent normal draws, and the noise of the whole step
    is their sum, scaled back to variance 1.

    history: in the middle of a step, the sample at its beginning and the noise of the first half.
    """

    options_type = DPMppSDEOptions
    about = Description(
        name="dpmpp_sde",
        class_name="DPMSolverSDEScheduler",
        label="DPM++ SDE",
        sentence="Rich texture from few steps; each takes twice the time.",
        steps=(8, 30),
        stochastic=True,
        evaluations=2,
    )

    @classmethod
    def build(cls, options: DPMppSDEOptions, steps: int) -> DPMppSDE:
        path = sigma_path(options, steps)
        twice = with_middles(path, log_middles(path.sigmas[:-1]))
        return cls(options, twice.times, levels(twice), first_scale(options, path))

    def advance(
        self, state: State, output: Tensor, denoised: Tensor, noise: Noise
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        now, after = self.sigma_pair(state.index)
        if after == 0:
            return towards(state.sample, denoised, now, after), ()
        z = noise(state.sample.shape)
        if state.index % 2 == 0:
            down, up = ancestral(now, after)
            x = towards(state.sample, denoised, now, down)
            return weighted_sum(((1, x), (up, z))), (state.sample, z)
        start, z_before = state.history
        begin = self.levels[state.index - 1].sigma
        down, up = ancestral(begin, after)
        x = towards(start, denoised, begin, down)
        before, since = (math.sqrt(part / (begin - after)) for part in (begin - now, now - after))
        return weighted_sum(((1, x), (up * before, z_before), (up * since, z))), ()
