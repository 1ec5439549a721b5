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
from dataclasses import dataclass
from itertools import accumulate, pairwise
from struct import pack, unpack

from engine.errors import SchedulerError
from engine.schedulers.options import (
    Options,
    Preset,
    SigmaOptions,
    SigmaRangeOptions,
    SigmaSpacingOptions,
    TimestepOptions,
    TrainingOptions,
)

ALMOST_ZERO_SNR = 2.0**-24
"""Stands for an alpha_bar of 0 where a sigma must stay finite; the value is diffusers'."""

PRESET_TIMESTEPS: dict[Preset, tuple[float, ...]] = {
    "align_your_steps_sd15": (999, 850, 736, 645, 545, 455, 343, 233, 124, 24),
    "align_your_steps_sdxl": (999, 845, 730, 587, 443, 310, 193, 116, 53, 13),
}
PRESET_SIGMAS: dict[Preset, tuple[float, ...]] = {
    "align_your_steps_sd15": (
        *(14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0.0),
    ),
    "align_your_steps_sdxl": (
        *(14.615, 6.315, 3.771, 2.181, 1.342, 0.862, 0.555, 0.380, 0.234, 0.113, 0.0),
    ),
}
"""The ten steps that suit a network best: "Align Your Steps", arXiv:2404.14507, project page."""


@dataclass(frozen=True)
class Path:
    """A run in sigmas. times: the training timestep at each evaluation; sigmas: the sigma at each,
    and the one after the last; table: the training's sigmas, rising."""

    times: tuple[float, ...]
    sigmas: tuple[float, ...]
    table: tuple[float, ...]


def linspace(start: float, stop: float, count: int) -> list[float]:
    """`count` evenly spaced values, both ends included; a single one is `start`."""
    step = (stop - start) / max(count - 1, 1)
    inner = [start + i * step for i in range(1, count - 1)]
    return [start, *inner, stop] if count > 1 else [start]  # sums would end beside `stop`


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


def single(value: float) -> float:
    """The value as float32 holds it."""
    return unpack("f", pack("f", value))[0]


def alpha_bars(options: TrainingOptions, zero_snr: bool = False) -> tuple[float, ...]:
    """alpha_bar for every training timestep; zero_snr rescales its root to end in 0
    (arXiv:2305.08891, algorithm 1).

    The products are those that networks were trained with, in float32, where 1 - alpha_bar has lost
    its last digits; all that follows from them is float64.
    """
    alphas = (single(1 - single(beta)) for beta in betas(options))
    bars = list(accumulate(alphas, lambda bar, alpha: single(bar * alpha)))
    if not zero_snr:
        return tuple(bars)
    first, last = math.sqrt(bars[0]), math.sqrt(bars[-1])
    if first == last:
        raise SchedulerError("rescale_betas_zero_snr needs two or more training timesteps.")
    return tuple(((math.sqrt(bar) - last) * first / (first - last)) ** 2 for bar in bars)


def timesteps(
    options: TimestepOptions, steps: int, whole: bool = True, count: int | None = None
) -> tuple[float, ...]:
    """`steps` training timesteps, falling (arXiv:2305.08891, table 2), or those of the options.
    whole=False leaves linspace between timesteps; count: use only the first of the training.
    Raises SchedulerError where they would leave the training or repeat."""
    if options.timesteps is not None:
        values = _given_timesteps(options.timesteps, steps)
    else:
        values = _spaced_timesteps(options, steps, whole, count or options.num_train_timesteps)
    _check(values, options, steps)
    return tuple(values)


def timesteps_before_end(
    options: TimestepOptions, steps: int, count: int | None = None
) -> tuple[float, ...]:
    """As `timesteps`, for solvers whose end of the run is one of the spaced points: with linspace
    and leading there is one point more, and the last is left out, but where the training has no
    more."""
    every = steps >= (count or options.num_train_timesteps)
    if every or options.timesteps is not None or options.timestep_spacing == "trailing":
        return timesteps(options, steps, count=count)
    return timesteps(options, steps + 1, count=count)[:-1]


def _spaced_timesteps(options: TimestepOptions, steps: int, whole: bool, count: int) -> list[float]:
    if options.timestep_spacing == "linspace":
        rising = linspace(0, count - 1, steps)
        return [float(round(t)) if whole else t for t in reversed(rising)]
    if options.timestep_spacing == "leading":
        stride = count // steps
        return [float(i * stride + options.steps_offset) for i in reversed(range(steps))]
    stride = options.num_train_timesteps / steps
    points = [count - i * stride for i in range(steps)]
    return [float(round(point) - 1) for point in points if point > 0]


def _given_timesteps(given: Preset | tuple[float, ...], steps: int) -> list[float]:
    if isinstance(given, str):
        table = PRESET_TIMESTEPS[given]
        places = linspace(0, len(table) - 1, steps)
        return [float(round(interpolate(x, range(len(table)), table))) for x in places]
    if len(given) != steps:
        raise SchedulerError(f"timesteps has {len(given)} values, but there are {steps} steps.")
    if any(t != int(t) for t in given):
        raise SchedulerError(f"timesteps = {given!r} must be whole numbers.")
    return [float(t) for t in given]


def _check(values: list[float], options: Options, steps: int) -> None:
    last = options.num_train_timesteps - 1
    if min(values) < 0 or max(values) > last:
        raise SchedulerError(
            f"{steps} steps would visit timesteps {min(values):g} to {max(values):g}, but the "
            f"training has 0 to {last}; use fewer steps, a smaller steps_offset or other timesteps."
        )
    if any(before <= after for before, after in pairwise(values)):
        raise SchedulerError(
            f"The timesteps of {steps} steps must fall, and these repeat or rise; use fewer steps "
            "or other timesteps."
        )


