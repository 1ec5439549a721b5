"""Every scheduler against diffusers': the same config, steps, network and noise give the same
trajectory, sample and predicted x_0, to 1e-5 in float32. Called by the tests of schedulers beside
this file, and by the benchmark of schedulers.

A case is a scheduler on the scheduler config of a known checkpoint, with some options changed. Each
is run by ours and by diffusers, both in float64 first, where they must agree to 1e-8 and nothing
that differs in the mathematics can hide, then both in float32, where they must agree to 1e-5.
Where diffusers errs, the reference is mended first, and the mending says what was wrong.
"""

from __future__ import annotations

import importlib
import json
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import patch

import diffusers
import numpy as np
import pytest
import torch
from torch import Tensor

from engine import schedulers
from engine.schedulers.maths import tables

MODELS = Path(__file__).parents[2] / "resources" / "models"

SCALED = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}

CONFIGS: dict[str, dict[str, Any]] = {
    "sd15": {
        **SCALED,
        "_class_name": "PNDMScheduler",
        "clip_sample": False,
        "num_train_timesteps": 1000,
        "set_alpha_to_one": False,
        "skip_prk_steps": True,
        "steps_offset": 1,
        "trained_betas": None,
    },
    "sd21v": {
        **SCALED,
        "_class_name": "DDIMScheduler",
        "clip_sample": False,
        "num_train_timesteps": 1000,
        "prediction_type": "v_prediction",
        "set_alpha_to_one": False,
        "skip_prk_steps": True,
        "steps_offset": 1,
        "trained_betas": None,
    },
    "sdxl": {
        **SCALED,
        "_class_name": "EulerDiscreteScheduler",
        "clip_sample": False,
        "interpolation_type": "linear",
        "num_train_timesteps": 1000,
        "prediction_type": "epsilon",
        "sample_max_value": 1.0,
        "set_alpha_to_one": False,
        "skip_prk_steps": True,
        "steps_offset": 1,
        "timestep_spacing": "leading",
        "trained_betas": None,
        "use_karras_sigmas": False,
    },
    "ddpm": {
        "_class_name": "DDPMScheduler",
        "beta_end": 0.02,
        "beta_schedule": "linear",
        "beta_start": 0.0001,
        "clip_sample": True,
        "num_train_timesteps": 1000,
        "trained_betas": None,
        "variance_type": "fixed_small",
    },
    "emoji": json.loads((MODELS / "emoji/scheduler/scheduler_config.json").read_text()),
}

REFUSES_SAMPLE = ("pndm", "euler_ancestral", "kdpm2", "kdpm2_ancestral", "dpmpp_sde")

FLOW = ("flow_euler", "flow_heun")

FIXED = {"dpmpp_2m_sde": {"algorithm_type": "sde-dpmsolver++"}}

SHAPE = (2, 3, 4, 4)


def module_of(name: str) -> ModuleType:
    """Where diffusers keeps a scheduler; two are not to be had from its top without packages that
    the tests do not install, see `STAND_INS`."""
    place = {"lms": "lms_discrete", "dpmpp_sde": "dpmsolver_sde"}.get(name)
    if place is None:
        return sys.modules[getattr(diffusers, schedulers.describe(name).class_name).__module__]
    with patch.dict(sys.modules, {"torchsde": ModuleType("torchsde")}):
        return importlib.import_module(f"diffusers.schedulers.scheduling_{place}")


def integral(function: Callable[[Tensor], Any], start: Any, end: Any, **_: Any) -> tuple[float]:
    """The integral of a polynomial of degree 7 or less."""
    start, end = float(start), float(end)
    nodes, weights = (torch.from_numpy(array) for array in np.polynomial.legendre.leggauss(4))
    values = function(start + (end - start) * (nodes + 1) / 2)
    return (float((weights * values).sum()) * (end - start) / 2,)


STAND_INS: dict[str, Any] = {
    # diffusers asks scipy for integrals of polynomials, and for the quantiles of a distribution
    # that tests/engine/schedulers/maths/test_tables.py compares with scipy's.
    "is_scipy_available": lambda: True,
    "integrate": SimpleNamespace(quad=integral),
    "scipy": SimpleNamespace(
        stats=SimpleNamespace(
            beta=SimpleNamespace(ppf=lambda q, a, b: tables.beta_quantile(float(q), a))
        )
    ),
}


def network(x: Tensor, t: float) -> Tensor:
    """A stand-in for a UNet: smooth, bounded, different at every timestep and pixel."""
    return 0.8 * x.tanh() + 0.2 * (2 * x.roll(1, -1).tanh() + t / 100).sin()


def drawer(seed: int) -> Callable[..., Tensor]:
    generator = torch.Generator().manual_seed(seed)

    def draw(shape: Sequence[int], dtype: torch.dtype = torch.float32, **_: Any) -> Tensor:
        single = torch.randn(tuple(shape), generator=generator, dtype=torch.float32)
        return single.to(dtype)

    return draw


