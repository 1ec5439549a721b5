"""What single schedulers and spacings do otherwise than the rest."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from engine import schedulers
from tests.engine.schedulers.runs import CONFIG, KARRAS, SHAPE, Run, draws, every_name, network


def test_the_last_ddpm_step_adds_no_noise():
    """diffusers adds the large variance to the finished image unless the last timestep is 0, and
    takes the root of a logarithm for fixed_large_log, which is NaN."""
    config = {**CONFIG, "prediction_type": "sample", "timestep_spacing": "trailing"}
    image = draws(3)(SHAPE).clamp(-1, 1)
    for variance in ("fixed_large", "fixed_large_log"):
        scheduler = schedulers.create("ddpm", config, 5, {"variance_type": variance})
        state = scheduler.start(draws(4)(SHAPE))
        while not state.done:
            state = scheduler.step(state, image, draws(state.index))
        assert torch.allclose(state.sample, image)


def test_unipc_reaches_the_image_in_every_form():
    """With lower_order_final off, or eps and a last sigma of 0, diffusers ends in NaN."""
    config = {**CONFIG, "prediction_type": "sample"}
    image = draws(3)(SHAPE)
    for options in ({"lower_order_final": False}, {"predict_x0": False}):
        scheduler = schedulers.create("unipc", config, 8, options)
        state = scheduler.start(draws(4)(SHAPE))
        while not state.done:
            state = scheduler.step(state, image, draws(0))
        assert torch.allclose(state.sample, image, atol=1e-4)


@pytest.mark.parametrize("spacing", ["use_karras_sigmas", "use_exponential_sigmas"])
@pytest.mark.parametrize("name", ["dpmpp_2m", "dpmpp_2m_sde", "unipc"])
def test_a_step_without_length_changes_nothing(name: str, spacing: str):
    """These paths end at sigma_min by themselves, and final_sigmas_type adds it once more.
    diffusers divides by the length of that step, and only rounding or lower orders save it."""
    options = {spacing: True, "final_sigmas_type": "sigma_min", "lower_order_final": False}
    run = Run(schedulers.create(name, CONFIG, 20, options))
    while run.state.index < 19:
        run.step()
    before = run.state.sample
    change = (run.finish() - before).abs().max()
    assert change < (1e-1 if name == "unipc" else 1e-6)  # UniPC still corrects the step before


@every_name
def test_sigmas_may_end_at_zero_or_above(name: str):
    known = {option.name for option in schedulers.describe(name).options}
    if "sigmas" not in known or name == "flow_euler":
        return
    for last, steps in ((0.0, 20), (0.05, 19)):
        given = [10 * 0.8**i for i in range(steps)]
        scheduler = schedulers.create(name, CONFIG, steps, {"sigmas": [*given, last]})
        assert Run(scheduler).finish().isfinite().all()
        ratio = scheduler.levels[-1].sigma / scheduler.levels[-1].alpha
        assert ratio == pytest.approx(last)


@pytest.mark.parametrize("name", ["dpmpp_2m", "dpmpp_2m_sde", "dpmpp_singlestep", "unipc"])
@pytest.mark.parametrize("steps", [7, 18])
def test_the_smallest_sigma_twice_at_the_end(name: str, steps: int):
    options = {"final_sigmas_type": "sigma_min", "solver_order": 3, **KARRAS}
    assert Run(schedulers.create(name, CONFIG, steps, options)).finish().isfinite().all()


def test_align_your_steps():
    for name, key in (("euler", "sigmas"), ("dpmpp_2m", "timesteps"), ("dpmpp_2m", "sigmas")):
        for steps in (10, 17):
            scheduler = schedulers.create(name, CONFIG, steps, {key: "align_your_steps_sd15"})
            assert len(scheduler.timesteps) == steps and scheduler.timesteps[0] == 999
    sdxl = schedulers.create("dpmpp_2m", CONFIG, 10, {"timesteps": "align_your_steps_sdxl"})
    assert sdxl.timesteps == (999, 845, 730, 587, 443, 310, 193, 116, 53, 13)
    sd15 = schedulers.create("euler", CONFIG, 10, {"sigmas": "align_your_steps_sd15"})
    assert [level.sigma for level in sd15.levels] == pytest.approx(
        [14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0.0]
    )


def test_few_steps_of_pndm_start_with_runge_kutta_too():
    """diffusers' tables of the Runge-Kutta start need four steps."""
    assert len(schedulers.create("pndm", CONFIG, 3).timesteps) == 9
    assert schedulers.create("pndm", CONFIG, 2).timesteps == (500, 250, 250, 0, 0)


def test_the_third_order_of_an_sde_is_the_second_of_smooth_outputs():
    """In diffusers' third order for the SDE a half has the wrong sign, so that outputs that differ
    by their second difference are thrown off; for sde-dpmsolver it has none. Without noise, ours
    and the second order then agree the better the smaller the steps."""
    differences = []
    for steps in (40, 80):
        ends = []
        for order in (2, 3):
            scheduler = schedulers.create("dpmpp_2m_sde", CONFIG, steps, {"solver_order": order})
            state = scheduler.start(draws(0)(SHAPE))
            while not state.done:
                output = network(state.sample, scheduler.timesteps[state.index])
                state = scheduler.step(state, output, torch.zeros)
            ends.append(state.sample)
        differences.append(float((ends[0] - ends[1]).abs().max()))
    assert differences[1] < 0.7 * differences[0]


def test_thresholding_is_by_image():
    scheduler = schedulers.create(
        "ddim", CONFIG, 5, {"thresholding": True, "sample_max_value": 3.0, "clip_sample": False}
    )
    state = scheduler.start(draws(0)(SHAPE) * torch.tensor([1.0, 5.0]).view(2, 1, 1, 1))
    both = scheduler.denoise(state, state.sample * 0.5)
    alone = scheduler.denoise(replace(state, sample=state.sample[1:]), state.sample[1:] * 0.5)
    assert both.abs().max() <= 1 and torch.equal(both[1:], alone)
