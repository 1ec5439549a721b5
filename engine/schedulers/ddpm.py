"""DDPM: the `ddpm` scheduler. "Denoising Diffusion Probabilistic Models", arXiv:2006.11239."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from engine.schedulers.maths.prediction import Level, weighted_sum
from engine.schedulers.maths.tables import alpha_bars, timesteps
from engine.schedulers.options import (
    ClipOptions,
    SpacingOptions,
    ThresholdOptions,
    ZeroSnrOptions,
)
from engine.schedulers.scheduler import Description, Scheduler, State

if TYPE_CHECKING:
    from torch import Tensor

    from engine.schedulers.scheduler import Noise


@dataclass(frozen=True, kw_only=True)
class DDPMOptions(ZeroSnrOptions, ClipOptions, ThresholdOptions, SpacingOptions):
    """variance_type: the variance of the noise in a step, section 3.2: small is the posterior's for
    a known image, large is beta. The log forms are other ways to compute the same."""

    variance_type: Literal["fixed_small", "fixed_small_log", "fixed_large", "fixed_large_log"] = (
        "fixed_small"
    )


class DDPM(Scheduler[DDPMOptions]):
    """Algorithm 2, with the mean of equation 7."""

    options_type = DDPMOptions
    about = Description(
        name="ddpm",
        class_name="DDPMScheduler",
        label="DDPM",
        sentence="Fresh noise in every step: full of variety, and slow, as it wants hundreds.",
        steps=(100, 1000),
        stochastic=True,
    )

    @classmethod
    def build(cls, options: DDPMOptions, steps: int) -> DDPM:
        bars = alpha_bars(options, options.rescale_betas_zero_snr)
        times = timesteps(options, steps)
        visited = [*(bars[int(t)] for t in times), 1.0]
        return cls(options, times, [Level.of_alpha_bar(bar) for bar in visited])

    def advance(
        self, state: State, output: Tensor, denoised: Tensor, noise: Noise
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        now, after = self.levels[state.index : state.index + 2]
        alpha = now.alpha / after.alpha  # the root of the paper's alpha_t
        beta = 1 - alpha**2
        kept = (after.sigma / now.sigma) ** 2
        terms = [(after.alpha * beta / now.sigma**2, denoised), (alpha * kept, state.sample)]
        if after.sigma > 0:  # the last step ends at the mean
            variance = beta if "large" in self.options.variance_type else kept * beta
            terms.append((math.sqrt(variance), noise(output.shape)))
        return weighted_sum(terms), ()
