"""UniPC: the `unipc` scheduler. "UniPC: A Unified Predictor-Corrector Framework for Fast Sampling
of Diffusion Models", arXiv:2302.04867."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from engine.schedulers.base import Description, Scheduler, State
from engine.schedulers.options import (
    SigmaRangeOptions,
    Spacing,
    ThresholdOptions,
    TrainingOptions,
    ZeroSnrOptions,
)
from engine.schedulers.prediction import Level, threshold, weighted_sum
from engine.schedulers.quadrature import weights
from engine.schedulers.tables import (
    alpha_bars,
    finite,
    sigmas,
    spaced_sigmas,
    timestep_of,
    timesteps_before_end,
)

if TYPE_CHECKING:
    from torch import Tensor

    from engine.schedulers.base import Noise


@dataclass(frozen=True, kw_only=True)
class UniPCOptions(SigmaRangeOptions, ThresholdOptions, ZeroSnrOptions, TrainingOptions):
    """solver_order: earlier outputs that a step looks at, itself included. predict_x0: work with
    x_0, not with eps. solver_type: the paper's B(h). lower_order_final: fewer outputs in the last
    steps. disable_corrector: evaluations whose step is not corrected afterwards."""

    timestep_spacing: Spacing = "linspace"
    solver_order: Literal[1, 2, 3] = 2
    predict_x0: bool = True
    # Other solvers' types mean bh2 here, so that their configs can be used as they are.
    solver_type: Literal["bh1", "bh2", "midpoint", "heun", "logrho"] = "bh2"
    lower_order_final: bool = True
    disable_corrector: tuple[int, ...] = ()
    solver_p: None = None
    use_flow_sigmas: Literal[False] = False
    use_dynamic_shifting: Literal[False] = False
    shift_terminal: None = None


class UniPC(Scheduler[UniPCOptions]):
    """Algorithms 5 to 8: every evaluation corrects the sample that it was made at, then predicts
    the next one.

    history: the corrected sample of the last evaluation, then the outputs m (x_0, or eps without
    predict_x0) of the last solver_order evaluations, oldest first.
    """

    options_type = UniPCOptions
    about = Description(
        name="unipc",
        class_name="UniPCMultistepScheduler",
        label="UniPC",
        sentence="Corrects itself as it goes: clean pictures from as few as 10 steps.",
        steps=(8, 30),
    )

    @classmethod
    def build(cls, options: UniPCOptions, steps: int) -> UniPC:
        table = sigmas(finite(alpha_bars(options, options.rescale_betas_zero_snr)))
        path = spaced_sigmas(options, table[0], table[-1], steps)
        if path is None:
            times = timesteps_before_end(options, steps)
            path, lowest = tuple(table[int(t)] for t in times), table[0]
        else:
            times = tuple(float(round(timestep_of(sigma, table))) for sigma in path)
            lowest = path[-1]
        last = 0.0 if options.final_sigmas_type == "zero" else lowest
        return cls(options, times, [Level.of_sigma(sigma) for sigma in (*path, last)])

    def limit(self, x0: Tensor) -> Tensor:
        return threshold(x0, self.options) if self.options.thresholding else x0

    def advance(
        self, state: State, output: Tensor, denoised: Tensor, noise: Noise
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        i, x = state.index, state.sample
        m = denoised if self.options.predict_x0 else self.epsilon(state, output)
        earlier = state.history[1:]
        if earlier and i - 1 not in self.options.disable_corrector:
            order = self._order(i - 1, len(earlier))
            x = self._update(state.history[0], i - 1, earlier[-order:], m)
        outputs = (*earlier, m)[-self.options.solver_order :]
        order = self._order(i, len(outputs))
        return self._update(x, i, outputs[-order:]), (x, *outputs)

    def _order(self, index: int, known: int) -> int:
        """The order of the step that leaves evaluation `index`, with `known` outputs to use."""
        order = min(self.options.solver_order, known)
        left = len(self.timesteps) - index
        return min(order, left) if self.options.lower_order_final else order

    def _update(
        self, x: Tensor, start: int, outputs: tuple[Tensor, ...], new: Tensor | None = None
    ) -> Tensor:
        """x from level `start` to the next one by the outputs up to there, oldest first, and in the
        corrector by the new output at the end."""
        now, after = self.levels[start : start + 2]
        h = after.log_snr - now.log_snr
        if h == 0:
            return x
        m0 = outputs[-1]
        others = [
            ((self.levels[start - k].log_snr - now.log_snr) / h, outputs[-1 - k])
            for k in range(1, len(outputs))
        ]
        if new is not None:
            others.append((1.0, new))
        if after.sigma == 0:
            others = []  # h is infinite: m0 alone counts

        # The form for eps is the form for x_0 with alpha, sigma and the direction of time swapped.
        if self.options.predict_x0:
            hh, p, q, q_now, p_now = -h, after.alpha, after.sigma, now.sigma, now.alpha
        else:
            hh, p, q, q_now, p_now = h, after.sigma, after.alpha, now.alpha, now.sigma
        scale = q / q_now
        terms = [(scale, x), (p - scale * p_now, m0)]
        gains = self._gains(hh, [r for r, _ in others])
        for gain, (r, m) in zip(gains, others, strict=True):
            terms += (-p * gain / r, m), (p * gain / r, m0)
        return weighted_sum(terms)

    def _gains(self, hh: float, nodes: list[float]) -> list[float]:
        """The paper's B(h) a_k: what the differences to m0 count for, equation 9."""
        if len(nodes) == 1:  # B(h) matters only here, where the paper takes a_1 = 1/2
            return [(hh if self.options.solver_type == "bh1" else math.expm1(hh)) / 2]
        moments: list[float] = []
        phi, factorial = math.expm1(hh) / hh - 1, 1
        for i in range(1, len(nodes) + 1):
            moments.append(phi * factorial)
            factorial *= i + 1
            phi = phi / hh - 1 / factorial
        return weights(nodes, moments)
