"""SA-Solver: the `sa_solver` scheduler. "SA-Solver: Stochastic Adams Solver for Fast Sampling of
Diffusion Models", arXiv:2309.05019."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from engine.schedulers.log_snr import (
    ClippedLambdaOptions,
    LogSnr,
    LogSnrOptions,
    levels_of,
    log_snr_path,
)
from engine.schedulers.maths.exponential import Leg
from engine.schedulers.scheduler import Description, State

if TYPE_CHECKING:
    from torch import Tensor

    from engine.schedulers.scheduler import Noise

STOCHASTIC_TIMESTEPS = range(200, 801)
"""Where fresh noise is added: in the middle of the run (section 6.1)."""


@dataclass(frozen=True, kw_only=True)
class SASolverOptions(ClippedLambdaOptions, LogSnrOptions):
    """predictor_order, corrector_order: how many outputs each uses; the corrector counts the new
    one. algorithm_type: whether outputs are taken as x_0 or as eps. lower_order_final: fewer
    outputs in the last steps."""

    predictor_order: Literal[1, 2, 3, 4] = 2
    corrector_order: Literal[1, 2, 3, 4] = 2
    algorithm_type: Literal["data_prediction", "noise_prediction"] = "data_prediction"
    tau_func: None = None
    lower_order_final: bool = True


class SASolver(LogSnr[SASolverOptions]):
    """Algorithm 1: every evaluation corrects the sample that it was made at, with the very noise
    that was added on the way to it, then predicts the next one.

    history: the corrected sample of the last evaluation, the noise added after it, then the outputs
    m (x_0, or eps) of the last evaluations, oldest first.
    """

    options_type = SASolverOptions
    about = Description(
        name="sa_solver",
        class_name="SASolverScheduler",
        label="SA-Solver",
        sentence="Corrects itself and adds noise only in the middle of the run: rich and clean.",
        steps=(15, 40),
        stochastic=True,
    )

    @classmethod
    def build(cls, options: SASolverOptions, steps: int) -> SASolver:
        path = log_snr_path(options, steps, "last")
        return cls(options, path.times, levels_of(options, path))

    def advance(
        self, state: State, output: Tensor, denoised: Tensor, noise: Noise
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        options, i, x = self.options, state.index, state.sample
        left = len(self.timesteps) - i if options.lower_order_final else 4
        m = denoised if self._predict_x0 else self.noise_of(state, output, denoised)
        outputs = (*state.history[2:], m)
        if state.history:
            before, z = state.history[:2]
            order = min(options.corrector_order, left + 2, len(outputs))
            x = self._update(before, i - 1, range(i, i - order, -1), outputs, z)
        z = noise(m.shape)
        order = min(options.predictor_order, left, len(outputs))
        end = self.levels[i + 1]
        if end.sigma == 0:
            after = denoised * end.alpha
        else:
            after = self._update(x, i, range(i, i - order, -1), outputs, z)
        kept = max(options.predictor_order, options.corrector_order - 1)
        return after, (x, z, *outputs[-kept:])

    @property
    def _predict_x0(self) -> bool:
        return self.options.algorithm_type == "data_prediction"

    def _update(
        self, x: Tensor, start: int, used: range, outputs: tuple[Tensor, ...], z: Tensor
    ) -> Tensor:
        """x from the level of evaluation `start` to the next one, by the outputs of the evaluations
        `used`, newest first; the last of `outputs` is that of the first."""
        tau = float(self.timesteps[start] in STOCHASTIC_TIMESTEPS)
        leg = self.leg(start, start + 1, self._predict_x0, tau)
        if leg.h == 0:
            return x
        pairs = [(leg.node(self.levels[i]), outputs[-1 - k]) for k, i in enumerate(used)]
        # Slopes are taken from the output at the start of the leg, where that is used at all.
        origin = next((pair for pair in pairs if pair[0] == 0), pairs[0])
        others = [pair for pair in pairs if pair is not origin]
        return leg.step(x, origin[1], others, self._gains(leg, [r for r, _ in others]), z)

    def _gains(self, leg: Leg, nodes: list[float]) -> list[float]:
        if len(nodes) == 1 and self._predict_x0:
            return [leg.exponent / 2]  # of the same order, and better in few steps (appendix D)
        return leg.exact(nodes)
