"""What a scheduler can be told: groups of options as frozen dataclasses, and how they are read from
a scheduler_config.json. Every scheduler builds its own options from these groups; read by `create`.

Field names are diffusers' config keys, defaults are diffusers' defaults, and a field's type says
which values it may have. `Literal[False]` and `None` stand at keys whose other values we refuse.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from engine.errors import SchedulerError, did_you_mean, told

BetaSchedule = Literal["linear", "scaled_linear", "squaredcos_cap_v2"]
PredictionType = Literal["epsilon", "sample", "v_prediction", "flow_prediction"]
DiffusionPrediction = Literal["epsilon", "sample", "v_prediction"]
Preset = Literal["align_your_steps_sd15", "align_your_steps_sdxl"]
Spacing = Literal["linspace", "leading", "trailing"]

LARGEST = 2**63
"""What whole numbers stay below; a file can have hundreds of digits, which no float holds."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What all schedulers have. num_train_timesteps: how many timesteps the network knows;
    prediction_type: what it predicts, no option where a scheduler works with only one."""

    num_train_timesteps: int = 1000
    prediction_type: PredictionType = field(default="epsilon", init=False)


@dataclass(frozen=True, kw_only=True)
class TrainingOptions(Options):
    """How the network was trained (arXiv:2006.11239). trained_betas: the betas themselves; they
    replace the three beta_ options."""

    beta_start: float = 0.0001
    beta_end: float = 0.02
    beta_schedule: BetaSchedule = "linear"
    trained_betas: tuple[float, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class TimestepOptions(TrainingOptions):
    """Which training timesteps are visited: evenly spaced (arXiv:2305.08891, table 2) and moved by
    steps_offset where the spacing is leading, or the very `timesteps`, one for each step."""

    timestep_spacing: Spacing = "leading"
    steps_offset: int = 0
    timesteps: Preset | tuple[float, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class SpacingOptions(TimestepOptions):
    """The same for networks of diffusion, but not of flow."""

    prediction_type: DiffusionPrediction = "epsilon"


@dataclass(frozen=True, kw_only=True)
class ZeroSnrOptions:
    """rescale_betas_zero_snr: the last timestep is noise alone (arXiv:2305.08891, algorithm 1)."""

    rescale_betas_zero_snr: bool = False


@dataclass(frozen=True, kw_only=True)
class ThresholdOptions:
    """Dynamic thresholding of the predicted x_0 (arXiv:2205.11487, section 2.3), for networks that
    work on pixels: values are cut at a quantile of each image, but not above sample_max_value."""

    thresholding: bool = False
    dynamic_thresholding_ratio: float = 0.995
    sample_max_value: float = 1.0


@dataclass(frozen=True, kw_only=True)
class ClipOptions:
    """clip_sample cuts the predicted x_0 at ±clip_sample_range, where thresholding does not."""

    clip_sample: bool = True
    clip_sample_range: float = 1.0


@dataclass(frozen=True, kw_only=True)
class SigmaSpacingOptions:
    """Noise levels that do not follow the timesteps: spaced by Karras et al. (arXiv:2206.00364,
    equation 5), evenly in their logarithm, or by the quantiles of a beta distribution
    (arXiv:2407.12173)."""

    use_karras_sigmas: bool = False
    use_exponential_sigmas: bool = False
    use_beta_sigmas: bool = False


@dataclass(frozen=True, kw_only=True)
class SigmaOptions(SigmaSpacingOptions):
    """The same, or the very `sigmas`: one for each step, and the one after the last."""

    sigmas: Preset | tuple[float, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class FinalSigmaOptions:
    """final_sigmas_type: whether the last step goes to the image itself, or to the least noise of
    the training."""

    final_sigmas_type: Literal["zero", "sigma_min"] = "zero"


@dataclass(frozen=True, kw_only=True)
class SigmaRangeOptions:
    """sigma_min, sigma_max: the ends of a spacing of sigmas; None means those of the training."""

    sigma_min: float | None = None
    sigma_max: float | None = None


@dataclass(frozen=True)
class Option:
    """One option as a person sees it. choices: the allowed words, empty where it is a number."""

    name: str
    default: Any
    choices: tuple[Any, ...] = ()


AnyOptions = TypeVar("AnyOptions", bound=Options)


def said(config: Mapping[str, Any]) -> dict[str, Any]:
    """What a scheduler_config.json itself says: the keys that it lists as left open hold no more
    than the defaults of the release that wrote it."""
    open_keys = config.get("_use_default_values")
    left_open = open_keys if isinstance(open_keys, list) else []
    known = {key: value for key, value in config.items() if key not in left_open}
    known.pop("_use_default_values", None)
    return known


def read_options(
    kind: type[AnyOptions], config: Mapping[str, Any], overrides: Mapping[str, Any], scheduler: str
) -> AnyOptions:
    """`kind` filled as diffusers' from_config would fill it, then with `overrides`.

    Keys of config that `kind` lacks are left alone; overrides must be known. Raises SchedulerError.
    """
    hints = get_type_hints(kind)
    known = [option.name for option in fields(kind) if option.init]
    for key in overrides:
        if key not in known:
            raise SchedulerError(
                f"The scheduler {scheduler!r} has no option {told(key)}; it has {', '.join(known)}."
                + did_you_mean(key, known)
            )
    told_there = said(config)
    chosen = {key: told_there[key] for key in known if key in told_there} | dict(overrides)
    return kind(**{key: _checked(key, value, hints[key]) for key, value in chosen.items()})


def listed(kind: type[Options]) -> tuple[Option, ...]:
    """The options of `kind` that can be set, for `describe`."""
    hints = get_type_hints(kind)
    known = [option for option in fields(kind) if option.init]
    options = (Option(f.name, f.default, _choices(hints[f.name])) for f in known)
    return tuple(option for option in options if option.choices != (option.default,))


def _checked(key: str, value: Any, hint: Any) -> Any:
    if value is None and hint is bool:
        return False  # configs of older releases hold null for a switch that is off
    if isinstance(value, list):
        value = tuple(value)
    if not _fits(value, hint):
        allowed = _choices(hint)
        wanted = f"one of {', '.join(map(str, allowed))}" if allowed else _words(hint)
        raise SchedulerError(f"{key} = {told(value)} cannot be used; it must be {wanted}.")
    return value


def _fits(value: Any, hint: Any) -> bool:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return any(type(value) is type(choice) and value == choice for choice in arguments)
    if origin in (Union, UnionType):
        return any(_fits(value, argument) for argument in arguments)
    if origin is tuple:
        return isinstance(value, tuple) and all(_fits(item, arguments[0]) for item in value)
    if hint is float and type(value) is float:
        return not math.isnan(value)
    if hint in (int, float) and type(value) is int:
        return abs(value) < LARGEST
    return type(value) is hint


def _choices(hint: Any) -> tuple[Any, ...]:
    if get_origin(hint) is Literal:
        return get_args(hint)
    return (None,) if hint is NoneType else (False, True) if hint is bool else ()


def _words(hint: Any) -> str:
    names = {int: "a whole number", float: "a number", NoneType: "null"}
    if get_origin(hint) is tuple:
        return "a list of numbers"
    if get_origin(hint) is Literal:
        return " or ".join(map(repr, get_args(hint)))
    parts: Iterable[Any] = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    return " or ".join(names[part] if part in names else _words(part) for part in parts)
