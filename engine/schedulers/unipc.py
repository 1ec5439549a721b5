"""UniPC: the `unipc` scheduler. "UniPC: A Unified Predictor-Corrector Framework for Fast Sampling
of Diffusion Models", arXiv:2302.04867."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from engine.schedulers.log_snr import LogSnr, LogSnrOptions, levels_of, log_snr_path
from engine.schedulers.options import FinalSigmaOptions, SigmaRangeOptions, ZeroSnrOptions
from engine.schedulers.scheduler import Description, State

if TYPE_CHECKING:
    from torch import Tensor

    from engine.schedulers.scheduler import Noise


@dataclass(frozen=True, kw_only=True)
class UniPCOptions(FinalSigmaOptions, SigmaRangeOptions, ZeroSnrOptions, LogSnrOptions):
    """solver_order: how many outputs a prediction uses. predict_x0: work with x_0, not with eps.
    solver_type: the paper's B(h). lower_order_final: fewer outputs in the last steps.
    disable_corrector: evaluations whose step is not corrected afterwards."""

    solver_order: Literal[1, 2, 3] = 2
    predict_x0: bool = True
    # Other solvers' types mean bh2 here, so that their configs can be used as they are.
    solver_type: Literal["bh1", "bh2", "midpoint", "heun", "logrho"] = "bh2"
    lower_order_final: bool = True
    disable_corrector: tuple[int, ...] = ()
    solver_p: None = None
    shift_terminal: None = None


class UniPC(LogSnr[UniPCOptions]):
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
        final = "zero" if options.final_sigmas_type == "zero" else "last"
        path = log_snr_path(options, steps, final, flow_from_noise=True)
        return cls(options, path.times, levels_of(options, path))

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
        leg = self.leg(start, start + 1, self.options.predict_x0)
        if leg.h == 0:
            return x
        others = [
            (leg.node(self.levels[start - k]), outputs[-1 - k]) for k in range(1, len(outputs))
        ]
        if new is not None:
            others.append((1.0, new))
        if leg.after.sigma == 0:
            others = []  # the leg is infinitely long: the last output alone counts
        if len(others) == 1:  # B(h) matters only here, where the paper takes a_1 = 1/2
            gains = [(leg.exponent if self.options.solver_type == "bh1" else leg.growth) / 2]
        else:
            gains = leg.exact([r for r, _ in others])
        return leg.step(x, outputs[-1], others, gains)
