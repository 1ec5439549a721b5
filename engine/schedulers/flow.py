"""Rectified flow: the `flow_euler` and `flow_heun` schedulers. "Scaling Rectified Flow Transformers
for High-Resolution Image Synthesis", arXiv:2403.03206, on the straight paths of
arXiv:2210.02747."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from engine.errors import SchedulerError
from engine.schedulers.maths.prediction import Level, weighted_sum
from engine.schedulers.maths.tables import chosen_path, linspace, shifted
from engine.schedulers.options import Options, PredictionType, SigmaSpacingOptions
from engine.schedulers.scheduler import Description, Scheduler, State

if TYPE_CHECKING:
    from torch import Tensor

    from engine.schedulers.scheduler import Noise


@dataclass(frozen=True, kw_only=True)
class FlowHeunOptions(Options):
    """shift: above 1, more steps where there is more noise, for larger images (section 5.3.2)."""

    prediction_type: PredictionType = field(default="flow_prediction", init=False)
    shift: float = 1.0


@dataclass(frozen=True, kw_only=True)
class FlowEulerOptions(SigmaSpacingOptions, FlowHeunOptions):
    """stochastic_sampling: go to the image and back with fresh noise, as distilled networks want.
    shift_terminal: the sigma of the last evaluation, stretched to. sigmas: one for each step,
    before the shift."""

    sigmas: tuple[float, ...] | None = None
    stochastic_sampling: bool = False
    shift_terminal: float | None = None
    use_dynamic_shifting: Literal[False] = False
    invert_sigmas: Literal[False] = False


def flow_sigmas(options: FlowHeunOptions, steps: int) -> list[float]:
    """The sigmas of the evaluations: from 1 down to the least of the training, or as given."""
    shift, least = options.shift, shifted(1 / options.num_train_timesteps, options.shift)
    # The training's sigmas are shifted, and so are those between its ends: so does diffusers.
    path = [shifted(sigma, shift) for sigma in linspace(1, least, steps)]
    if not isinstance(options, FlowEulerOptions):
        return path
    if options.sigmas is not None:
        path = [shifted(sigma, shift) for sigma in _checked(options.sigmas, steps)]
    if options.shift_terminal:
        stretch = (1 - options.shift_terminal) / (1 - path[-1]) if path[-1] < 1 else 1.0
        path = [1 - (1 - sigma) * stretch for sigma in path]
    spaced = chosen_path(options, path[-1], path[0], steps, 0.0)
    return list(spaced[:-1]) if spaced is not None else path


def _checked(given: tuple[float, ...], steps: int) -> tuple[float, ...]:
    falling = all(before > after for before, after in pairwise((*given, 0.0)))
    if len(given) != steps or not falling or given[0] > 1:
        raise SchedulerError(
            f"sigmas = {given!r} must be {steps} values, one for each step, that fall from 1 or "
            "less and stay above 0."
        )
    return given


class FlowEuler(Scheduler[FlowEulerOptions]):
    """A straight line along the flow u = eps - x_0 to the next sigma; x = (1 - sigma) x_0 + sigma
    eps."""

    options_type = FlowEulerOptions
    about = Description(
        name="flow_euler",
        class_name="FlowMatchEulerDiscreteScheduler",
        label="Flow Euler",
        sentence="For flow-matching models, such as Stable Diffusion 3 and Flux: simple and good.",
        steps=(15, 50),
        network="flow",
    )

    @classmethod
    def build(cls, options: FlowEulerOptions, steps: int) -> FlowEuler:
        path = flow_sigmas(options, steps)
        times = [sigma * options.num_train_timesteps for sigma in path]
        return cls(options, times, [Level(1 - sigma, sigma) for sigma in (*path, 0.0)])

    @property
    def stochastic(self) -> bool:
        return self.options.stochastic_sampling

    def advance(
        self, state: State, output: Tensor, denoised: Tensor, noise: Noise
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        now, after = self.levels[state.index : state.index + 2]
        if self.stochastic and after.sigma > 0:
            return self.add_noise(denoised, noise(output.shape), state.index + 1), ()
        return weighted_sum(((1, state.sample), (after.sigma - now.sigma, output))), ()


class FlowHeun(Scheduler[FlowHeunOptions]):
    """Euler's step, then the same step again with the mean of the flows at its two ends. The last
    step, to sigma 0, is Euler's.

    history: in the middle of a step, the sample and the flow at its beginning.
    """

    options_type = FlowHeunOptions
    about = Description(
        name="flow_heun",
        class_name="FlowMatchHeunDiscreteScheduler",
        label="Flow Heun",
        sentence="For flow-matching models: looks twice at every step, for finer detail.",
        steps=(10, 30),
        network="flow",
        evaluations=2,
    )

    @classmethod
    def build(cls, options: FlowHeunOptions, steps: int) -> FlowHeun:
        first, *later = flow_sigmas(options, steps)
        path = [first, *(sigma for sigma in later for _ in range(2))]
        times = [sigma * options.num_train_timesteps for sigma in path]
        return cls(options, times, [Level(1 - sigma, sigma) for sigma in (*path, 0.0)])

    def advance(
        self, state: State, output: Tensor, denoised: Tensor, noise: Noise
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        now, after = self.levels[state.index : state.index + 2]
        if state.index % 2 == 0:
            x = weighted_sum(((1, state.sample), (after.sigma - now.sigma, output)))
            return x, (state.sample, output) if after.sigma > 0 else ()
        start, first = state.history
        half = (now.sigma - self.levels[state.index - 1].sigma) / 2
        return weighted_sum(((1, start), (half, first), (half, output))), ()
