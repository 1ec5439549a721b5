"""PNDM: the `pndm` scheduler. "Pseudo Numerical Methods for Diffusion Models on Manifolds",
arXiv:2202.09778."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from engine.schedulers.maths.prediction import Level, eps_weights, weighted_sum
from engine.schedulers.maths.tables import alpha_bars, timesteps
from engine.schedulers.options import SpacingOptions
from engine.schedulers.scheduler import Description, Scheduler, State

if TYPE_CHECKING:
    from torch import Tensor

    from engine.schedulers.scheduler import Noise

ADAMS_BASHFORTH = (
    (1.0,),
    (-1 / 2, 3 / 2),
    (5 / 12, -16 / 12, 23 / 12),
    (-9 / 24, 37 / 24, -59 / 24, 55 / 24),
)
"""Weights of the last 1 to 4 outputs, oldest first (equation 12)."""

RUNGE_KUTTA = (1 / 6, 1 / 3, 1 / 3, 1 / 6)
"""Weights of the four outputs of a Runge-Kutta step (equation 13)."""


@dataclass(frozen=True, kw_only=True)
class PNDMOptions(SpacingOptions):
    """skip_prk_steps: start with one corrected step in place of three Runge-Kutta steps.
    set_alpha_to_one: the last step goes to the image itself, not to the first training timestep."""

    skip_prk_steps: bool = False
    set_alpha_to_one: bool = False


class PNDM(Scheduler[PNDMOptions]):
    """Algorithm 2 (F-PNDM): a multistep method over the outputs, and equation 11 for the moves.

    history: the outputs of earlier evaluations, oldest first; after them, in the middle of a
    starting step, the sample that it began with, and in Runge-Kutta the sum of its outputs so far.
    """

    options_type = PNDMOptions
    about = Description(
        name="pndm",
        class_name="PNDMScheduler",
        label="PNDM",
        sentence="The first scheduler of Stable Diffusion: smooth results from 25 steps on.",
        steps=(20, 60),
    )

    @classmethod
    def build(cls, options: PNDMOptions, steps: int) -> PNDM:
        bars = alpha_bars(options)
        rest = list(timesteps(options, steps))
        evaluated: list[float] = []
        if options.skip_prk_steps:
            evaluated, rest = rest[:2], rest[1:]  # the second is evaluated again
        else:
            for start, end in pairwise(rest[:4]):
                middle = (start + end) // 2
                evaluated += start, middle, middle, end
            rest = rest[len(evaluated) // 4 :]
        evaluated += rest
        visited = [bars[int(t)] for t in evaluated]
        visited.append(1.0 if options.set_alpha_to_one else bars[0])
        return cls(options, evaluated, [Level.of_alpha_bar(bar) for bar in visited])

    @property
    def entries(self) -> tuple[int, ...]:
        return tuple(i for i in range(len(self.timesteps) + 1) if not self._stage(i))

    def _stage(self, index: int) -> int:
        """The place of an evaluation within its step; all but the starting steps have only one."""
        if self.options.skip_prk_steps:
            return 1 if index == 1 < len(self.timesteps) else 0
        return index % 4 if index < self._runge_kutta_end else 0

    @property
    def _runge_kutta_end(self) -> int:
        """The first evaluation that is no part of the Runge-Kutta start, which has up to three
        steps of four evaluations, and leaves at least one to the rest."""
        return 4 * min(3, (len(self.timesteps) - 1) // 4)

    def advance(
        self, state: State, output: Tensor, denoised: Tensor, noise: Noise
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        if self.options.prediction_type == "sample":
            output = self.epsilon(state, output)
        if self.options.skip_prk_steps:
            return self._corrected(state, output)
        if state.index < self._runge_kutta_end:
            return self._runge_kutta(state, output)
        return self._multistep(state, output)

    def _multistep(self, state: State, output: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        outputs = (*state.history[-3:], output)
        weights = ADAMS_BASHFORTH[len(outputs) - 1]
        mean = weighted_sum(zip(weights, outputs, strict=True))
        return self._move(state.sample, mean, state.index, state.index + 1), outputs

    def _corrected(self, state: State, output: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        if state.index == 0:
            return self._move(state.sample, output, 0, 1), (output, state.sample)
        if state.index > 1:
            return self._multistep(state, output)
        first, start = state.history
        mean = weighted_sum(((1 / 2, first), (1 / 2, output)))
        return self._move(start, mean, 0, 2), (first,)

    def _runge_kutta(self, state: State, output: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        stage = state.index % 4
        begin, end = state.index - stage, state.index + 1
        weight = RUNGE_KUTTA[stage]
        if stage == 0:
            history = (*state.history, output, state.sample, output * weight)
            return self._move(state.sample, output, begin, end), history
        *outputs, start, total = state.history
        total = weighted_sum(((1, total), (weight, output)))
        if stage == 3:
            return self._move(start, total, begin, end), tuple(outputs)
        return self._move(start, output, begin, end), (*outputs, start, total)

    def _move(self, x: Tensor, output: Tensor, begin: int, end: int) -> Tensor:
        """Equation 11: x from the level of one evaluation to that of another, along eps."""
        now, after = self.levels[begin], self.levels[end]
        # A mean of v is turned into eps as if all of it had been predicted here: so does diffusers.
        kind = self.options.prediction_type
        of_x, of_output = eps_weights("epsilon" if kind == "sample" else kind, now)
        scale = after.alpha / now.alpha
        eps = after.sigma - scale * now.sigma
        return weighted_sum(((scale + eps * of_x, x), (eps * of_output, output)))
