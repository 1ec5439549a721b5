"""Every scheduler against diffusers': the same config, steps, network and noise give the same
trajectory, sample and predicted x_0, to 1e-5 in float32.

A case is a scheduler on the scheduler config of a known checkpoint, with some options changed. Each
is run by ours and by diffusers, both in float64 first, where they must agree to 1e-8 and nothing
that differs in the mathematics can hide, then both in float32, where they must agree to 1e-5.
Where diffusers errs, the reference is mended first, and the mending says what was wrong.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import diffusers
import numpy as np
import pytest
import torch
from torch import Tensor

from engine import schedulers

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
STEPS = (1, 2, 3, 5, 10, 20, 50)
PREDICTIONS = ("epsilon", "sample", "v_prediction")
SPACINGS = ("leading", "linspace", "trailing")
SHAPE = (2, 3, 4, 4)


def network(x: Tensor, t: float) -> Tensor:
    """A stand-in for a UNet: smooth, bounded, different at every timestep and pixel."""
    return 0.8 * x.tanh() + 0.2 * (2 * x.roll(1, -1) + t / 100).sin()


def drawer(seed: int) -> Callable[..., Tensor]:
    generator = torch.Generator().manual_seed(seed)

    def draw(shape: Sequence[int], dtype: torch.dtype = torch.float32, **_: Any) -> Tensor:
        return torch.randn(tuple(shape), generator=generator).to(dtype)

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
            float((ours - theirs).abs().max() / theirs.abs().max())
            for ours, theirs in zip(
                self.samples + self.denoised, other.samples + other.denoised, strict=True
            )
        )


def run_ours(
    name: str, config: dict[str, Any], steps: int, dtype: torch.dtype, **options: Any
) -> Trajectory:
    scheduler = schedulers.create(name, config, steps, options)
    noise = drawer(1)
    state = scheduler.start(drawer(0)(SHAPE).to(dtype) * scheduler.init_noise_sigma)
    run = Trajectory(list(scheduler.timesteps), [], [])
    while not state.done:
        output = network(scheduler.scale_model_input(state), scheduler.timesteps[state.index])
        state = scheduler.step(state, output, noise)
        assert state.denoised is not None
        run.samples.append(state.sample)
        run.denoised.append(state.denoised)
    return run


def run_reference(
    name: str, config: dict[str, Any], steps: int, dtype: torch.dtype, **options: Any
) -> Trajectory:
    kind = getattr(diffusers, schedulers.describe(name).class_name)
    eta = {"eta": options.pop("eta")} if "eta" in options else {}
    config = {**config, **options}
    module = sys.modules[kind.__module__]
    seen: dict[str, Any] = {"randn_tensor": drawer(1)}
    if dtype == torch.float64:
        seen |= {"torch": Double(torch), "np": Double(np)}
    takes_epsilon = name == "pndm" and config.get("prediction_type") == "sample"
    with (
        patch.dict(vars(module), seen),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        if takes_epsilon:  # diffusers' PNDM refuses x_0, so the test turns it into eps
            config["prediction_type"] = "epsilon"
        reference = kind.from_config(config)
        reference.set_timesteps(steps)
        mend_start(reference)
        mend_middles(name, reference)
        x = drawer(0)(SHAPE).to(dtype) * float(reference.init_noise_sigma)
        run = Trajectory(reference.timesteps.tolist(), [], [])
        for i, t in enumerate(reference.timesteps):
            mend_stride(name, reference, run.timesteps, i)
            output = network(reference.scale_model_input(x, t), float(t))
            if takes_epsilon:
                bar = reference.alphas_cumprod[int(t)]
                output = (x - bar**0.5 * output) / (1 - bar) ** 0.5
            before, x = x, (result := reference.step(output, t, x, **eta)).prev_sample
            run.samples.append(x)
            run.denoised.append(predicted_x0(reference, result, before, output, i))
    return run


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


def predicted_x0(reference: Any, result: Any, x: Tensor, output: Tensor, i: int) -> Tensor:
    """The x_0 that the reference predicted; by its definition where the class does not tell."""
    if hasattr(result, "pred_original_sample"):
        return result.pred_original_sample
    if hasattr(reference, "model_outputs") and reference.config.predict_x0:
        return reference.model_outputs[-1]
    if hasattr(reference, "sigmas"):
        bar = 1 / (1 + reference.sigmas[i] ** 2)
    else:
        bar = reference.alphas_cumprod[int(reference.timesteps[i])]
    match reference.config.prediction_type:
        case "epsilon":
            return (x - (1 - bar) ** 0.5 * output) / bar**0.5
        case "v_prediction":
            return bar**0.5 * x - (1 - bar) ** 0.5 * output
        case _:
            return output


def check(name: str, config: dict[str, Any], steps: int, **options: Any) -> None:
    """Ours equals the reference: to 1e-8 in float64, and to 1e-5 in float32 or, where diffusers'
    float32 tables or float32 as such do not allow it, with no more rounding than diffusers has."""
    case = f"{name}, {steps} steps, {options}"
    exact = run_reference(name, config, steps, torch.float64, **options)
    ours = run_ours(name, config, steps, torch.float64, **options)
    assert ours.timesteps == pytest.approx(exact.timesteps, abs=1e-6), case
    assert ours.difference(exact) < 1e-8, case
    single = run_ours(name, config, steps, torch.float32, **options)
    reference = run_reference(name, config, steps, torch.float32, **options)
    assert all(tensor.dtype == torch.float32 for tensor in single.samples), case
    if single.difference(reference) > 1e-5:
        rounding = reference.difference(exact)
        assert single.difference(exact) < max(1e-5, 2 * rounding), case


NAMES = schedulers.names()
SIGMAS = ("", "use_karras_sigmas")


def sigma_options(name: str) -> list[str]:
    known = {option.name for option in schedulers.describe(name).options}
    return [key for key in SIGMAS if not key or key in known]


@pytest.mark.parametrize(
    ("name", "sigmas"), [(name, sigmas) for name in NAMES for sigmas in sigma_options(name)]
)
@pytest.mark.parametrize("config", CONFIGS)
def test_the_configs_of_known_checkpoints(name: str, config: str, sigmas: str):
    for steps in STEPS:
        if not refused(name, CONFIGS[config], steps):
            check(name, CONFIGS[config], steps, **({sigmas: True} if sigmas else {}))


@pytest.mark.parametrize(
    ("name", "sigmas"), [(name, sigmas) for name in NAMES for sigmas in sigma_options(name)]
)
@pytest.mark.parametrize("prediction", ["epsilon", "sample", "v_prediction"])
@pytest.mark.parametrize("spacing", ["leading", "linspace", "trailing"])
def test_every_prediction_and_spacing(name: str, prediction: str, spacing: str, sigmas: str):
    options = {"prediction_type": prediction, "timestep_spacing": spacing}
    options |= {sigmas: True} if sigmas else {}
    for config, steps in product(("sd15", "ddpm"), (1, 2, 3, 10, 20)):
        if not refused(name, CONFIGS[config], steps):
            check(name, CONFIGS[config], steps, **options)


def refused(name: str, config: dict[str, Any], steps: int) -> bool:
    """diffusers' Runge-Kutta start of PNDM needs four steps; ours is tested by itself."""
    return name == "pndm" and not config.get("skip_prk_steps", False) and steps < 4


