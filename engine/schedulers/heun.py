"""Heun: the `heun` scheduler. "Elucidating the Design Space of Diffusion-Based Generative Models",
arXiv:2206.00364, algorithm 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.schedulers.maths.prediction import weighted_sum
from engine.schedulers.maths.tables import Path
from engine.schedulers.options import ClipOptions, SigmaOptions, Spacing, SpacingOptions
from engine.schedulers.scheduler import Description, State
from engine.schedulers.sigma_space import SigmaSpace, first_scale, levels, sigma_path, towards

if TYPE_CHECKING:
    from torch import Tensor

    from engine.schedulers.scheduler import Noise


@dataclass(frozen=True, kw_only=True)
class HeunOptions(ClipOptions, SigmaOptions, SpacingOptions):
    beta_start: float = 0.00085
    beta_end: float = 0.012
    clip_sample: bool = False
    timestep_spacing: Spacing = "linspace"


class Heun(SigmaSpace[HeunOptions]):
    """Euler's step, then the same step again with the mean of the slopes at its two ends. The last
    step, to sigma 0, has a slope at its beginning only.

    history: in the middle of a step, the sample and the slope at its beginning.
    """

    options_type = HeunOptions
    about = Description(
        name="heun",
        class_name="HeunDiscreteScheduler",
        label="Heun",
        sentence="Looks twice at every step: twice the time, and fine detail from few steps.",
        steps=(10, 30),
        evaluations=2,
    )

    @classmethod
    def build(cls, options: HeunOptions, steps: int) -> Heun:
        path = sigma_path(options, steps)
        times, ends = path.times[1:], path.sigmas[1:-1]
        twice = Path(
            (path.times[0], *(t for t in times for _ in range(2))),
            (path.sigmas[0], *(sigma for sigma in ends for _ in range(2)), path.sigmas[-1]),
            path.table,
        )
        return cls(options, twice.times, levels(twice), first_scale(options, path))

    def advance(
        self, state: State, output: Tensor, denoised: Tensor, noise: Noise
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        now, after = self.sigma_pair(state.index)
        slope = self.slope(state, output, denoised)
        if state.index % 2 == 0:
            x = towards(state.sample, denoised, now, after)
            return x, (state.sample, slope) if after > 0 else ()
        start, first = state.history
        begin = self.levels[state.index - 1].sigma
        if self.is_noise_alone(begin):
            return towards(start, denoised, begin, now), ()
        half = (now - begin) / 2
        return weighted_sum(((1, start), (half, first), (half, slope))), ()
