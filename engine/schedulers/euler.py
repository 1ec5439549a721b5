"""Euler: the `euler` scheduler. "Elucidating the Design Space of Diffusion-Based Generative
Models", arXiv:2206.00364, algorithm 1 without its second order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from engine.schedulers.base import Description, Scheduler, State
from engine.schedulers.options import SigmaRangeOptions, Spacing, TrainingOptions, ZeroSnrOptions
from engine.schedulers.prediction import Level, weighted_sum
from engine.schedulers.tables import (
    alpha_bars,
    finite,
    interpolate,
    sigmas,
    spaced_sigmas,
    timestep_of,
    timesteps,
)

if TYPE_CHECKING:
    from torch import Tensor

    from engine.schedulers.base import Noise


@dataclass(frozen=True, kw_only=True)
class EulerOptions(SigmaRangeOptions, ZeroSnrOptions, TrainingOptions):
    """interpolation_type, timestep_type: only diffusers' defaults."""

    timestep_spacing: Spacing = "linspace"
    interpolation_type: Literal["linear"] = "linear"
    timestep_type: Literal["discrete"] = "discrete"


class Euler(Scheduler[EulerOptions]):
    """A straight line along dx/dsigma = (x - x_0) / sigma to the next sigma."""

    options_type = EulerOptions
    about = Description(
        name="euler",
        class_name="EulerDiscreteScheduler",
        label="Euler",
        sentence="The simplest there is: quick, soft, and true to the prompt from 20 steps on.",
        steps=(15, 50),
    )

    @classmethod
    def build(cls, options: EulerOptions, steps: int) -> Euler:
        table = sigmas(finite(alpha_bars(options, options.rescale_betas_zero_snr)))
        times = timesteps(options, steps, whole=False)
        path = tuple(interpolate(t, range(len(table)), table) for t in times)
        spaced = spaced_sigmas(options, path[-1], path[0], steps)
        if spaced is not None:
            path, times = spaced, tuple(timestep_of(sigma, table) for sigma in spaced)
        last = 0.0 if options.final_sigmas_type == "zero" else table[0]
        levels = [Level(1.0, sigma) for sigma in (*path, last)]
        highest = max(levels, key=lambda level: level.sigma)
        first = highest.norm if options.timestep_spacing == "leading" else highest.sigma
        return cls(options, times, levels, first)

    def input_scale(self, index: int) -> float:
        return 1 / self.levels[index].norm if index < len(self.timesteps) else 1.0

    def advance(
        self, state: State, output: Tensor, denoised: Tensor, noise: Noise
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        now, after = self.levels[state.index : state.index + 2]
        left = after.sigma / now.sigma
        return weighted_sum(((left, state.sample), (1 - left, denoised))), ()