OPTIONS: list[tuple[str, dict[str, Any]]] = [
    ("ddim", {"eta": 0.5}),
    ("ddim", {"eta": 1.0, "timestep_spacing": "trailing"}),
    ("ddim", {"set_alpha_to_one": False}),
    ("ddim", {"clip_sample": True, "clip_sample_range": 0.5}),
    ("ddim", {"thresholding": True, "sample_max_value": 1.5, "dynamic_thresholding_ratio": 0.9}),
    ("ddim", {"rescale_betas_zero_snr": True, "prediction_type": "v_prediction"}),
    ("ddim", {"beta_schedule": "squaredcos_cap_v2"}),
    ("ddim", {"beta_schedule": "linear", "num_train_timesteps": 500}),
    ("ddim", {"trained_betas": [0.001 * (i + 1) for i in range(100)], "num_train_timesteps": 100}),
    ("ddpm", {"variance_type": "fixed_small_log"}),
    ("ddpm", {"variance_type": "fixed_large", "steps_offset": 0}),
    ("ddpm", {"clip_sample": True, "clip_sample_range": 2.0}),
    ("ddpm", {"thresholding": True, "sample_max_value": 2.0}),
    ("ddpm", {"rescale_betas_zero_snr": True, "prediction_type": "v_prediction"}),
    ("pndm", {"set_alpha_to_one": True}),
    ("pndm", {"skip_prk_steps": False}),
    ("pndm", {"skip_prk_steps": False, "prediction_type": "v_prediction"}),
    ("pndm", {"beta_schedule": "squaredcos_cap_v2"}),
    ("euler", {"final_sigmas_type": "sigma_min"}),
    ("euler", {"final_sigmas_type": "sigma_min", "use_karras_sigmas": True}),
    ("euler", {"use_karras_sigmas": True, "sigma_min": 0.1, "sigma_max": 10.0}),
    ("euler", {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}),
    ("unipc", {"solver_order": 1}),
    ("unipc", {"solver_order": 3}),
    ("unipc", {"solver_order": 3, "solver_type": "bh1", "use_karras_sigmas": True}),
    ("unipc", {"solver_type": "bh1"}),
    ("unipc", {"solver_type": "midpoint"}),
    ("unipc", {"predict_x0": False, "final_sigmas_type": "sigma_min"}),
    ("unipc", {"predict_x0": False, "final_sigmas_type": "sigma_min", "solver_order": 3}),
    ("unipc", {"disable_corrector": [0, 2]}),
    ("unipc", {"lower_order_final": False, "final_sigmas_type": "sigma_min"}),
    ("unipc", {"thresholding": True, "sample_max_value": 1.5}),
    ("unipc", {"use_karras_sigmas": True, "sigma_min": 0.1, "sigma_max": 10.0}),
    ("unipc", {"rescale_betas_zero_snr": True, "prediction_type": "v_prediction"}),
]


@pytest.mark.parametrize(("name", "options"), OPTIONS, ids=lambda value: str(value)[:60])
def test_every_option(name: str, options: dict[str, Any]):
    for steps in (5, 10):
        check(name, CONFIGS["sd15"], steps, **options)