def sigmas(bars: Sequence[float]) -> tuple[float, ...]:
    """sigma for every training timestep, rising."""
    return tuple(math.sqrt((1 - bar) / bar) for bar in bars)


def finite(bars: tuple[float, ...]) -> tuple[float, ...]:
    """The same alpha_bars, with one in place of a last 0, whose sigma would be infinite."""
    return (*bars[:-1], ALMOST_ZERO_SNR) if bars[-1] == 0 else bars


def chosen_path(
    options: Options, low: float, high: float, steps: int, last: float
) -> tuple[float, ...] | None:
    """steps + 1 sigmas as the options want them spaced, from high to low and then `last`; None
    where they follow the timesteps. low and high give way to the options' sigma_min and sigma_max.
    """
    if not isinstance(options, SigmaSpacingOptions):
        return None
    if isinstance(options, SigmaRangeOptions):
        low = low if options.sigma_min is None else options.sigma_min
        high = high if options.sigma_max is None else options.sigma_max
    if not 0 < low <= high < math.inf:
        raise SchedulerError(f"sigma_min = {low:g} must be above 0, up to sigma_max = {high:g}.")
    spacings = {
        "use_karras_sigmas": karras,
        "use_exponential_sigmas": exponential,
        "use_beta_sigmas": beta,
        "use_lu_lambdas": exponential,  # arXiv:2206.00927 spaces log(alpha / sigma) evenly
    }
    given = options.sigmas if isinstance(options, SigmaOptions) else None
    times = options.timesteps if isinstance(options, TimestepOptions) else None
    chosen = [key for key in spacings if getattr(options, key, False)]
    chosen += ["sigmas"] if given is not None else []
    chosen += ["timesteps"] if times is not None else []
    if len(chosen) > 1:
        raise SchedulerError(f"{' and '.join(chosen)} exclude each other; choose one.")
    if not chosen or times is not None:
        return None
    if given is not None:
        return _given_sigmas(given, steps)
    spaced = spacings[chosen[0]](low, high, steps)
    # The ends exactly: what follows may be `last` again, and that step must have no length.
    return (high, *spaced[1:-1], low, last) if steps > 1 else (high, last)


def _given_sigmas(given: Preset | tuple[float, ...], steps: int) -> tuple[float, ...]:
    if isinstance(given, str):
        *rising, last = PRESET_SIGMAS[given]
        logs = [math.log(sigma) for sigma in rising]
        places = linspace(0, len(logs) - 1, steps)
        return (*(math.exp(interpolate(x, range(len(logs)), logs)) for x in places), last)
    if len(given) != steps + 1:
        raise SchedulerError(
            f"sigmas has {len(given)} values, but {steps} steps need {steps + 1}: one for each, "
            "and the one after the last."
        )
    falling = all(before > after for before, after in pairwise(given))
    if not (falling and given[-1] >= 0 and given[0] < math.inf):
        raise SchedulerError(f"sigmas = {given!r} must fall to 0 or above.")
    return tuple(float(sigma) for sigma in given)


def karras(low: float, high: float, count: int) -> tuple[float, ...]:
    """`count` sigmas from high to low, evenly spaced in their seventh root (arXiv:2206.00364,
    equation 5)."""
    return tuple(root**7 for root in linspace(high ** (1 / 7), low ** (1 / 7), count))


def exponential(low: float, high: float, count: int) -> tuple[float, ...]:
    """`count` sigmas from high to low, evenly spaced in their logarithm."""
    return tuple(math.exp(log) for log in linspace(math.log(high), math.log(low), count))


def beta(low: float, high: float, count: int, shape: float = 0.6) -> tuple[float, ...]:
    """`count` sigmas from high to low, dense at both ends: the quantiles of the symmetric beta
    distribution (arXiv:2407.12173)."""
    return tuple(low + beta_quantile(q, shape) * (high - low) for q in linspace(1, 0, count))


def shifted(sigma: float, shift: float) -> float:
    """A sigma of rectified flow, moved towards 1 by a shift above 1 (arXiv:2403.03206, section
    5.3.2). Raises SchedulerError for a shift that is not above 0."""
    if not shift > 0:
        raise SchedulerError(f"shift = {shift} must be above 0.")
    return shift * sigma / (1 + (shift - 1) * sigma)


def beta_quantile(q: float, shape: float) -> float:
    """The x in 0 to 1 below which the beta distribution of (shape, shape) has the share q, to
    float64. Newton's method on the power series of the incomplete beta function in x**shape, where
    it has no singularity."""
    if q > 0.5:
        return 1 - beta_quantile(1 - q, shape)
    whole = math.gamma(shape) ** 2 / math.gamma(2 * shape)
    series, factor = [], 1.0
    for n in range(64):
        series.append(factor / (shape + n))
        factor *= (n + 1 - shape) / (n + 1)
    u = q * whole * shape
    for _ in range(8):
        x = min(u, 1.0) ** (1 / shape)
        share = u * sum(term * x**n for n, term in enumerate(series))
        u -= (share - q * whole) * shape * (1 - x) ** (1 - shape)
    return u ** (1 / shape)


def timestep_of(sigma: float, table: Sequence[float]) -> float:
    """The training timestep, with fraction, whose sigma in `table` is `sigma`; linear in log."""
    if not table[0] < sigma < table[-1]:
        return 0.0 if sigma <= table[0] else len(table) - 1.0
    i = bisect_right(table, sigma) - 1
    return i + math.log(sigma / table[i]) / math.log(table[i + 1] / table[i])
