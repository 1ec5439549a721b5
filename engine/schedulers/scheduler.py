"""State and Scheduler: the contract of all schedulers. Used by `engine.generate`, which asks for
the network's input, and gives back the network's output, once for every entry of `timesteps`.

A scheduler is immutable and a step is a pure function of a State, so that a run can be cut,
branched and interleaved with others. Tables and coefficients are Python floats, that is float64;
only the weighted sums of a step are tensor arithmetic, in the sample's dtype and on its device.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal

from engine.errors import SchedulerError
from engine.schedulers.maths.prediction import Level, eps_weights, limited, weighted_sum, x0_weights
from engine.schedulers.options import AnyOptions, Option, Options

if TYPE_CHECKING:
    from torch import Tensor

    Noise = Callable[[Sequence[int]], Tensor]
    """Draws normal noise of a shape, on the sample's device."""


@dataclass(frozen=True, eq=False)
class State:
    """A run between two evaluations.

    index, total: the evaluation that comes next, 0 to total; at total the run is over.
    sample: x_t (B, C, h, w) in the scheduler's own scale.
    denoised: the x_0 that the last evaluation predicted; None before the first.
    history: what the scheduler keeps of earlier evaluations, tensors of the sample's shape only.
    """

    index: int
    total: int
    sample: Tensor
    denoised: Tensor | None = None
    history: tuple[Tensor, ...] = ()

    @property
    def done(self) -> bool:
        return self.index >= self.total


@dataclass(frozen=True)
class Description:
    """What a person is told about a scheduler.

    class_name: diffusers' name for it. stochastic: whether it draws noise unless told otherwise.
    evaluations: network evaluations a step. steps: a sensible range of step counts. network: what
    kind of network it draws with; another kind runs, and gives garbage.
    """

    name: str
    class_name: str
    label: str
    sentence: str
    steps: tuple[int, int]
    stochastic: bool = False
    evaluations: int = 1
    network: Literal["diffusion", "flow", "dance diffusion"] = "diffusion"
    options: tuple[Option, ...] = ()


class Scheduler(ABC, Generic[AnyOptions]):
    """One way through the noise. Made by `engine.schedulers.create`.

    timesteps: what the network is told at each evaluation, in training timesteps.
    levels: the noise level of the sample at each evaluation, and after the last.
    init_noise_sigma: what noise of variance 1 is multiplied by to become the first sample.
    """

    about: ClassVar[Description]
    options_type: ClassVar[type[Options]]

    def __init__(
        self,
        options: AnyOptions,
        timesteps: Sequence[float],
        levels: Sequence[Level],
        init_noise_sigma: float = 1.0,
    ):
        self.options = options
        self.timesteps = tuple(timesteps)
        self.levels = tuple(levels)
        self.init_noise_sigma = init_noise_sigma
        if options.prediction_type == "epsilon" and any(lv.alpha == 0 for lv in self.levels[:-1]):
            raise SchedulerError(
                "prediction_type = 'epsilon' cannot start from noise alone, where the noise says "
                "nothing of the image; with rescale_betas_zero_snr the network must predict "
                "v_prediction or sample."
            )

    @classmethod
    @abstractmethod
    def build(cls, options: Any, steps: int) -> Scheduler[Any]:
        """The scheduler of that many steps. Raises SchedulerError for options that contradict."""

    @property
    def stochastic(self) -> bool:
        """Whether `step` may draw noise."""
        return self.about.stochastic

    @property
    def entries(self) -> tuple[int, ...]:
        """The evaluations at which `start` can begin: those that do not finish an earlier one."""
        total = len(self.timesteps)
        return (*range(0, total, self.about.evaluations), total)

    def start(self, sample: Tensor, index: int = 0) -> State:
        """A run whose next evaluation is `index`. sample: (B, C, h, w), noise times
        `init_noise_sigma` at index 0, else what `add_noise` gives for that index."""
        if index not in self.entries:
            raise SchedulerError(
                f"A run cannot start at evaluation {index}; it can at {_spans(self.entries)}."
            )
        return State(index, len(self.timesteps), sample)

    def input_scale(self, index: int) -> float:
        """What `scale_model_input` multiplies the sample by; 1 once the run is over."""
        return 1.0

    def scale_model_input(self, state: State) -> Tensor:
        """What the network sees at `timesteps[state.index]`."""
        scale = self.input_scale(state.index)
        return state.sample if scale == 1 else state.sample * scale

    def denoise(self, state: State, model_output: Tensor) -> Tensor:
        """The x_0 (B, C, h, w) that this output predicts at this state."""
        if state.done:
            raise SchedulerError(f"The run is over after {state.total} evaluations; start another.")
        weights = x0_weights(self.options.prediction_type, self.levels[state.index])
        output = model_output.to(state.sample.dtype)
        x0 = weighted_sum(zip(weights, (state.sample, output), strict=True))
        return limited(x0, self.options)

    def epsilon(self, state: State, model_output: Tensor) -> Tensor:
        """The noise (B, C, h, w) that this output predicts at this state."""
        weights = eps_weights(self.options.prediction_type, self.levels[state.index])
        return weighted_sum(zip(weights, (state.sample, model_output), strict=True))

    def step(self, state: State, model_output: Tensor, noise: Noise) -> State:
        """The state after the evaluation `state.index`, whose output was `model_output`
        (B, C, h, w). noise is called only if `stochastic`. Raises SchedulerError at the end."""
        denoised = self.denoise(state, model_output)
        output = model_output.to(state.sample.dtype)
        sample, history = self.advance(state, output, denoised, noise)
        return State(state.index + 1, state.total, sample, denoised, history)

    @abstractmethod
    def advance(
        self, state: State, output: Tensor, denoised: Tensor, noise: Noise
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """The next sample and history. The algorithm itself, called by `step`."""

    def add_noise(self, sample: Tensor, noise: Tensor, index: int) -> Tensor:
        """The sample that a run starting at `index` begins with: x_0 and noise of variance 1,
        each (B, C, h, w), mixed at that evaluation's level."""
        level = self.levels[index]
        return weighted_sum(((level.alpha, sample), (level.sigma, noise)))


def _spans(entries: tuple[int, ...]) -> str:
    """0, 1, 2, 5 as "0 to 2, 5"."""
    starts = [i for i in entries if i - 1 not in entries]
    ends = [i for i in entries if i + 1 not in entries]
    return ", ".join(str(a) if a == b else f"{a} to {b}" for a, b in zip(starts, ends, strict=True))
