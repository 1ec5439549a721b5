"""Euler: the `euler` scheduler. "Elucidating the Design Space of Diffusion-Based Generative
Models", arXiv:2206.00364, algorithm 1 without its second order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from engine.schedulers.options import (
    FinalSigmaOptions,
    SigmaOptions,
    SigmaRangeOptions,
    Spacing,
    SpacingOptions,
    ZeroSnrOptions,
)
from engine.schedulers.scheduler import Description, State
from engine.schedulers.sigma_space import SigmaSpace, first_scale, levels, sigma_path, towards

if TYPE_CHECKING:
    from torch import Tensor

    from engine.schedulers.scheduler import Noise


@dataclass(frozen=True, kw_only=True)
class EulerOptions(
    FinalSigmaOptions, SigmaRangeOptions, SigmaOptions, ZeroSnrOptions, SpacingOptions
):
    """interpolation_type, timestep_type: only diffusers' defaults."""

    timestep_spacing: Spacing = "linspace"
    interpolation_type: Literal["linear"] = "linear"
    timestep_type: Literal["discrete"] = "discrete"


class Euler(SigmaSpace[EulerOptions]):
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
        path = sigma_path(options, steps)
        return cls(options, path.times, levels(path), first_scale(options, path))

    def advance(
        self, state: State, output: Tensor, denoised: Tensor, noise: Noise
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        now, after = self.sigma_pair(state.index)
        return towards(state.sample, denoised, now, after), ()
