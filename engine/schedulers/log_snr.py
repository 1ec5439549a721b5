"""Samples of constant variance, or of rectified flow, on a path of sigmas: what the solvers that
step in lambda = log(alpha / sigma) have in common. Used by DPM-Solver, DEIS, UniPC and SA-Solver.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from engine.errors import SchedulerError
from engine.schedulers.maths.exponential import Leg
from engine.schedulers.maths.prediction import Level, weighted_sum
from engine.schedulers.maths.tables import (
    Path,
    alpha_bars,
    chosen_path,
    finite,
    linspace,
    shifted,
    sigmas,
    timestep_of,
    timesteps_before_end,
)
from engine.schedulers.options import (
    PredictionType,
    SigmaOptions,
    Spacing,
    ThresholdOptions,
    TimestepOptions,
    ZeroSnrOptions,
)
from engine.schedulers.scheduler import AnyOptions, Scheduler, State

if TYPE_CHECKING:
    from torch import Tensor


Final = Literal["zero", "sigma_min", "last"]
ALMOST_NOISE = 1 - 1e-6
"""Stands for a sigma of 1, whose lambda is infinite; the value is diffusers'."""


@dataclass(frozen=True, kw_only=True)
class LogSnrOptions(SigmaOptions, ThresholdOptions, TimestepOptions):
    """What these solvers share. variance_type: of the training, without meaning here, but a network
    that predicts its variance is refused. use_flow_sigmas, flow_shift: the levels of rectified flow
    (arXiv:2403.03206), for networks that predict it."""

    prediction_type: PredictionType = "epsilon"
    timestep_spacing: Spacing = "linspace"
    variance_type: (
        Literal["fixed_small", "fixed_small_log", "fixed_large", "fixed_large_log"] | None
    ) = None
    use_flow_sigmas: bool = False
    flow_shift: float = 1.0
    use_dynamic_shifting: Literal[False] = False


@dataclass(frozen=True, kw_only=True)
class ClippedLambdaOptions:
    """lambda_min_clipped: leave out the timesteps whose lambda is below, for the cosine betas whose
    last ones are almost noise alone (arXiv:2211.01095, appendix D)."""

    lambda_min_clipped: float = -math.inf


class LogSnr(Scheduler[AnyOptions]):
    """A scheduler that steps in lambda."""

    def noise_of(self, state: State, output: Tensor, denoised: Tensor) -> Tensor:
        """The eps of this evaluation; that of the limited x_0, where x_0 is limited."""
        options = self.options
        if not (isinstance(options, ThresholdOptions) and options.thresholding):
            return self.epsilon(state, output)
        level = self.levels[state.index]
        terms = (1 / level.sigma, state.sample), (-level.alpha / level.sigma, denoised)
        return weighted_sum(terms)

    def leg(self, begin: int, end: int, predict_x0: bool, tau: float = 0.0) -> Leg:
        """The way from the level of one evaluation to that of another."""
        return Leg(self.levels[begin], self.levels[end], predict_x0, tau)


def log_snr_path(
    options: LogSnrOptions, steps: int, final: Final, flow_from_noise: bool = False
) -> Path:
    """The sigmas of a run and the whole timesteps that they stand for. final: the sigma after the
    last is 0, that of the first training timestep, or that which the path ends with by itself.
    flow_from_noise: sigmas of rectified flow start at noise alone, not at the last timestep."""
    if options.use_flow_sigmas != (options.prediction_type == "flow_prediction"):
        raise SchedulerError(
            f"use_flow_sigmas = {options.use_flow_sigmas} and prediction_type = "
            f"{options.prediction_type!r} do not go together; flow_prediction needs flow sigmas."
        )
    zero_snr = isinstance(options, ZeroSnrOptions) and options.rescale_betas_zero_snr
    table = sigmas(finite(alpha_bars(options, zero_snr)))
    last = 0.0 if final == "zero" else table[0]
    path = chosen_path(options, table[0], table[-1], steps, last)
    if options.use_flow_sigmas:
        if path is not None or options.timesteps is not None:
            raise SchedulerError("use_flow_sigmas excludes other timesteps and sigmas; choose one.")
        return _flow_path(options, steps, final, flow_from_noise, table)
    if path is None:
        count = None
        if isinstance(options, ClippedLambdaOptions):
            count = bisect_left(
                table, math.exp(min(-options.lambda_min_clipped, 700)) * (1 + 1e-12)
            )
        times = timesteps_before_end(options, steps, count)
        return Path(times, (*(table[int(t)] for t in times), last), table)
    if final == "last" and options.sigmas is None:
        path = (*path[:-1], path[-2])
    times = [timestep_of(sigma, table) for sigma in path[:-1]]
    # diffusers rounds the timesteps of all other sigmas, and cuts the fraction of these off.
    whole = _floor if options.use_exponential_sigmas or options.use_beta_sigmas else round
    return Path(tuple(float(whole(t)) for t in times), path, table)


def _flow_path(
    options: LogSnrOptions,
    steps: int,
    final: Final,
    from_noise: bool,
    table: tuple[float, ...],
) -> Path:
    train = options.num_train_timesteps
    ends = (1, 1 / train) if from_noise else (1 - 1 / train, 0)
    falling = linspace(ends[0], ends[1], steps + 1)[:-1]
    path = [min(shifted(sigma, options.flow_shift), ALMOST_NOISE) for sigma in falling]
    last = {"zero": 0.0, "sigma_min": table[0], "last": path[-1]}[final]
    return Path(tuple(float(_floor(sigma * train)) for sigma in path), (*path, last), table)


def _floor(t: float) -> int:
    """t without its fraction, where a whole t may have lost its last bits to rounding."""
    return math.floor(t + 1e-4)


def levels_of(options: LogSnrOptions, path: Path) -> list[Level]:
    """The levels of a path: variance-preserving, or on the straight lines of rectified flow."""
    if options.use_flow_sigmas:
        return [Level(1 - sigma, sigma) for sigma in path.sigmas]
    return [Level.of_sigma(sigma) for sigma in path.sigmas]
