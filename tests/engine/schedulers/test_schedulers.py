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
from engine.schedulers.maths.prediction import Level, PredictionType
from engine.schedulers.maths.quadrature import weights
from engine.schedulers.maths.tables import beta_quantile

CONFIG = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
FLOW = {"use_flow_sigmas": True, "prediction_type": "flow_prediction"}
KARRAS = {"use_karras_sigmas": True}
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


@every_name
def test_an_unknown_option_lists_the_known(name: str):
    with pytest.raises(SchedulerError, match=r"no option 'karras'; it has num_train_timesteps"):
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
    if key not in {option.name for option in schedulers.describe(name).options}:
        return
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
        ("unipc", {"use_flow_sigmas": True}, "flow_prediction needs flow sigmas"),
        ("unipc", {"prediction_type": "flow_prediction"}, "flow_prediction needs flow sigmas"),
        ("deis", {**FLOW, "use_karras_sigmas": True}, "excludes other timesteps and sigmas"),
        ("deis", {**FLOW, "flow_shift": -1.0}, "must be above 0"),
        ("unipc", {"solver_order": 4}, "solver_order = 4"),
        ("dpmpp_2m", {"variance_type": "learned_range"}, "variance_type = 'learned_range'"),
        ("euler", {"use_karras_sigmas": True, "use_beta_sigmas": True}, "exclude each other"),
        ("euler", {"timesteps": [999, 500]}, "timesteps has 2 values, but there are 20 steps"),
        ("euler", {"timesteps": [1.5] * 20}, "must be whole numbers"),
        ("euler", {"timesteps": [7] * 20}, "must fall"),
        ("euler", {"timesteps": list(range(1019, 999, -1))}, "visit timesteps 1000 to 1019"),
        ("euler", {"sigmas": [1.0, 0.0]}, "20 steps need 21"),
        ("euler", {"sigmas": [1.0] * 21}, "must fall to 0"),
        ("euler", {"sigmas": "align_my_steps"}, "align_your_steps_sdxl"),
        ("lcm", {"original_inference_steps": 10}, "more than the 10 steps that the teacher had"),
        ("tcd", {"eta": -0.1}, "outside 0 to 1"),
        ("flow_euler", {"shift": 0.0}, "must be above 0"),
        ("flow_euler", {"sigmas": [1.0, 0.5]}, "must be 20 values"),
        ("flow_euler", {"use_dynamic_shifting": True}, "use_dynamic_shifting = True"),
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
        assert about.name == name == schedulers.name_of(name)
        assert (
            schedulers.describe(schedulers.name_of(about.class_name)).class_name == about.class_name
        )
        assert about.label and about.sentence.endswith(".") and about.evaluations >= 1
        assert 1 <= about.steps[0] < about.steps[1]
    assert schedulers.name_of("DPMSolverMultistepScheduler") == "dpmpp_2m"
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


@pytest.mark.parametrize("name", ["heun", "kdpm2", "kdpm2_ancestral", "dpmpp_sde", "flow_heun"])
def test_two_evaluations_are_one_step(name: str):
    scheduler = schedulers.create(name, CONFIG, 4)
    assert scheduler.entries == (0, 2, 4, 6, 7)
    assert schedulers.describe(name).evaluations == 2


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


def test_quadrature_is_exact_for_polynomials():
    nodes = [0.0, -0.7, -1.5, -3.1]
    w = weights(nodes, [1 / (i + 1) for i in range(4)])  # the integral over 0 to 1
    for degree in range(4):
        integral = sum(wk * node**degree for wk, node in zip(w, nodes, strict=True))
        assert integral == pytest.approx(1 / (degree + 1))


def test_the_quantiles_of_the_beta_distribution():
    """The right sides are scipy's, scipy.stats.beta.ppf(q, 0.6, 0.6)."""
    assert beta_quantile(0.0, 0.6) == 0 and beta_quantile(1.0, 0.6) == 1
    assert beta_quantile(1e-6, 0.6) == pytest.approx(1.8558824624053043e-10, rel=1e-12)
    assert beta_quantile(0.05, 0.6) == pytest.approx(0.012554456873611399, rel=1e-12)
    assert beta_quantile(0.37, 0.6) == pytest.approx(0.3227940020973615, rel=1e-12)
    assert beta_quantile(0.5, 0.6) == pytest.approx(0.5, rel=1e-12)
    assert beta_quantile(0.8, 0.6) == pytest.approx(0.8770782495416671, rel=1e-12)


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
