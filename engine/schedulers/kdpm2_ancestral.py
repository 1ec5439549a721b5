"""DPM2 ancestral: the `kdpm2_ancestral` scheduler. DPM-Solver-2 (arXiv:2206.00927, algorithm 1) to
below the next sigma, and the fresh noise of DDPM's posterior (arXiv:2006.11239) up to it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from engine.schedulers.kdpm2 import KDPM2Options
from engine.schedulers.maths.prediction import weighted_sum
from engine.schedulers.scheduler import Description, State
from engine.schedulers.sigma_space import (
    SigmaSpace,
    ancestral,
    first_scale,
    levels,
    sigma_path,
    towards,
    with_middles,
)

if TYPE_CHECKING:
    from torch import Tensor

    from engine.schedulers.scheduler import Noise


class KDPM2Ancestral(SigmaSpace[KDPM2Options]):
    """Euler's step to the middle of now and down, a whole step to down with the slope there, and
    noise up to the next sigma. The last step, to sigma 0, is Euler's.

    history: in the middle of a step, the sample at its beginning.
    """

    options_type = KDPM2Options
    about = Description(
        name="kdpm2_ancestral",
        class_name="KDPM2AncestralDiscreteScheduler",
        label="DPM2 a",
        sentence="DPM2 with fresh noise in every step: crisp and full of surprises.",
        steps=(15, 40),
        stochastic=True,
        evaluations=2,
    )

    @classmethod
    def build(cls, options: KDPM2Options, steps: int) -> KDPM2Ancestral:
        path = sigma_path(options, steps, whole_karras=True)
        pairs = pairwise(path.sigmas[:-1])
        middles = [(now * ancestral(now, after)[0]) ** 0.5 for now, after in pairs]
        twice = with_middles(path, middles)
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
        down, up = ancestral(begin, after)
        if self.is_noise_alone(begin):
            x = towards(start, denoised, begin, down)
        else:
            x = weighted_sum(((1, start), (down - begin, self.slope(state, output, denoised))))
        return weighted_sum(((1, x), (up, noise(start.shape)))), ()
