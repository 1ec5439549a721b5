"""Exponential integrators: one step of the diffusion ODE, or of its SDE, in which everything linear
is solved exactly and the network's outputs are interpolated over lambda = log(alpha / sigma). What
DPM-Solver, DEIS, UniPC and SA-Solver have in common (arXiv:2211.01095, arXiv:2204.13902,
arXiv:2302.04867, arXiv:2309.05019); they differ in the outputs that they use and what these count.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from engine.schedulers.maths.prediction import Level, weighted_sum
from engine.schedulers.maths.quadrature import weights

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Leg:
    """The way from one noise level to the next.

    predict_x0: outputs m are predictions of x_0, else of eps. tau: the share of fresh noise; 0 is
    the ODE, 1 the SDE whose reverse is the training (arXiv:2309.05019, equation 6).
    """

    now: Level
    after: Level
    predict_x0: bool = True
    tau: float = 0.0

    @cached_property
    def h(self) -> float:
        """The length in lambda; infinite where the step goes to the image itself."""
        return self.after.log_snr - self.now.log_snr

    @cached_property
    def exponent(self) -> float:
        """The exponent of the kernel e^(exponent (1 - r)) that outputs are integrated with."""
        return -(1 + self.tau**2) * self.h if self.predict_x0 else self.h

    @cached_property
    def growth(self) -> float:
        """The kernel's integral over the leg times its exponent."""
        return math.expm1(self.exponent)

    def node(self, level: Level) -> float:
        """Where a level lies: 0 is the start of the leg and 1 its end."""
        return (level.log_snr - self.now.log_snr) / self.h

    def moments(self, count: int) -> list[float]:
        """The integrals of r, r², … over the leg with the kernel, times its exponent."""
        if count == 0:
            return []  # also where the leg has no length, and the next line no answer
        moments: list[float] = []
        phi, factorial = self.growth / self.exponent - 1, 1
        for i in range(1, count + 1):
            moments.append(phi * factorial)
            factorial *= i + 1
            phi = phi / self.exponent - 1 / factorial
        return moments

    def exact(self, nodes: Sequence[float]) -> list[float]:
        """What the slopes (m - m_0) / r to the outputs at `nodes` count for, so that the
        polynomial through all outputs is integrated exactly."""
        return weights(nodes, self.moments(len(nodes)))

    def step(
        self,
        x: Tensor,
        m0: Tensor,
        others: Sequence[tuple[float, Tensor]] = (),
        gains: Sequence[float] = (),
        z: Tensor | None = None,
    ) -> Tensor:
        """x at the end of the leg.

        m0: the output at its start; others: further outputs with their nodes r; gains: what the
        slopes (m - m0) / r count for; z: normal noise where tau is not 0.
        """
        now, after = self.now, self.after
        if self.predict_x0 and after.sigma == 0:
            return m0 * after.alpha
        if self.predict_x0:
            front = after.alpha
            keep = after.sigma / now.sigma * math.exp(-(self.tau**2) * self.h)
            base = -front * self.growth
            spread = after.sigma * math.sqrt(-math.expm1(-2 * self.tau**2 * self.h))
        else:
            front = (1 + self.tau**2) * after.sigma
            keep = after.alpha / now.alpha
            base = (1 + self.tau**2) * (after.sigma - keep * now.sigma)
            spread = self.tau * math.sqrt(max((keep * now.sigma) ** 2 - after.sigma**2, 0))
        terms = [(keep, x), (base, m0)]
        for gain, (r, m) in zip(gains, others, strict=True):
            terms += (-front * gain / r, m), (front * gain / r, m0)
        if z is not None:
            terms.append((spread, z))
        return weighted_sum(terms)
