"""TCD: the `tcd` scheduler. "Trajectory Consistency Distillation", arXiv:2402.19159."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.errors import SchedulerError
from engine.schedulers.lcm import DistilledOptions, distilled_timesteps
from engine.schedulers.maths.prediction import Level, weighted_sum
from engine.schedulers.maths.tables import alpha_bars
from engine.schedulers.scheduler import Description, Scheduler, State

if TYPE_CHECKING:
    from torch import Tensor

    from engine.schedulers.scheduler import Noise


@dataclass(frozen=True, kw_only=True)
class TCDOptions(DistilledOptions):
    """eta: the paper's gamma, the share of fresh noise; 0 goes straight, 1 is LCM's way."""

    eta: float = 0.3


class TCD(Scheduler[TCDOptions]):
    """Algorithm 4, strategic stochastic sampling: to below the next level, and up to it with fresh
    noise. The run ends at the first training timestep."""

    options_type = TCDOptions
    about = Description(
        name="tcd",
        class_name="TCDScheduler",
        label="TCD",
        sentence="Detailed pictures in four to eight steps, with a TCD checkpoint and no guidance.",
        steps=(2, 16),
        stochastic=True,
    )

    def __init__(self, options: TCDOptions, steps: int):
        if not 0 <= options.eta <= 1:
            raise SchedulerError(f"eta = {options.eta} is outside 0 to 1.")
        bars = alpha_bars(options, options.rescale_betas_zero_snr)
        times = distilled_timesteps(options, steps)
        visited = (*times, 0.0)
        super().__init__(options, times, [Level.of_alpha_bar(bars[int(t)]) for t in visited])
        below = [math.floor((1 - options.eta) * t) for t in visited[1:]]
        self.below = tuple(Level.of_alpha_bar(bars[t]) for t in below)
        """The level that each step goes down to, before its noise."""

    @classmethod
    def build(cls, options: TCDOptions, steps: int) -> TCD:
        return cls(options, steps)

    @property
    def stochastic(self) -> bool:
        return self.options.eta > 0

    def advance(
        self, state: State, output: Tensor, denoised: Tensor, noise: Noise
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        down, after = self.below[state.index], self.levels[state.index + 1]
        # From down to after, the forward process of arXiv:2006.11239 adds the noise.
        left = after.alpha / down.alpha
        eps = self.epsilon(state, output)
        terms = [(left * down.alpha, denoised), (left * down.sigma, eps)]
        if self.stochastic and state.index + 1 < state.total:
            terms.append((math.sqrt(1 - left**2), noise(output.shape)))
        return weighted_sum(terms), ()
