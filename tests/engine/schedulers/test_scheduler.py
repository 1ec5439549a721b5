"""What every scheduler promises: a step is a pure function of its state, and the right answer leads
to the image. Parity with diffusers is in tests/parity/test_schedulers.py."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from engine import schedulers
from engine.errors import SchedulerError
from engine.schedulers.maths.prediction import Level, PredictionType
from tests.engine.schedulers.runs import (
    CONFIG,
    FLOW,
    KARRAS,
    SHAPE,
    Run,
    draws,
    every_name,
    network,
)

VARIANTS: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in schedulers.names()),
    ("ddim", {"eta": 1.0}),
    ("tcd", {"eta": 0.0}),
    ("pndm", {"skip_prk_steps": True}),
    ("unipc", {"solver_order": 3}),
    ("unipc", {"solver_order": 3, "predict_x0": False}),
    ("unipc", {"lower_order_final": False}),
    ("euler", KARRAS),
    ("dpmpp_2m", {"solver_order": 3, "lower_order_final": False, **KARRAS}),
    ("dpmpp_2m", {"algorithm_type": "dpmsolver", "solver_type": "heun"}),
    ("dpmpp_2m", {"algorithm_type": "sde-dpmsolver"}),
    ("dpmpp_2m_sde", {"solver_order": 3, "final_sigmas_type": "sigma_min", **KARRAS}),
    ("dpmpp_singlestep", {"solver_order": 3, "algorithm_type": "sde-dpmsolver++"}),
    ("dpmpp_singlestep", {"solver_order": 3, "solver_type": "heun"}),
    ("sa_solver", {"predictor_order": 3, "corrector_order": 4, **KARRAS}),
    ("sa_solver", {"algorithm_type": "noise_prediction"}),
    ("deis", {"solver_order": 3, **KARRAS}),
    ("flow_euler", {"stochastic_sampling": True}),
    ("unipc", FLOW),
    ("dpmpp_2m", FLOW),
]

every_variant = pytest.mark.parametrize(("name", "options"), VARIANTS, ids=str)


@every_variant
def test_a_run_cut_anywhere_and_continued_ends_the_same(name: str, options: dict[str, Any]):
    scheduler = schedulers.create(name, CONFIG, 7, options)
    whole = Run(scheduler)
    kept = [whole.state]
    while not whole.state.done:
        whole.step()
        kept.append(whole.state)
    again = Run(schedulers.create(name, CONFIG, 7, options))
    for state in kept:
        again.state = state
        assert torch.equal(again.finish(), whole.state.sample)


@every_variant
def test_two_runs_on_one_scheduler_do_not_disturb_each_other(name: str, options: dict[str, Any]):
    scheduler = schedulers.create(name, CONFIG, 6, options)
    alone = [Run(scheduler, seed).finish() for seed in (1, 2)]
    one, two = Run(scheduler, 1), Run(scheduler, 2)
    one.step()
    while not one.state.done:
        two.step()
        one.step()
    assert torch.equal(one.state.sample, alone[0])
    assert torch.equal(two.finish(), alone[1])


@every_variant
def test_a_step_writes_into_nothing(name: str, options: dict[str, Any]):
    scheduler = schedulers.create(name, CONFIG, 5, options)
    state = scheduler.start(draws(0)(SHAPE))
    while not state.done:
        output = network(state.sample, scheduler.timesteps[state.index])
        inputs = [state.sample, output, *state.history]
        copies = [tensor.clone() for tensor in inputs]
        after = scheduler.step(state, output, draws(state.index))
        for tensor, copy in zip(inputs, copies, strict=True):
            assert torch.equal(tensor, copy)
        state = after


@every_variant
def test_denoise_is_what_step_keeps(name: str, options: dict[str, Any]):
    scheduler = schedulers.create(name, CONFIG, 5, options)
    state = scheduler.start(draws(0)(SHAPE))
    while not state.done:
        output = network(state.sample, scheduler.timesteps[state.index])
        predicted = scheduler.denoise(state, output)
        state = scheduler.step(state, output, draws(state.index))
        assert state.denoised is not None and torch.equal(state.denoised, predicted)


@every_variant
def test_a_step_never_waits_for_the_device(name: str, options: dict[str, Any]):
    """A meta tensor has no values: asking for one, as .item() does, raises."""
    scheduler = schedulers.create(name, CONFIG, 5, options)
    state = scheduler.start(torch.empty(SHAPE, device="meta"))
    while not state.done:
        output = scheduler.scale_model_input(state)
        state = scheduler.step(state, output, lambda shape: torch.empty(shape, device="meta"))
    assert state.sample.shape == SHAPE


@every_variant
def test_half_precision_outputs_are_computed_in_the_dtype_of_the_sample(
    name: str, options: dict[str, Any]
):
    scheduler = schedulers.create(name, CONFIG, 4, options)
    state = scheduler.start(draws(0)(SHAPE) * scheduler.init_noise_sigma)
    while not state.done:
        state = scheduler.step(state, network(state.sample, 0.0).half(), draws(0))
    assert state.denoised is not None
    assert state.sample.dtype == state.denoised.dtype == torch.float32


@every_variant
def test_noise_is_drawn_only_by_stochastic_schedulers(name: str, options: dict[str, Any]):
    scheduler = schedulers.create(name, CONFIG, 5, options)
    drawn = []

    def noise(shape: Any) -> Tensor:
        drawn.append(tuple(shape))
        return torch.zeros(shape)

    state = scheduler.start(draws(0)(SHAPE))
    while not state.done:
        state = scheduler.step(state, state.sample * 0.1, noise)
    assert bool(drawn) == scheduler.stochastic
    assert set(drawn) <= {SHAPE}


@every_variant
def test_the_right_answer_leads_to_the_image(name: str, options: dict[str, Any]):
    """A network that knows the image brings every scheduler to it, from every point of entry."""
    scheduler = schedulers.create(name, {**CONFIG, "clip_sample": False}, 6, options)
    image = draws(5)(SHAPE)
    for index in scheduler.entries:
        state = scheduler.start(scheduler.add_noise(image, draws(6)(SHAPE), index), index)
        while not state.done:
            level = scheduler.levels[state.index]
            output = right_output(scheduler.options.prediction_type, level, state.sample, image)
            state = scheduler.step(state, output, draws(state.index))
            assert state.denoised is not None
            assert name == "lcm" or torch.allclose(state.denoised, image, atol=1e-4)
        left = 4 * scheduler.levels[-1].sigma + 1e-3
        assert (state.sample - image).abs().max() < left or unsure(name, options, index)
        assert scheduler.input_scale(state.index) == 1


def unsure(name: str, options: dict[str, Any], index: int) -> bool:
    """Where eps is all that counts: at sigma 1 it tells nothing of the image, and where fresh noise
    changes it in every step, earlier ones are of little use."""
    of_noise = options.get("algorithm_type") == "noise_prediction"
    return (name == "ipndm" and index == 0) or of_noise


def right_output(kind: PredictionType, level: Level, x: Tensor, image: Tensor) -> Tensor:
    eps = (x - level.alpha * image) / level.sigma
    match kind:
        case "epsilon":
            return eps
        case "v_prediction":
            return (level.alpha * eps - level.sigma * image) / level.norm
        case _:
            return eps - image


@every_variant
@pytest.mark.parametrize("steps", [1, 2, 3, 4])
def test_few_steps_are_steps_too(name: str, options: dict[str, Any], steps: int):
    scheduler = schedulers.create(name, CONFIG, steps, options)
    assert len(scheduler.levels) == len(scheduler.timesteps) + 1
    assert Run(scheduler).finish().isfinite().all()


@every_name
def test_a_step_after_the_end_is_an_error(name: str):
    run = Run(schedulers.create(name, CONFIG, 2))
    run.finish()
    with pytest.raises(SchedulerError, match=f"over after {run.state.total} evaluations"):
        run.scheduler.step(run.state, run.state.sample, draws(0))


@every_name
@pytest.mark.parametrize("steps", [0, -1, 1001, 10_000, 2.0, True, "20", None])
def test_impossible_numbers_of_steps(name: str, steps: Any):
    with pytest.raises(SchedulerError, match=r"steps = .* must be a whole number from 1 to 1000"):
        schedulers.create(name, CONFIG, steps)


def test_a_state_can_be_changed_by_replace():
    scheduler = schedulers.create("unipc", CONFIG, 5)
    state = scheduler.start(draws(0)(SHAPE))
    other = replace(state, sample=state.sample + 1)
    assert torch.equal(other.sample, state.sample + 1) and other.index == state.index
    with pytest.raises(AttributeError):
        state.index = 3  # type: ignore[misc]


def test_a_run_does_not_start_within_a_step():
    scheduler = schedulers.create("pndm", CONFIG, 8, {"skip_prk_steps": True})
    assert scheduler.entries == (0, 2, 3, 4, 5, 6, 7, 8, 9)
    with pytest.raises(SchedulerError, match="evaluation 1; it can at 0, 2 to 9"):
        scheduler.start(torch.zeros(SHAPE), 1)
    scheduler = schedulers.create("pndm", CONFIG, 6)
    assert scheduler.entries == (0, 4, 8, 12, 13, 14, 15)


@pytest.mark.parametrize("name", ["heun", "kdpm2", "kdpm2_ancestral", "dpmpp_sde", "flow_heun"])
def test_two_evaluations_are_one_step(name: str):
    scheduler = schedulers.create(name, CONFIG, 4)
    assert scheduler.entries == (0, 2, 4, 6, 7)
    assert schedulers.describe(name).evaluations == 2


def test_schedulers_can_be_listed_without_torch():
    code = (
        "import sys, engine.schedulers as s; s.describe(s.names()[0]);"
        "s.create('unipc', {}, 20); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@every_name
@pytest.mark.parametrize("steps", [100, 999, 1000])
def test_every_number_of_steps_up_to_the_trainings_can_be_had(name: str, steps: int):
    """Sums of a hundred tenths end beside the last timestep, and the solvers that end at a point of
    their own have none left of a thousand."""
    spacings = next(
        (o.choices for o in schedulers.describe(name).options if o.name == "timestep_spacing"), ()
    )
    for spacing in spacings:
        options = {"timestep_spacing": spacing}
        options |= {"original_inference_steps": 1000} if name in ("lcm", "tcd") else {}
        scheduler = schedulers.create(name, {**CONFIG, "steps_offset": 0}, steps, options)
        assert len(scheduler.timesteps) >= steps
