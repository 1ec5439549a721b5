"""The names of other programs: both ways, and no near miss in silence."""

from __future__ import annotations

import pytest

from engine import schedulers
from engine.errors import SchedulerError
from engine.schedulers.sampler_names import A1111_SAMPLERS, INVOKEAI

KARRAS = {"use_karras_sigmas": True}


@pytest.mark.parametrize(
    ("sampler", "schedule", "choice"),
    [
        ("DPM++ 2M Karras", "Automatic", ("dpmpp_2m", KARRAS)),
        ("DPM++ 2M", "Karras", ("dpmpp_2m", KARRAS)),
        (
            "DPM++ 2M SDE Exponential",
            "Automatic",
            ("dpmpp_2m_sde", {"use_exponential_sigmas": True}),
        ),
        ("Euler a", "Automatic", ("euler_ancestral", {})),
        ("PLMS", "Automatic", ("pndm", {"skip_prk_steps": True})),
        ("UniPC", "Beta", ("unipc", {"use_beta_sigmas": True})),
    ],
)
def test_names_of_automatic1111(sampler: str, schedule: str, choice: tuple[str, dict]):
    assert schedulers.from_a1111(sampler, schedule) == choice


def test_every_name_there_and_back():
    for sampler in A1111_SAMPLERS:
        assert schedulers.to_a1111(*schedulers.from_a1111(sampler)) == sampler
    for sampler in (
        "DPM++ 2M Karras",
        "LMS Karras",
        "DPM++ SDE Karras",
        "DPM++ 3M SDE Exponential",
    ):
        assert schedulers.to_a1111(*schedulers.from_a1111(sampler)) == sampler
    for name in INVOKEAI:
        assert schedulers.to_invokeai(*schedulers.from_invokeai(name)) == name


def test_every_name_makes_a_scheduler():
    for name, options in (*A1111_SAMPLERS.values(), *INVOKEAI.values()):
        assert schedulers.create(name, {}, 10, options).about.name == name


def test_options_without_a_word_are_left_out():
    assert schedulers.to_a1111("dpmpp_2m", {**KARRAS, "euler_at_final": True}) == "DPM++ 2M Karras"
    assert schedulers.to_a1111("pndm", {}) == "PLMS"
    assert schedulers.to_invokeai("euler", {"steps_offset": 1}) == "euler"


def test_an_unknown_name_lists_the_known():
    with pytest.raises(SchedulerError, match=r"'DPM adaptive' is no .*known are DPM\+\+ 2M, "):
        schedulers.from_a1111("DPM adaptive")
    with pytest.raises(SchedulerError, match=r"'Turbo' is no .* schedule type .*Karras"):
        schedulers.from_a1111("Euler", "Turbo")
    with pytest.raises(SchedulerError, match=r"'euler_x' is no InvokeAI scheduler .*euler_k"):
        schedulers.from_invokeai("euler_x")
    with pytest.raises(SchedulerError, match=r"AUTOMATIC1111 has no name for 'deis'; .*euler"):
        schedulers.to_a1111("deis", {})
