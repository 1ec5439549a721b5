"""LMS: the `lms` scheduler. The linear multistep method of Adams and Bashforth over sigma, for the
equation of "Elucidating the Design Space of Diffusion-Based Generative Models", arXiv:2206.00364,
as k-diffusion made it known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.schedulers.base import Description, State
from engine.schedulers.options import SigmaOptions, Spacing, SpacingOptions
from engine.schedulers.prediction import weighted_sum
from engine.schedulers.quadrature import weights
from engine.schedulers.sigma_space import SigmaSpace, first_scale, levels, sigma_path

if TYPE_CHECKING:
    from torch import Tensor

    from engine.schedulers.base import Noise

ORDER = 4


@dataclass(frozen=True, kw_only=True)
class LMSOptions(SigmaOptions, SpacingOptions):
    timestep_spacing: Spacing = "linspace"


class LMS(SigmaSpace[LMSOptions]):
    """The polynomial through the last four slopes, integrated to the next sigma.

    history: the slopes (x - x_0) / sigma of the last evaluations, oldest first.
    """

    options_type = LMSOptions
    about = Description(
        name="lms",
        class_name="LMSDiscreteScheduler",
        label="LMS",
        sentence="Learns from its last four steps: smooth, but wants 30 steps or more.",
        steps=(25, 60),
    )

    @classmethod
    def build(cls, options: LMSOptions, steps: int) -> LMS:
        path = sigma_path(options, steps)
        return cls(options, path.times, levels(path), first_scale(options, path))

    def advance(
        self, state: State, output: Tensor, denoised: Tensor, noise: Noise
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        now, after = self.sigma_pair(state.index)
        slope = self.slope(state, output, denoised)
        slopes = (*state.history, slope)[-ORDER:]
        first = state.index + 1 - len(slopes)
        past = [level.sigma for level in self.levels[first : state.index + 1]]
        nodes = [(sigma - now) / (after - now) for sigma in past]
        moments = [1 / (i + 1) for i in range(len(nodes))]
        terms = [
            ((after - now) * w, d) for w, d in zip(weights(nodes, moments), slopes, strict=True)
        ]
        return weighted_sum([(1, state.sample), *terms]), slopes
