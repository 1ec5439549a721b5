"""DEIS: the `deis` scheduler. "Fast Sampling of Diffusion Models with Exponential Integrator",
arXiv:2204.13902, its log-rho multistep form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from engine.schedulers.log_snr import LogSnr, LogSnrOptions, levels_of, log_snr_path
from engine.schedulers.scheduler import Description, State

if TYPE_CHECKING:
    from torch import Tensor

    from engine.schedulers.scheduler import Noise


@dataclass(frozen=True, kw_only=True)
class DEISOptions(LogSnrOptions):
    """solver_order: how many outputs a step uses. lower_order_final: fewer in the last two of less
    than 15 steps."""

    solver_order: Literal[1, 2, 3] = 2
    # DPM-Solver's algorithms and types mean the one of DEIS, so that its configs can be used here.
    algorithm_type: Literal["deis", "dpmsolver", "dpmsolver++"] = "deis"
    solver_type: Literal["logrho", "midpoint", "heun", "bh1", "bh2"] = "logrho"
    lower_order_final: bool = True


class DEIS(LogSnr[DEISOptions]):
    """The polynomial in log(sigma / alpha) through the last outputs, all of them eps, integrated
    exactly. The run ends at the least noise of the training, not at none.

    history: eps of the last evaluations, oldest first.
    """

    options_type = DEISOptions
    about = Description(
        name="deis",
        class_name="DEISMultistepScheduler",
        label="DEIS",
        sentence="Exact where others approximate: good pictures from 10 steps.",
        steps=(10, 30),
    )

    @classmethod
    def build(cls, options: DEISOptions, steps: int) -> DEIS:
        path = log_snr_path(options, steps, "last")
        return cls(options, path.times, levels_of(options, path))

    def advance(
        self, state: State, output: Tensor, denoised: Tensor, noise: Noise
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        i = state.index
        eps = self.noise_of(state, output, denoised)
        outputs = (*state.history, eps)[-self.options.solver_order :]
        leg = self.leg(i, i + 1, predict_x0=False)
        if leg.h == 0:
            return state.sample, outputs
        if leg.after.sigma == 0:
            return denoised * leg.after.alpha, outputs
        used = outputs[-self._order(i, len(outputs)) :]
        others = [(leg.node(self.levels[i - k]), used[-1 - k]) for k in range(1, len(used))]
        return leg.step(state.sample, eps, others, leg.exact([r for r, _ in others])), outputs

    def _order(self, index: int, known: int) -> int:
        left = len(self.timesteps) - index
        if self.options.lower_order_final and len(self.timesteps) < 15:
            return min(known, left)
        return known
