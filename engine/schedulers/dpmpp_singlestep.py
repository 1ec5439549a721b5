"""DPM++ 2S: the `dpmpp_singlestep` scheduler. "DPM-Solver++: Fast Solver for Guided Sampling of
Diffusion Probabilistic Models", arXiv:2211.01095, algorithm 1, and "DPM-Solver", arXiv:2206.00927,
algorithms 1 and 2."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from engine.schedulers.log_snr import (
    ClippedLambdaOptions,
    LogSnr,
    LogSnrOptions,
    levels_of,
    log_snr_path,
)
from engine.schedulers.options import FinalSigmaOptions, Spacing
from engine.schedulers.scheduler import Description, State

if TYPE_CHECKING:
    from torch import Tensor

    from engine.schedulers.scheduler import Noise


@dataclass(frozen=True, kw_only=True)
class DPMppSinglestepOptions(FinalSigmaOptions, ClippedLambdaOptions, LogSnrOptions):
    """solver_order: evaluations in a group. algorithm_type: whether outputs are taken as x_0 (the
    ++) or as eps, and whether groups add fresh noise (sde). solver_type: how later outputs count.
    lower_order_final: smaller groups at the end; so it is too where steps do not fill the last."""

    timestep_spacing: Spacing = field(default="linspace", init=False)
    steps_offset: int = field(default=0, init=False)
    solver_order: Literal[1, 2, 3] = 2
    # "deis" and other solvers' types are taken for the defaults: their configs can be used here.
    algorithm_type: Literal["dpmsolver++", "dpmsolver", "sde-dpmsolver++", "deis"] = "dpmsolver++"
    solver_type: Literal["midpoint", "heun", "logrho", "bh1", "bh2"] = "midpoint"
    lower_order_final: bool = False


class DPMppSinglestep(LogSnr[DPMppSinglestepOptions]):
    """Groups of one to three evaluations, each on the way to the next point and all from the sample
    that the group began with; what was learnt before a group is not used.

    history: in the middle of a group, the sample that it began with, then its outputs so far.
    """

    options_type = DPMppSinglestepOptions
    about = Description(
        name="dpmpp_singlestep",
        class_name="DPMSolverSinglestepScheduler",
        label="DPM++ 2S",
        sentence="DPM++ without memory: sturdy where the guidance changes much during a run.",
        steps=(15, 40),
    )

    @classmethod
    def build(cls, options: DPMppSinglestepOptions, steps: int) -> DPMppSinglestep:
        path = log_snr_path(options, steps, options.final_sigmas_type)
        return cls(options, path.times, levels_of(options, path))

    @property
    def stochastic(self) -> bool:
        return self.options.algorithm_type.startswith("sde")

    @property
    def entries(self) -> tuple[int, ...]:
        total = len(self.timesteps)
        return (*(i for i in range(total) if self._order(i) == 1), total)

    def _order(self, index: int) -> int:
        """The place of an evaluation in its group, from 1."""
        options, steps = self.options, len(self.timesteps)
        place = index % options.solver_order + 1
        to_zero = self.levels[-1].sigma == 0
        if index == steps - 1 and to_zero:
            return 1
        if steps % options.solver_order == 0 and index >= steps - options.solver_order:
            # The last full group is split, so that the last step of all is of first order.
            split = options.lower_order_final or to_zero
            return 1 if split and index == steps - 1 else place
        return place

    def advance(
        self, state: State, output: Tensor, denoised: Tensor, noise: Noise
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        i, order = state.index, self._order(state.index)
        predict_x0 = self.options.algorithm_type != "dpmsolver"
        m = denoised if predict_x0 else self.noise_of(state, output, denoised)
        start, *outputs = state.history if order > 1 else (state.sample,)
        outputs.append(m)
        begin = i + 1 - order
        leg = self.leg(begin, i + 1, predict_x0, tau=float(self.stochastic))
        z = noise(m.shape) if self.stochastic else None
        others = [(leg.node(self.levels[begin + k]), outputs[k]) for k in range(1, order)]
        if self.options.solver_type == "heun":
            gains = leg.exact([r for r, _ in others])
        else:
            # The middle point's slope alone; of three outputs the second only led to the third.
            others = others[-1:]
            gains = [leg.growth / 2] if order == 2 else leg.moments(len(others))
        return leg.step(start, outputs[0], others, gains, z), (start, *outputs)
