"""DPM++ 2M: the `dpmpp_2m` scheduler, and `dpmpp_2m_sde`. "DPM-Solver++: Fast Solver for Guided
Sampling of Diffusion Probabilistic Models", arXiv:2211.01095, algorithm 2, and "DPM-Solver",
arXiv:2206.00927."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

from engine.schedulers.log_snr import (
    ClippedLambdaOptions,
    LogSnr,
    LogSnrOptions,
    levels_of,
    log_snr_path,
)
from engine.schedulers.maths.exponential import Leg
from engine.schedulers.maths.quadrature import weights
from engine.schedulers.options import FinalSigmaOptions, ZeroSnrOptions
from engine.schedulers.scheduler import Description, State

if TYPE_CHECKING:
    from torch import Tensor

    from engine.schedulers.scheduler import Noise


@dataclass(frozen=True, kw_only=True)
class DPMppOptions(FinalSigmaOptions, ClippedLambdaOptions, ZeroSnrOptions, LogSnrOptions):
    """solver_order: how many outputs a step uses. solver_type: how the second one counts, as the
    middle point's slope or exactly. lower_order_final: fewer outputs in the last two of less than
    15 steps. euler_at_final: one output in the last step, however many there are. use_lu_lambdas:
    steps of equal length in lambda."""

    solver_order: Literal[1, 2, 3] = 2
    # Other solvers' types mean midpoint here, so that their configs can be used as they are.
    solver_type: Literal["midpoint", "heun", "logrho", "bh1", "bh2"] = "midpoint"
    lower_order_final: bool = True
    euler_at_final: bool = False
    use_lu_lambdas: bool = False


@dataclass(frozen=True, kw_only=True)
class DPMpp2MOptions(DPMppOptions):
    """algorithm_type: whether outputs are taken as x_0 (the ++) or as eps, and whether each step
    adds fresh noise (sde)."""

    # "deis" means dpmsolver++ here, so that DEIS configs can be used as they are.
    algorithm_type: Literal[
        "dpmsolver++", "dpmsolver", "sde-dpmsolver++", "sde-dpmsolver", "deis"
    ] = "dpmsolver++"


@dataclass(frozen=True, kw_only=True)
class DPMpp2MSDEOptions(DPMppOptions):
    """The name says what the algorithm is, whatever a config has to say about it."""


AnyDPMppOptions = TypeVar("AnyDPMppOptions", bound=DPMppOptions)


class Multistep(LogSnr[AnyDPMppOptions]):
    """Algorithm 2 of DPM-Solver++, from outputs m (x_0, or eps) of this and of earlier steps.

    history: the outputs of the last solver_order evaluations, oldest first.
    """

    @property
    @abstractmethod
    def algorithm(self) -> str:
        """What the outputs are taken as, and whether each step adds noise; see DPMpp2MOptions."""

    @property
    def stochastic(self) -> bool:
        return self.algorithm.startswith("sde")

    def advance(
        self, state: State, output: Tensor, denoised: Tensor, noise: Noise
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        i, predict_x0 = state.index, self.algorithm.endswith("++")
        m = denoised if predict_x0 else self.noise_of(state, output, denoised)
        outputs = (*state.history, m)[-self.options.solver_order :]
        leg = self.leg(i, i + 1, predict_x0, tau=float(self.stochastic))
        z = noise(m.shape) if self.stochastic else None
        if leg.h == 0:
            return state.sample, outputs
        if leg.after.sigma == 0:
            return denoised * leg.after.alpha, outputs
        used = outputs[-self._order(i, len(outputs)) :]
        others = [(leg.node(self.levels[i - k]), used[-1 - k]) for k in range(1, len(used))]
        gains = self._gains(leg, [r for r, _ in others])
        return leg.step(state.sample, m, others, gains, z), outputs

    def _order(self, index: int, known: int) -> int:
        options, left = self.options, len(self.timesteps) - index
        few = options.lower_order_final and len(self.timesteps) < 15
        if left == 1 and (few or options.euler_at_final or options.final_sigmas_type == "zero"):
            return 1
        return min(known, 2) if left == 2 and few else known

    def _gains(self, leg: Leg, nodes: list[float]) -> list[float]:
        if len(nodes) == 1 and self.options.solver_type != "heun":
            return [leg.growth / 2]
        if len(nodes) < 2:
            return leg.exact(nodes)
        # The authors' third order counts the second difference for half of what is exact, so that
        # it is of second order only. So does diffusers, and so do the pictures that people know.
        first, second = leg.moments(2)
        return weights(nodes, [first, second / 2])


class DPMpp2M(Multistep[DPMpp2MOptions]):
    options_type = DPMpp2MOptions
    about = Description(
        name="dpmpp_2m",
        class_name="DPMSolverMultistepScheduler",
        label="DPM++ 2M",
        sentence="The favourite of many: sharp and quick, at its best with Karras sigmas.",
        steps=(15, 40),
    )

    @classmethod
    def build(cls, options: DPMpp2MOptions, steps: int) -> DPMpp2M:
        path = log_snr_path(options, steps, options.final_sigmas_type)
        return cls(options, path.times, levels_of(options, path))

    @property
    def algorithm(self) -> str:
        chosen = self.options.algorithm_type
        return "dpmsolver++" if chosen == "deis" else chosen


class DPMpp2MSDE(Multistep[DPMpp2MSDEOptions]):
    options_type = DPMpp2MSDEOptions
    about = Description(
        name="dpmpp_2m_sde",
        class_name="DPMSolverMultistepScheduler",
        label="DPM++ 2M SDE",
        sentence="DPM++ 2M with fresh noise in every step: more texture, and more variety.",
        steps=(20, 60),
        stochastic=True,
    )

    @classmethod
    def build(cls, options: DPMpp2MSDEOptions, steps: int) -> DPMpp2MSDE:
        path = log_snr_path(options, steps, options.final_sigmas_type)
        return cls(options, path.times, levels_of(options, path))

    @property
    def algorithm(self) -> str:
        return "sde-dpmsolver++"
