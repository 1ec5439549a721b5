"""Euler ancestral: the `euler_ancestral` scheduler. The posterior of "Denoising Diffusion
Probabilistic Models", arXiv:2006.11239, over any sigmas, as k-diffusion made it known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.schedulers.maths.prediction import weighted_sum
from engine.schedulers.options import Spacing, SpacingOptions, ZeroSnrOptions
from engine.schedulers.scheduler import Description, State
from engine.schedulers.sigma_space import (
    SigmaSpace,
    ancestral,
    first_scale,
    levels,
    sigma_path,
    towards,
)

if TYPE_CHECKING:
    from torch import Tensor

    from engine.schedulers.scheduler import Noise


@dataclass(frozen=True, kw_only=True)
class EulerAncestralOptions(ZeroSnrOptions, SpacingOptions):
    timestep_spacing: Spacing = "linspace"


class EulerAncestral(SigmaSpace[EulerAncestralOptions]):
    """Euler's step to below the next sigma, and fresh noise up to it."""

    options_type = EulerAncestralOptions
    about = Description(
        name="euler_ancestral",
        class_name="EulerAncestralDiscreteScheduler",
        label="Euler a",
        sentence="Adds fresh noise in every step: lively, and a new picture for every step count.",
        steps=(20, 60),
        stochastic=True,
    )

    @classmethod
    def build(cls, options: EulerAncestralOptions, steps: int) -> EulerAncestral:
        path = sigma_path(options, steps)
        return cls(options, path.times, levels(path), first_scale(options, path))

    def advance(
        self, state: State, output: Tensor, denoised: Tensor, noise: Noise
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        now, after = self.sigma_pair(state.index)
        down, up = ancestral(now, after)
        x = towards(state.sample, denoised, now, down)
        return weighted_sum(((1, x), (up, noise(x.shape)))) if up > 0 else x, ()
