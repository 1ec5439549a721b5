"""Options and configs of schedulers: what cannot be is named, with what is known."""

from __future__ import annotations

from typing import Any

import pytest

from engine import schedulers
from engine.errors import SchedulerError
from tests.engine.schedulers.runs import CONFIG, FLOW, every_name


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