class Double:
    """A module whose float32 is float64: diffusers' own code, without its rounding."""

    def __init__(self, module: ModuleType):
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, "float64" if name == "float32" else name)


@dataclass(frozen=True)
class Trajectory:
    """What each evaluation was told and what it led to."""

    timesteps: list[float]
    samples: list[Tensor]
    denoised: list[Tensor]

    def difference(self, other: Trajectory) -> float:
        """The largest, relative to the largest value of the tensor it is in."""
        return max(
            float((ours - theirs).abs().max() / theirs.abs().max().clamp(min=1e-9))
            for ours, theirs in zip(
                self.samples + self.denoised, other.samples + other.denoised, strict=True
            )
        )


def create(
    name: str, config: dict[str, Any], steps: int, options: dict[str, Any], dtype: torch.dtype
) -> Any:
    """Our scheduler; its tables start from float32 products, as diffusers' do, or are exact."""
    with patch.object(tables, "single", tables.single if dtype == torch.float32 else float):
        return schedulers.create(name, config, steps, options)


def run_ours(
    name: str,
    config: dict[str, Any],
    steps: int,
    dtype: torch.dtype,
    *,
    rounded: bool = False,
    **options: Any,
) -> Trajectory:
    """rounded: float32's tables and every sample in float32's precision, and nothing else."""
    scheduler = create(name, config, steps, options, torch.float32 if rounded else dtype)
    noise = drawer(1)
    state = scheduler.start(drawer(0)(SHAPE).to(dtype) * scheduler.init_noise_sigma)
    run = Trajectory(list(scheduler.timesteps), [], [])
    while not state.done:
        output = network(scheduler.scale_model_input(state), scheduler.timesteps[state.index])
        state = scheduler.step(state, output, noise)
        if rounded:
            state = replace(state, sample=state.sample.float().to(dtype))
        assert state.denoised is not None
        run.samples.append(state.sample)
        run.denoised.append(state.denoised)
    return run


