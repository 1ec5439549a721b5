"""SD.Next's names, templates and settings."""

from __future__ import annotations

from typing import Any

import pytest

from engine import Request, schedulers
from engine.record.interchange import programs
from engine.schedulers import other_sampler_names
from tests.engine.record.interchange.settings import KARRAS

SDNEXT = (
    "Steps: 20, Size: 512x768, Sampler: {}, Scheduler: UniPCMultistepScheduler, Seed: 42, "
    "CFG scale: 6, {}App: SD.Next, Version: 058a7f0, Pipeline: StableDiffusionPipeline, "
    "Operations: txt2img, Model: dream"
)


def sdnext(
    sampler: str = "UniPC", more: str = "", prompts: str = "a dog\nNegative prompt: "
) -> Any:
    return programs.recipe_of_text(f"{prompts}\n{SDNEXT.format(sampler, more)}")


@pytest.mark.parametrize("negative", ["", "blurry", "blurry,\nbad: hands"])
def test_the_templates_of_sdnext_are_no_prompts(negative):
    lines = "Template: a __pet__ on\na sofa\nNegative template: blurry, __bad__"
    recipe = sdnext(prompts=f"a dog\nNegative prompt: {negative}\n{lines}")
    assert recipe.program == "SD.Next"
    assert (recipe.fields["prompt"], recipe.fields["negative_prompt"]) == ("a dog", negative)
    assert recipe.left_out == ()
    plain = f"a dog\nNegative prompt: Template: x\n{SDNEXT.format('UniPC', '')}"
    others = programs.recipe_of_text(plain.replace("App: SD.Next, ", ""))
    assert others.fields["negative_prompt"] == "Template: x"  # only SD.Next has such lines


OF_SDNEXT = {
    "UniPC": ("unipc", {}),
    "Euler a": ("euler_ancestral", {}),
    "DPM++": ("dpmpp_2m", {"solver_order": 1}),
    "DPM++ 3M": ("dpmpp_2m", {"solver_order": 3}),
    "DPM++ 1S": ("dpmpp_singlestep", {}),
    "DPM++ SDE": ("dpmpp_2m_sde", {"solver_order": 1}),  # not AUTOMATIC1111's of that name
    "DPM++ 2M SDE": ("dpmpp_2m_sde", {}),
    "DPM SDE": ("dpmpp_sde", {}),
    "DEIS": ("deis", {}),
    "SA Solver": ("sa_solver", {}),
    "PNDM": ("pndm", {"skip_prk_steps": False}),
    "IPNDM": ("ipndm", {}),
    "DDPM": ("ddpm", {}),
    "LMSD": ("lms", {}),
    "KDPM2": ("kdpm2", {}),
    "KDPM2 a": ("kdpm2_ancestral", {}),
    "TCD": ("tcd", {}),
    "Heun FlowMatch": ("flow_heun", {}),
}


@pytest.mark.parametrize(("sampler", "choice"), OF_SDNEXT.items())
def test_the_samplers_of_sdnext_are_diffusers(sampler, choice):
    recipe = sdnext(sampler)
    assert (recipe.fields["scheduler"], recipe.fields["scheduler_options"]) == choice
    assert recipe.left_out == ()


def test_a_sampler_that_is_not_here_is_said():
    recipe = sdnext("VDM Solver", "Sampler sigma: karras, ")
    assert "scheduler" not in recipe.fields
    assert recipe.left_out[0].startswith("Sampler VDM Solver is left out: there is no such")
    assert "scheduler" not in sdnext("None").fields  # of older versions: whatever the model has
    assert sdnext("None").left_out == ()


def test_every_name_of_these_programs_makes_a_scheduler():
    tables = ("SDNEXT", "HORDE", "NOVELAI", "DRAW_THINGS", "EASY_DIFFUSION")
    for table in tables:
        for name, options in getattr(other_sampler_names, table).values():
            made = schedulers.create(name, {}, 10, options)
            assert made.about.name == name


@pytest.mark.parametrize(
    ("more", "fields", "told"),
    [
        ("CLiP-skip: 2, CFG rescale: 0.7, ", {"clip_skip": 2, "guidance_rescale": 0.7}, []),
        ("Clip skip: 2, CFG end: 0.8, ", {"clip_skip": 2, "guidance_interval": (0.0, 0.8)}, []),
        ("CFG end: 8, ", {}, ["CFG end 8 is left out: it is no share of the steps."]),
        (
            "Sampler sigma: karras, Sampler spacing: trailing, Sampler order: 3, ",
            {"scheduler_options": KARRAS | {"timestep_spacing": "trailing", "solver_order": 3}},
            [],
        ),
        (
            "Sampler low order: False, Sampler beta schedule: scaled, Sampler beta start: 0.001, ",
            {
                "scheduler_options": {
                    "lower_order_final": False,
                    "beta_schedule": "scaled_linear",
                    "beta_start": 0.001,
                }
            },
            [],
        ),
        (
            "Sampler sigma: odd, Sampler order: 99, Sampler spacing: x, ",
            {},
            [
                "Sampler order 99 is left out: the scheduler unipc does not take it.",
                "Sampler sigma odd is left out: there is no such spacing of the noise here.",
                "Sampler spacing x is left out: the scheduler unipc does not take it.",
            ],
        ),
        (
            "HiRes mode: 1, Hires scale: 2, Detailer: face, Init image hash: ab, Batch: 2x1, ",
            {},
            [
                "Detailer: face is left out: nothing is painted over here.",
                "HiRes mode: 1, Hires scale: 2 are left out: there is no second pass here.",
                "Init image hash: ab is left out: the picture that this one began from is not in",
            ],
        ),
    ],
)
def test_settings_of_sdnext(more, fields, told):
    recipe = sdnext(more=more)
    usual = {
        "prompt": "a dog",
        "negative_prompt": "",
        "steps": 20,
        "guidance_scale": 6.0,
        "seed": 42,
        "width": 512,
        "height": 768,
        "scheduler": "unipc",
        "scheduler_options": {},
    }
    assert recipe.fields == usual | fields
    assert Request(**recipe.fields)
    assert len(recipe.left_out) == len(told), recipe.left_out
    for sentence, start in zip(sorted(recipe.left_out), sorted(told), strict=True):
        assert sentence.startswith(start)
