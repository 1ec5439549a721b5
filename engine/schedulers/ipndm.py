"""iPNDM: the `ipndm` scheduler. The multistep method of PNDM (arXiv:2202.09778, equation 12)
without its start, as improved in arXiv:2204.13902, for networks on continuous time."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.schedulers.maths.prediction import Level, weighted_sum
from engine.schedulers.options import Options, PredictionType
from engine.schedulers.pndm import ADAMS_BASHFORTH
from engine.schedulers.scheduler import Description, Scheduler, State

if TYPE_CHECKING:
    from torch import Tensor

    from engine.schedulers.scheduler import Noise


@dataclass(frozen=True, kw_only=True)
class IPNDMOptions(Options):
    """There is nothing to choose: the noise is that of the method's own networks."""

    prediction_type: PredictionType = field(default="v_prediction", init=False)
    trained_betas: None = None


class IPNDM(Scheduler[IPNDMOptions]):
    """Adams and Bashforth over eps, on time from 1 to 0, for networks that predict v.

    history: eps of the last three evaluations, oldest first.
    """

    options_type = IPNDMOptions
    about = Description(
        name="ipndm",
        class_name="IPNDMScheduler",
        label="iPNDM",
        sentence="Only for networks whose time runs from 1 to 0, such as Dance Diffusion.",
        steps=(20, 100),
        network="dance diffusion",
    )

    @classmethod
    def build(cls, options: IPNDMOptions, steps: int) -> IPNDM:
        levels = []
        for i in range(steps, -1, -1):
            sigma = math.sin(i / steps * math.pi / 2) ** 2
            levels.append(Level(math.sqrt(1 - sigma**2), sigma))
        times = [math.atan2(level.sigma, level.alpha) / math.pi * 2 for level in levels[:-1]]
        return cls(options, times, levels)

    def advance(
        self, state: State, output: Tensor, denoised: Tensor, noise: Noise
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        now, after = self.levels[state.index : state.index + 2]
        outputs = (*state.history, self.epsilon(state, output))
        eps = weighted_sum(zip(ADAMS_BASHFORTH[len(outputs) - 1], outputs, strict=True))
        # At sigma 1 all is noise, and eps tells nothing of the image.
        keep = after.alpha / now.alpha if now.alpha > 0 else 0.0
        terms = ((keep, state.sample), (after.sigma - keep * now.sigma, eps))
        return weighted_sum(terms), outputs[-3:]
