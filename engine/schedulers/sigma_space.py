"""Samples that keep the image's scale: x = x_0 + sigma eps, and the network sees x / sqrt(1 +
sigma²) (arXiv:2206.00364, table 1). What Euler, Heun, LMS, DPM2 and DPM++ SDE have in common.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise
from typing import TYPE_CHECKING

from engine.schedulers.maths.prediction import Level, weighted_sum
from engine.schedulers.maths.tables import (
    Path,
    alpha_bars,
    chosen_path,
    finite,
    interpolate,
    sigmas,
    timestep_of,
    timesteps,
)
from engine.schedulers.options import (
    ClipOptions,
    FinalSigmaOptions,
    SigmaOptions,
    SpacingOptions,
    ZeroSnrOptions,
)
from engine.schedulers.scheduler import AnyOptions, Scheduler, State

if TYPE_CHECKING:
    from torch import Tensor


NOISE_ALONE = 1000.0
"""A sigma at which the sample tells nothing of the image: below a thousandth of it is image."""


class SigmaSpace(Scheduler[AnyOptions]):
    """A scheduler whose samples are x_0 + sigma eps."""

    def input_scale(self, index: int) -> float:
        return 1 / self.levels[index].norm if index < len(self.timesteps) else 1.0

    def is_noise_alone(self, sigma: float) -> bool:
        """Whether nothing can be learned from a second slope of a step that begins at this sigma.
        The difference of its two predictions counts times the ratio of two sigmas, which is above a
        thousand for models whose first timestep has no image left. Where the network or a limit
        keeps x_0 within bounds, the step then goes straight towards the x_0 that was seen last.
        """
        return sigma > NOISE_ALONE and (self.clips or self.options.prediction_type != "epsilon")

    @property
    def clips(self) -> bool:
        return isinstance(self.options, ClipOptions) and self.options.clip_sample

    def slope(self, state: State, output: Tensor, denoised: Tensor) -> Tensor:
        """dx/dsigma at this evaluation, which is eps; that of the limited x_0, where it is limited.
        Taken from the output itself where it can be: x - x_0 has lost digits at a small sigma."""
        if self.clips or self.options.prediction_type == "sample":
            return (state.sample - denoised) / self.levels[state.index].sigma
        return self.epsilon(state, output)

    def sigma_pair(self, index: int) -> tuple[float, float]:
        """sigma at an evaluation, and where its step goes."""
        now, after = self.levels[index : index + 2]
        return now.sigma, after.sigma


def sigma_path(options: SpacingOptions, steps: int, whole_karras: bool = False) -> Path:
    """The sigmas of a run and the timesteps that they stand for, which have fractions; whole_karras
    rounds those of Karras sigmas."""
    zero_snr = isinstance(options, ZeroSnrOptions) and options.rescale_betas_zero_snr
    table = sigmas(finite(alpha_bars(options, zero_snr)))
    times = timesteps(options, steps, whole=False)
    path = tuple(interpolate(t, range(len(table)), table) for t in times)
    last = 0.0
    if isinstance(options, FinalSigmaOptions) and options.final_sigmas_type == "sigma_min":
        last = table[0]
    spaced = chosen_path(options, path[-1], path[0], steps, last)
    if spaced is not None:
        times, path = tuple(timestep_of(sigma, table) for sigma in spaced[:-1]), spaced
        if whole_karras and isinstance(options, SigmaOptions) and options.use_karras_sigmas:
            times = tuple(float(round(t)) for t in times)
    else:
        path = (*path, last)
    return Path(times, path, table)


def with_middles(path: Path, middles: Iterable[float]) -> Path:
    """The path of a solver that evaluates each step but the last a second time, at a middle."""
    times, visited = list(path.times[:1]), list(path.sigmas[:1])
    for middle, t, sigma in zip(middles, path.times[1:], path.sigmas[1:-1], strict=True):
        times += timestep_of(middle, path.table), t
        visited += middle, sigma
    return Path(tuple(times), (*visited, path.sigmas[-1]), path.table)


def log_middles(sigmas: Iterable[float]) -> list[float]:
    """The middles of neighbouring sigmas in their logarithm."""
    return [math.sqrt(now * after) for now, after in pairwise(sigmas)]


def levels(path: Path) -> list[Level]:
    return [Level(1.0, sigma) for sigma in path.sigmas]


def first_scale(options: SpacingOptions, path: Path) -> float:
    """init_noise_sigma. With leading spacing the first sigma is too small to hide the image, so
    that noise of the full variance of a sample stands in for it."""
    highest = max(path.sigmas)
    return math.hypot(1, highest) if options.timestep_spacing == "leading" else highest


def towards(x: Tensor, x0: Tensor, now: float, after: float) -> Tensor:
    """Euler's step: from sigma `now` straight towards x_0, as far as sigma `after`."""
    left = after / now
    return weighted_sum(((left, x), (1 - left, x0)))


def ancestral(now: float, after: float) -> tuple[float, float]:
    """(down, up): a step from sigma `now` to `down` and fresh noise of `up` give sigma `after`,
    with as much noise as the posterior has (arXiv:2006.11239, section 3.2, in sigmas)."""
    up = after * math.sqrt(max(now**2 - after**2, 0)) / now
    return math.sqrt(max(after**2 - up**2, 0)), up
