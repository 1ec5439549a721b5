"""LMS: the `lms` scheduler. The linear multistep method of Adams and Bashforth over sigma, for the
equation of "Elucidating the Design Space of Diffusion-Based Generative Models", arXiv:2206.00364,
as k-diffusion made it known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.schedulers.maths.prediction import weighted_sum
from engine.schedulers.maths.quadrature import weights
from engine.schedulers.options import SigmaOptions, Spacing, SpacingOptions
from engine.schedulers.scheduler import Description, State
from engine.schedulers.sigma_space import SigmaSpace, first_scale, levels, sigma_path

if TYPE_CHECKING:
    from torch import Tensor

    from engine.schedulers.scheduler import Noise

ORDER = 4
LOUDEST, LOUDEST_OF_IMAGES = 200.0, 30.0
"""What an error in the slopes may be multiplied by in a step, the sum of the weights' sizes: 7
where the steps are alike, and 199 in the last of 50 steps with exponential sigmas. The slopes are
the network's own there, small at a small sigma; of a network that predicts the image they are its
errors divided by that sigma."""


@dataclass(frozen=True, kw_only=True)
class LMSOptions(SigmaOptions, SpacingOptions):
    timestep_spacing: Spacing = "linspace"


class LMS(SigmaSpace[LMSOptions]):
    """The polynomial through the last four slopes, integrated to the next sigma. Where that reaches
    far beyond them, as the last of many steps with Karras, exponential or beta sigmas does, the
    polynomial goes through fewer: a cubic would make the picture out of the network's errors.

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
        shares = self._shares(state.index, len(slopes))
        latest = slopes[-len(shares) :]
        terms = [((after - now) * w, d) for w, d in zip(shares, latest, strict=True)]
        return weighted_sum([(1, state.sample), *terms]), slopes

    def _shares(self, index: int, known: int) -> list[float]:
        """What each of the latest slopes counts for in this step, oldest first; their sum is 1."""
        now, after = self.sigma_pair(index)
        of_images = self.options.prediction_type == "sample"
        loudest = LOUDEST_OF_IMAGES if of_images else LOUDEST
        for order in range(known, 1, -1):
            past = [level.sigma for level in self.levels[index + 1 - order : index + 1]]
            nodes = [(sigma - now) / (after - now) for sigma in past]
            shares = weights(nodes, [1 / (i + 1) for i in range(order)])
            if sum(map(abs, shares)) <= loudest:
                return shares
        return [1.0]