def run_reference(
    name: str, config: dict[str, Any], steps: int, dtype: torch.dtype, **options: Any
) -> Trajectory:
    ours = create(name, config, steps, options, dtype)
    module = module_of(name)
    eta = {"eta": options.pop("eta")} if "eta" in options else {}
    given = {key: options.pop(key) for key in ("timesteps", "sigmas") if key in options}
    config = {**config, **FIXED.get(name, {}), **options}
    takes_epsilon = name in REFUSES_SAMPLE and config.get("prediction_type") == "sample"
    if takes_epsilon:  # diffusers has not written x_0 for these; the test turns it into eps
        config["prediction_type"] = "epsilon"
    noise = drawer(1)
    seen: dict[str, Any] = {"randn_tensor": noise, **STAND_INS}
    if dtype == torch.float64:
        seen |= {"torch": Double(torch), "np": Double(np)}
    with patch.dict(vars(module), seen), default_dtype(dtype), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kind = getattr(module, schedulers.describe(name).class_name)
        with patch.object(kind, "set_timesteps", no_timesteps):
            reference = kind.from_config(config)
        reference.set_timesteps(**(given or {"num_inference_steps": steps}))
        mend_start(reference)
        mend_middles(name, reference)
        mend_rounding(reference, ours.timesteps)
        if name == "dpmpp_sde":
            reference.noise_sampler = Brownian(noise, dtype)
        x = drawer(0)(SHAPE).to(dtype) * float(getattr(reference, "init_noise_sigma", 1.0))
        run = Trajectory(reference.timesteps.tolist(), [], [])
        for i, t in enumerate(reference.timesteps):
            mend_stride(name, reference, run.timesteps, i)
            seen_x = reference.scale_model_input(x, t) if name not in FLOW else x
            output = network(seen_x, float(t))
            denoised = None if not takes_epsilon else output
            if takes_epsilon:
                output = (x - ours.levels[i].alpha * output) / ours.levels[i].sigma
            before, x = x, (result := reference.step(output, t, x, **eta)).prev_sample
            run.samples.append(x)
            if denoised is None:
                denoised = predicted_x0(reference, result, ours, i, before, output)
            run.denoised.append(denoised)
    return run


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    """What integers times a number become."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def no_timesteps(reference: Any, *_: Any) -> None:
    """In place of the thousand that some constructors make, for a second, before they are asked."""
    reference.sigmas = torch.zeros(1)


class Brownian:
    """Stands in for the torchsde tree of diffusers' DPM++ SDE: the increments over sigma of one
    Brownian motion, to the middle of a step and to its end, scaled to variance 1."""

    def __init__(self, noise: Callable[..., Tensor], dtype: torch.dtype):
        self.noise, self.dtype = noise, dtype
        self.begun: dict[float, tuple[float, Tensor]] = {}

    def __call__(self, sigma: Tensor, sigma_next: Tensor) -> Tensor:
        begin, end, z = float(sigma), float(sigma_next), self.noise(SHAPE, self.dtype)
        if begin not in self.begun:
            self.begun[begin] = end, z
            return z
        middle, before = self.begun.pop(begin)
        walked = (begin - middle) ** 0.5 * before + (middle - end) ** 0.5 * z
        return walked / (begin - end) ** 0.5


def mend_start(reference: Any) -> None:
    """Without a begin index, diffusers looks for the first timestep in its list and takes the
    second of two equal ones. Rounded Karras timesteps often are equal, and a step is then lost."""
    if hasattr(reference, "set_begin_index"):
        reference.set_begin_index(0)


def mend_middles(name: str, reference: Any) -> None:
    """The middle of a Runge-Kutta step of PNDM is train // steps // 2 from its end, which is not
    its middle where the steps are not of that length."""
    if name == "pndm" and not reference.config.skip_prk_steps:
        for i in range(0, 12, 4):
            middle = (reference.prk_timesteps[i] + reference.prk_timesteps[i + 3]) // 2
            reference.prk_timesteps[i + 1 : i + 3] = middle
            reference.timesteps[i + 1 : i + 3] = int(middle)


def mend_rounding(reference: Any, timesteps: tuple[float, ...]) -> None:
    """Some classes cut the fraction of a timestep off, so that in float32 the sigma of timestep 999
    becomes 998. Where that is all the difference, the network is told the right one."""
    if reference.timesteps.dtype == torch.int64 and len(reference.timesteps) == len(timesteps):
        right = torch.tensor(timesteps, dtype=torch.int64)
        if (right - reference.timesteps).abs().max() <= 1:
            reference.timesteps = right


def mend_stride(name: str, reference: Any, times: list[float], i: int) -> None:
    """DDIM and PNDM go from t to t - train // steps, which is the timestep that they visit next
    only if steps divides train, and never with linspace. Else the sample has another noise level
    than the network is told. The property that they divide by is set so that they arrive."""
    if name not in ("ddim", "pndm"):
        return
    t, later = times[i], times[i + 1] if i + 1 < len(times) else -1
    if name == "pndm" and not reference.config.skip_prk_steps and i < 12:
        stride = 2 * (t - later)  # two half steps
    elif name == "pndm" and i == 1:
        stride = times[0] - t  # the first step again, corrected
    else:
        stride = t - later
    if stride > 0:
        reference.num_inference_steps = Fraction(reference.config.num_train_timesteps, int(stride))


def predicted_x0(
    reference: Any, result: Any, ours: Any, i: int, x: Tensor, output: Tensor
) -> Tensor:
    """The x_0 that the reference predicted; by its definition where the class does not tell."""
    for key in ("pred_original_sample", "denoised"):
        if hasattr(result, key):
            return getattr(result, key)
    alpha, sigma = ours.levels[i].alpha, ours.levels[i].sigma
    match ours.options.prediction_type:
        case "epsilon":
            x0 = (x - sigma * output) / alpha
        case "v_prediction":
            x0 = alpha * x - sigma * output
        case "flow_prediction":
            x0 = x - sigma * output
        case _:
            x0 = output
    return reference._threshold_sample(x0) if reference.config.get("thresholding") else x0


def check(name: str, config: dict[str, Any], steps: int, **options: Any) -> None:
    """Ours equals the reference: to 1e-8 in float64, and in float32 to 1e-5.

    On some cases no two float32 programs can agree so far: diffusers' tables are float32, where
    1 - alpha_bar loses digits, and a step may make the rounding of a sample larger. There, ours
    must be as near to the float64 result as diffusers is, or as a run is whose only flaws are that
    its tables begin and its samples are kept in float32."""
    case = f"{name}, {steps} steps, {options}"
    exact = run_reference(name, config, steps, torch.float64, **options)
    ours = run_ours(name, config, steps, torch.float64, **options)
    assert ours.timesteps == pytest.approx(exact.timesteps, abs=1e-6), case
    assert ours.difference(exact) < 1e-8, case
    single = run_ours(name, config, steps, torch.float32, **options)
    reference = run_reference(name, config, steps, torch.float32, **options)
    assert all(tensor.dtype == torch.float32 for tensor in single.samples), case
    if single.difference(reference) > 1e-5:
        least = run_ours(name, config, steps, torch.float64, rounded=True, **options)
        rounding = max(reference.difference(exact), least.difference(exact))
        assert single.difference(exact) < max(1e-5, 2 * rounding), case


NAMES = schedulers.names()


def known(name: str) -> dict[str, tuple[Any, ...]]:
    """The options of a scheduler, with their choices."""
    return {option.name: option.choices for option in schedulers.describe(name).options}
