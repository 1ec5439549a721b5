"""The tables that schedulers are built on: betas, timesteps and sigmas, in float64 and without
torch. Used by the constructors of the schedulers.

alpha_bar[t] is the share of signal left at training timestep t, the product of 1 - beta up to t
(arXiv:2006.11239, equation 4); sigma = sqrt((1 - alpha_bar) / alpha_bar) is the noise level where
the image keeps its scale (arXiv:2206.00364).
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise
from operator import mul

from engine.errors import SchedulerError
from engine.schedulers.options import SigmaOptions, SigmaRangeOptions, TrainingOptions

ALMOST_ZERO_SNR = 2.0**-24
"""Stands for an alpha_bar of 0 where a sigma must stay finite; the value is diffusers'."""


def linspace(start: float, stop: float, count: int) -> list[float]:
    """`count` evenly spaced values, both ends included; a single one is `start`."""
    step = (stop - start) / max(count - 1, 1)
    return [start + i * step for i in range(count)]


def interpolate(x: float, xs: Sequence[float], ys: Sequence[float]) -> float:
    """y at `x` on the line through the points (xs ascending), held constant outside."""
    if x <= xs[0]:
        return ys[0]
    if x >= xs[-1]:
        return ys[-1]
    i = bisect_right(xs, x) - 1
    return ys[i] + (ys[i + 1] - ys[i]) * (x - xs[i]) / (xs[i + 1] - xs[i])


def betas(options: TrainingOptions) -> list[float]:
    """The noise variance that each training timestep adds."""
    count = options.num_train_timesteps
    if options.trained_betas is not None:
        values = list(options.trained_betas)
        if len(values) != count:
            raise SchedulerError(
                f"trained_betas has {len(values)} values, but num_train_timesteps is {count}."
            )
    elif options.beta_schedule == "linear":
        values = linspace(options.beta_start, options.beta_end, count)
    elif options.beta_schedule == "scaled_linear":
        start, end = math.sqrt(max(options.beta_start, 0)), math.sqrt(max(options.beta_end, 0))
        values = [root**2 for root in linspace(start, end, count)]
    else:  # squaredcos_cap_v2, arXiv:2102.09672, equation 17
        bar = [math.cos((t / count + 0.008) / 1.008 * math.pi / 2) ** 2 for t in range(count + 1)]
        values = [min(1 - after / before, 0.999) for before, after in pairwise(bar)]
    for beta in values:
        if not 0 < beta < 1:
            raise SchedulerError(f"A beta of {beta} is not between 0 and 1; mend the beta options.")
    return values


def alpha_bars(options: TrainingOptions, zero_snr: bool = False) -> tuple[float, ...]:
    """alpha_bar for every training timestep; zero_snr rescales its root to end in 0
    (arXiv:2305.08891, algorithm 1)."""
    bars = list(accumulate((1 - beta for beta in betas(options)), mul))
    if not zero_snr:
        return tuple(bars)
    first, last = math.sqrt(bars[0]), math.sqrt(bars[-1])
    if first == last:
        raise SchedulerError("rescale_betas_zero_snr needs two or more training timesteps.")
    return tuple(((math.sqrt(bar) - last) * first / (first - last)) ** 2 for bar in bars)


def timesteps(options: TrainingOptions, steps: int, whole: bool = True) -> tuple[float, ...]:
    """`steps` training timesteps, falling (arXiv:2305.08891, table 2). whole=False leaves linspace
    between them. Raises SchedulerError where they would leave the training or repeat."""
    count, spacing = options.num_train_timesteps, options.timestep_spacing
    if spacing == "linspace":
        rising = linspace(0, count - 1, steps)
        values = [float(round(t)) if whole else t for t in reversed(rising)]
    elif spacing == "leading":
        stride = count // steps
        values = [float(i * stride + options.steps_offset) for i in reversed(range(steps))]
    else:
        stride = count / steps
        values = [float(round(count - i * stride) - 1) for i in range(steps)]
    _check(values, options, steps)
    return tuple(values)


def timesteps_before_end(options: TrainingOptions, steps: int) -> tuple[float, ...]:
    """As `timesteps`, for solvers whose end of the run is one of the spaced points: with linspace
    and leading there is one point more, and the last is left out."""
    if options.timestep_spacing == "trailing":
        return timesteps(options, steps)
    return timesteps(options, steps + 1)[:-1]


def _check(values: list[float], options: TrainingOptions, steps: int) -> None:
    last = options.num_train_timesteps - 1
    if values[-1] < 0 or values[0] > last:
        raise SchedulerError(
            f"{steps} steps with steps_offset = {options.steps_offset} visit timesteps "
            f"{values[-1]:g} to {values[0]:g}, but the training has 0 to {last}; use fewer steps "
            "or a smaller offset."
        )
    if any(before <= after for before, after in pairwise(values)):
        raise SchedulerError(
            f"{steps} {options.timestep_spacing} steps visit a timestep twice; use fewer steps."
        )


def sigmas(bars: Sequence[float]) -> tuple[float, ...]:
    """sigma for every training timestep, rising."""
    return tuple(math.sqrt((1 - bar) / bar) for bar in bars)


def finite(bars: tuple[float, ...]) -> tuple[float, ...]:
    """The same alpha_bars, with one in place of a last 0, whose sigma would be infinite."""
    return (*bars[:-1], ALMOST_ZERO_SNR) if bars[-1] == 0 else bars


def spaced_sigmas(
    options: SigmaOptions, low: float, high: float, count: int
) -> tuple[float, ...] | None:
    """`count` sigmas from high to low as the options space them; None: they follow the timesteps.
    low and high give way to the options' own sigma_min and sigma_max."""
    if isinstance(options, SigmaRangeOptions):
        low = low if options.sigma_min is None else options.sigma_min
        high = high if options.sigma_max is None else options.sigma_max
    if not 0 < low <= high:
        raise SchedulerError(f"sigma_min = {low:g} must be above 0, up to sigma_max = {high:g}.")
    if options.use_karras_sigmas:
        return karras(low, high, count)
    return None


def karras(low: float, high: float, count: int, rho: float = 7.0) -> tuple[float, ...]:
    """`count` sigmas from high to low, evenly spaced in their rho-th root (arXiv:2206.00364,
    equation 5)."""
    return tuple(root**rho for root in linspace(high ** (1 / rho), low ** (1 / rho), count))


def timestep_of(sigma: float, table: Sequence[float]) -> float:
    """The training timestep, with fraction, whose sigma in `table` is `sigma`; linear in log."""
    logs = [math.log(value) for value in table]
    return interpolate(math.log(sigma), logs, range(len(logs)))
