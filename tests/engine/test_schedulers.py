"""What every scheduler promises, whatever its mathematics: state is a value, steps are pure, errors
are clear. Parity with diffusers is in tests/parity/test_schedulers.py.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from engine import schedulers
from engine.errors import SchedulerError
from engine.schedulers.quadrature import weights

CONFIG = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
VARIANTS: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in schedulers.names()),
    ("ddim", {"eta": 1.0}),
    ("pndm", {"skip_prk_steps": True}),
    ("unipc", {"solver_order": 3}),
    ("unipc", {"solver_order": 3, "predict_x0": False}),
    ("unipc", {"lower_order_final": False}),
    ("euler", {"use_karras_sigmas": True}),
]
SHAPE = (2, 3, 4, 4)

every_variant = pytest.mark.parametrize(("name", "options"), VARIANTS, ids=str)
every_name = pytest.mark.parametrize("name", schedulers.names())


def draws(seed: int) -> Callable[..., Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return lambda shape: torch.randn(tuple(shape), generator=generator)


def network(x: Tensor, t: float) -> Tensor:
    return 0.8 * x.tanh() + 0.2 * (2 * x.roll(1, -1) + t / 100).sin()


class Run:
    """A run whose noise at evaluation i depends on its seed and i alone."""

    def __init__(self, scheduler: schedulers.Scheduler, seed: int = 0):
        self.scheduler = scheduler
        self.seed = seed
        self.state = scheduler.start(draws(seed)(SHAPE) * scheduler.init_noise_sigma)

    def step(self) -> None:
        state, scheduler = self.state, self.scheduler
        output = network(scheduler.scale_model_input(state), scheduler.timesteps[state.index])
        self.state = scheduler.step(state, output, draws(1000 * self.seed + state.index))

    def finish(self) -> Tensor:
        while not self.state.done:
            self.step()
        return self.state.sample


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
    config = {**CONFIG, "prediction_type": "sample", "clip_sample": False}
    scheduler = schedulers.create(name, config, 6, options)
    image = draws(5)(SHAPE)
    for index in scheduler.entries:
        state = scheduler.start(scheduler.add_noise(image, draws(6)(SHAPE), index), index)
        while not state.done:
            state = scheduler.step(state, image, draws(state.index))
        assert (state.sample - image).abs().max() < 0.1
        assert scheduler.input_scale(state.index) == 1


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


@every_name
def test_an_unknown_option_lists_the_known(name: str):
    with pytest.raises(SchedulerError, match=r"no option 'karras'; it has .*prediction_type"):
        schedulers.create(name, CONFIG, 5, {"karras": True})


@every_name
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("beta_schedule", "laplace"),
        ("prediction_type", "x0"),
        ("timestep_spacing", "karras"),
        ("timestep_spacing", None),
        ("num_train_timesteps", 1000.5),
        ("steps_offset", True),
        ("beta_start", "0.1"),
        ("beta_end", float("nan")),
        ("trained_betas", ["a"]),
    ],
)
def test_a_value_that_is_not_implemented_is_named(name: str, key: str, value: Any):
    for config, options in (({**CONFIG, key: value}, {}), (CONFIG, {key: value})):
        with pytest.raises(SchedulerError, match=f"{key} = .* cannot be used"):
            schedulers.create(name, config, 5, options)


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("ddpm", {"variance_type": "learned_range"}, "fixed_small_log"),
        ("ddim", {"eta": 1.5}, "outside 0 to 1"),
        ("ddim", {"steps_offset": 999}, "visit timesteps"),
        ("ddim", {"beta_start": -1.0}, "not between 0 and 1"),
        ("ddim", {"trained_betas": [0.1, 0.2]}, "has 2 values"),
        ("ddim", {"num_train_timesteps": 0}, "num_train_timesteps = 0"),
        ("unipc", {"use_flow_sigmas": True}, "use_flow_sigmas = True"),
        ("unipc", {"solver_order": 4}, "solver_order = 4"),
        ("euler", {"interpolation_type": "log_linear"}, "interpolation_type"),
        ("euler", {"sigma_min": 99.0, "use_karras_sigmas": True}, "sigma_min = 99"),
        (
            "ddim",
            {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"},
            "v_prediction or sample",
        ),
    ],
)
def test_options_that_cannot_work(name: str, options: dict[str, Any], words: str):
    with pytest.raises(SchedulerError, match=words):
        schedulers.create(name, CONFIG, 20, options)


def test_names_and_class_names_mean_the_same():
    for name in schedulers.names():
        about = schedulers.describe(name)
        assert about.name == name == schedulers.name_of(about.class_name)
        assert about.label and about.sentence.endswith(".") and about.evaluations >= 1
        assert 1 <= about.steps[0] < about.steps[1]
        assert schedulers.describe(about.class_name) == about
    with pytest.raises(SchedulerError, match=r"no scheduler 'Euler a'; there are .*pndm"):
        schedulers.name_of("Euler a")


def test_a_config_is_read_as_diffusers_reads_it():
    config = {
        "_class_name": "PNDMScheduler",
        "_diffusers_version": "0.42.1",
        "_use_default_values": ["timestep_spacing"],
        "steps_offset": 1,
        "timestep_spacing": "leading",
        "skip_prk_steps": True,
        "use_karras_sigmas": None,
    }
    euler = schedulers.create("euler", config, 10)
    assert euler.timesteps[0] == 999 and euler.options.steps_offset == 1
    pndm = schedulers.create("PNDMScheduler", config, 10, {"steps_offset": 0})
    assert pndm.timesteps[:3] == (900, 800, 800)


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


def test_thresholding_is_by_image():
    scheduler = schedulers.create(
        "ddim", CONFIG, 5, {"thresholding": True, "sample_max_value": 3.0, "clip_sample": False}
    )
    state = scheduler.start(draws(0)(SHAPE) * torch.tensor([1.0, 5.0]).view(2, 1, 1, 1))
    both = scheduler.denoise(state, state.sample * 0.5)
    alone = scheduler.denoise(replace(state, sample=state.sample[1:]), state.sample[1:] * 0.5)
    assert both.abs().max() <= 1 and torch.equal(both[1:], alone)


def test_quadrature_is_exact_for_polynomials():
    nodes = [0.0, -0.7, -1.5, -3.1]
    w = weights(nodes, [1 / (i + 1) for i in range(4)])  # the integral over 0 to 1
    for degree in range(4):
        integral = sum(wk * node**degree for wk, node in zip(w, nodes, strict=True))
        assert integral == pytest.approx(1 / (degree + 1))


def test_schedulers_can_be_listed_without_torch():
    code = (
        "import sys, engine.schedulers as s; s.describe(s.names()[0]);"
        "s.create('unipc', {}, 20); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
