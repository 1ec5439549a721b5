"""Schedulers against diffusers' with every option, and where diffusers' is wrong."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from engine import schedulers
from tests.parity.trajectories import (
    CONFIGS,
    NAMES,
    SHAPE,
    check,
    drawer,
    known,
    network,
    run_ours,
    run_reference,
)

TRAINED = {"trained_betas": [0.001 * (i + 1) for i in range(100)], "num_train_timesteps": 100}

THRESHOLD = {"thresholding": True, "sample_max_value": 1.5, "dynamic_thresholding_ratio": 0.9}

ZERO_SNR = {"rescale_betas_zero_snr": True, "prediction_type": "v_prediction"}

TRAILING = {"timestep_spacing": "trailing"}

COSINE = {"beta_schedule": "squaredcos_cap_v2"}

MIN = {"final_sigmas_type": "sigma_min"}

OPTIONS: list[tuple[str, dict[str, Any]]] = [
    *((name, COSINE) for name in NAMES if "beta_end" in known(name)),
    *((name, THRESHOLD) for name in NAMES if "thresholding" in known(name)),
    *((name, ZERO_SNR) for name in NAMES if "rescale_betas_zero_snr" in known(name)),
    *((name, MIN) for name in NAMES if "final_sigmas_type" in known(name)),
    *((name, {"lower_order_final": False, **MIN}) for name in ("unipc", "dpmpp_2m")),
    *((name, {"lower_order_final": False}) for name in ("deis", "sa_solver")),
    *((name, {"solver_order": order}) for name in ("unipc", "dpmpp_2m", "deis", "dpmpp_singlestep")
      for order in (1, 3)),
    *(("dpmpp_2m", {"algorithm_type": kind, **MIN, "solver_type": solver, "solver_order": order})
      for kind, orders in (("dpmsolver", (2, 3)), ("sde-dpmsolver", (1, 2)),
                           ("sde-dpmsolver++", (1, 2)), ("dpmsolver++", (2, 3)))
      for solver in ("midpoint", "heun") for order in orders),
    *(("dpmpp_singlestep", {"algorithm_type": a, **MIN, "solver_type": solver, "solver_order": k})
      for a, orders in (("dpmsolver", (2, 3)), ("sde-dpmsolver++", (2,)), ("dpmsolver++", (2, 3)))
      for solver in ("midpoint", "heun") for k in orders),
    *(("sa_solver", {"predictor_order": p, "corrector_order": c, "algorithm_type": kind})
      for p, c in ((1, 1), (3, 3), (4, 4), (2, 1), (3, 2))
      for kind in ("data_prediction", "noise_prediction")),
    ("ddim", {"eta": 0.5}),
    ("ddim", {"eta": 1.0, **TRAILING}),
    ("ddim", {"set_alpha_to_one": False}),
    ("ddim", {"clip_sample": True, "clip_sample_range": 0.5}),
    ("ddim", {"beta_schedule": "linear", "num_train_timesteps": 500}),
    ("ddim", TRAINED),
    ("ddpm", {"variance_type": "fixed_small_log"}),
    ("ddpm", {"variance_type": "fixed_large", "steps_offset": 0}),
    ("ddpm", {"clip_sample": True, "clip_sample_range": 2.0}),
    ("ddpm", {"timesteps": [999, 700, 300, 100, 0]}),
    ("pndm", {"set_alpha_to_one": True}),
    ("pndm", {"skip_prk_steps": False}),
    ("pndm", {"skip_prk_steps": False, "prediction_type": "v_prediction"}),
    ("heun", {"clip_sample": True, "clip_sample_range": 1.5}),
    ("heun", {"timesteps": [999, 700, 300, 100, 7]}),
    ("euler", {**MIN, "use_karras_sigmas": True}),
    ("euler", {"use_karras_sigmas": True, "sigma_min": 0.1, "sigma_max": 10.0}),
    ("euler", {"rescale_betas_zero_snr": True, **TRAILING}),
    ("euler", {"timesteps": [999, 700, 300, 100, 7]}),
    ("euler", {"sigmas": [14.6, 6.5, 2.7, 0.9, 0.2, 0.0]}),
    ("unipc", {"solver_order": 3, "solver_type": "bh1", "use_karras_sigmas": True}),
    ("unipc", {"solver_type": "bh1"}),
    ("unipc", {"solver_type": "midpoint"}),
    ("unipc", {"predict_x0": False, **MIN}),
    ("unipc", {"predict_x0": False, **MIN, "solver_order": 3}),
    ("unipc", {"disable_corrector": [0, 2]}),
    ("unipc", {"use_karras_sigmas": True, "sigma_min": 0.1, "sigma_max": 10.0}),
    ("dpmpp_2m", {"euler_at_final": True, **MIN}),
    ("dpmpp_2m", {"algorithm_type": "deis", "solver_type": "bh2", **MIN}),
    ("dpmpp_2m", {"timesteps": [999, 700, 300, 100, 7]}),
    ("dpmpp_2m", {"lambda_min_clipped": -2.0, **COSINE}),
    ("dpmpp_singlestep", {"lambda_min_clipped": -2.0, **COSINE}),
    ("dpmpp_singlestep", {"lower_order_final": True, "solver_order": 3}),
    ("dpmpp_singlestep", {"timesteps": [999, 700, 300, 100, 7]}),
    ("lcm", {"original_inference_steps": 20, "timestep_scaling": 3.0}),
    ("lcm", {"clip_sample": True}),
    ("tcd", {"eta": 0.0}),
    ("tcd", {"eta": 1.0}),
    ("dpmpp_2m", {"use_lu_lambdas": True}),
    *((name, {"use_flow_sigmas": True, "prediction_type": "flow_prediction", "flow_shift": shift})
      for name in ("unipc", "dpmpp_2m", "dpmpp_2m_sde", "dpmpp_singlestep", "deis", "sa_solver")
      for shift in (1.0, 3.0)),
    ("flow_euler", {"shift": 3.0}),
    ("flow_euler", {"shift_terminal": 0.1}),
    ("flow_euler", {"sigmas": [1.0, 0.8, 0.5, 0.2, 0.1], "shift": 2.0}),
    ("flow_euler", {"stochastic_sampling": True}),
    ("flow_heun", {"shift": 3.0}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "options"), OPTIONS, ids=lambda value: str(value)[:70])
def test_every_option(name: str, options: dict[str, Any]):
    for steps in (5,) if {"timesteps", "sigmas"} & set(options) else (5, 16):
        check(name, CONFIGS["sd15"], steps, **options)


@pytest.mark.parametrize("sigmas", ["use_karras_sigmas", "use_exponential_sigmas"])
def test_lms_leaves_the_reference_in_the_last_of_many_steps(sigmas: str):
    """The reference's cubic reaches from nodes close together to sigma 0, some ten times as far as
    they lie apart: 400 and 1,500 times an error of the network. Ours goes through fewer there; up
    to 50 steps the two are the same to the last."""
    options = {sigmas: True}
    exact = run_reference("lms", CONFIGS["sd15"], 100, torch.float64, **options)
    ours = run_ours("lms", CONFIGS["sd15"], 100, torch.float64, **options)
    ends = exact.samples.pop(), ours.samples.pop()
    for run in (exact, ours):
        run.denoised.pop()
    assert ours.difference(exact) < 1e-8
    assert not torch.equal(*ends)


def test_lms_begun_midway_takes_an_order_that_it_has_slopes_for():
    """The reference takes coefficients of the fourth order for the one slope that it has, whose sum
    is then not the step: zip leaves out the others."""
    scheduler = schedulers.create("lms", CONFIGS["sd15"], 10)
    noise = drawer(1)
    state = scheduler.start(scheduler.add_noise(noise(SHAPE), noise(SHAPE), 5), 5)
    output = network(state.sample, scheduler.timesteps[5])
    begun = scheduler.step(state, output, noise)
    now, after = (scheduler.levels[i].sigma for i in (5, 6))
    assert torch.allclose(begun.sample, state.sample + (after - now) * output)
