"""LCM: the `lcm` scheduler. "Latent Consistency Models: Synthesizing High-Resolution Images with
Few-Step Inference", arXiv:2310.04378."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.errors import SchedulerError
from engine.schedulers.maths.prediction import Level, weighted_sum
from engine.schedulers.maths.tables import alpha_bars
from engine.schedulers.options import (
    BetaSchedule,
    ClipOptions,
    DiffusionPrediction,
    ThresholdOptions,
    TrainingOptions,
    ZeroSnrOptions,
)
from engine.schedulers.scheduler import Description, Scheduler, State

if TYPE_CHECKING:
    from torch import Tensor

    from engine.schedulers.scheduler import Noise

SIGMA_DATA = 0.5


@dataclass(frozen=True, kw_only=True)
class DistilledOptions(ZeroSnrOptions, TrainingOptions):
    """original_inference_steps: the steps of the teacher, of which a run visits some."""

    beta_start: float = 0.00085
    beta_end: float = 0.012
    beta_schedule: BetaSchedule = "scaled_linear"
    prediction_type: DiffusionPrediction = "epsilon"
    original_inference_steps: int = 50


@dataclass(frozen=True, kw_only=True)
class LCMOptions(ClipOptions, ThresholdOptions, DistilledOptions):
    """timestep_scaling: how fast the network's part grows with the timestep."""

    clip_sample: bool = False
    timestep_scaling: float = 10.0


class LCM(Scheduler[LCMOptions]):
    """Algorithm 3, multistep consistency sampling: all the way to the image, and back to the next
    level with fresh noise."""

    options_type = LCMOptions
    about = Description(
        name="lcm",
        class_name="LCMScheduler",
        label="LCM",
        sentence="A picture in four steps, with an LCM checkpoint and little or no guidance.",
        steps=(2, 8),
        stochastic=True,
    )

    @classmethod
    def build(cls, options: LCMOptions, steps: int) -> LCM:
        bars = alpha_bars(options, options.rescale_betas_zero_snr)
        times = distilled_timesteps(options, steps)
        visited = [*(bars[int(t)] for t in times), 1.0]
        return cls(options, times, [Level.of_alpha_bar(bar) for bar in visited])

    def denoise(self, state: State, model_output: Tensor) -> Tensor:
        """The consistency function f(x, t), equation 9, which is x itself at timestep 0."""
        x0 = super().denoise(state, model_output)
        t = self.timesteps[state.index] * self.options.timestep_scaling
        norm = t**2 + SIGMA_DATA**2
        return weighted_sum(((t / norm**0.5, x0), (SIGMA_DATA**2 / norm, state.sample)))

    def advance(
        self, state: State, output: Tensor, denoised: Tensor, noise: Noise
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        after = self.levels[state.index + 1]
        if after.sigma == 0:
            return denoised, ()
        return weighted_sum(((after.alpha, denoised), (after.sigma, noise(output.shape)))), ()


def distilled_timesteps(options: DistilledOptions, steps: int) -> tuple[float, ...]:
    """`steps` of the teacher's timesteps, falling, the highest first."""
    original, train = options.original_inference_steps, options.num_train_timesteps
    if not 1 <= original <= train:
        raise SchedulerError(f"original_inference_steps = {original} is not within 1 to {train}.")
    if steps > original:
        raise SchedulerError(
            f"steps = {steps} is more than the {original} steps that the teacher had; use fewer."
        )
    taught = [i * (train // original) - 1 for i in range(original, 0, -1)]
    return tuple(float(taught[i * original // steps]) for i in range(steps))
