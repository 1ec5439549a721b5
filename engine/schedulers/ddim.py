"""DDIM: the `ddim` scheduler. "Denoising Diffusion Implicit Models", arXiv:2010.02502."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.errors import SchedulerError
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
class DDIMOptions(ZeroSnrOptions, ClipOptions, ThresholdOptions, SpacingOptions):
    """set_alpha_to_one: the last step goes to the image itself, not to the first training timestep.
    eta: the share of DDPM's noise in each step, 0 to 1."""

    set_alpha_to_one: bool = True
    eta: float = 0.0


class DDIM(Scheduler[DDIMOptions]):
    """Equation 12: to the predicted image, and back towards where the sample came from."""

    options_type = DDIMOptions
    about = Description(
        name="ddim",
        class_name="DDIMScheduler",
        label="DDIM",
        sentence="The plain classic: steady and predictable, best with 30 steps or more.",
        steps=(20, 100),
    )

    @classmethod
    def build(cls, options: DDIMOptions, steps: int) -> DDIM:
        if not 0 <= options.eta <= 1:
            raise SchedulerError(f"eta = {options.eta} is outside 0 to 1.")
        bars = alpha_bars(options, options.rescale_betas_zero_snr)
        times = timesteps(options, steps)
        visited = [*(bars[int(t)] for t in times), 1.0 if options.set_alpha_to_one else bars[0]]
        return cls(options, times, [Level.of_alpha_bar(bar) for bar in visited])

    @property
    def stochastic(self) -> bool:
        return self.options.eta > 0

    def advance(
        self, state: State, output: Tensor, denoised: Tensor, noise: Noise
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        now, after = self.levels[state.index : state.index + 2]
        # Equation 16: the standard deviation of the fresh noise.
        sigma = self.options.eta * after.sigma / now.sigma
        sigma *= math.sqrt(max(1 - (now.alpha / after.alpha) ** 2, 0))
        direction = math.sqrt(after.sigma**2 - sigma**2)
        terms = [(after.alpha, denoised), (direction, self.epsilon(state, output))]
        if sigma > 0:
            terms.append((sigma, noise(output.shape)))
        return weighted_sum(terms), ()
