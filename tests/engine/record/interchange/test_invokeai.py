"""Pictures of every generation of InvokeAI are read right: what can be used, and what cannot."""

from __future__ import annotations

import pytest

from engine import Request
from engine.record.interchange import programs
from engine.schedulers import create, sampler_names
from tests.engine.record.interchange.pictures import KARRAS, picture

METADATA = {
    "app_version": "5.4.2",
    "generation_mode": "txt2img",
    "positive_prompt": "an owl",
    "negative_prompt": "blurry",
    "width": 512,
    "height": 768,
    "seed": 2718281828,
    "rand_device": "cpu",
    "cfg_scale": 7.5,
    "cfg_rescale_multiplier": 0.7,
    "steps": 30,
    "scheduler": "dpmpp_2m_k",
    "clip_skip": 1,
    "model": {"key": "k", "hash": "blake3:ab12", "name": "dreamer", "base": "sd-1", "type": "main"},
}

OWL = {
    "prompt": "an owl",
    "negative_prompt": "blurry",
    "width": 512,
    "height": 768,
    "seed": 2718281828,
    "guidance_scale": 7.5,
    "steps": 30,
    "scheduler": "dpmpp_2m",
    "scheduler_options": KARRAS,
}

NEW = {"guidance_rescale": 0.7, "clip_skip": 2}

GRAPH = {"id": "g", "nodes": {"n": {"type": "noise", "seed": 1}}, "edges": []}

OLD = {
    "model": "stable diffusion",
    "model_weights": "dreamer",
    "model_hash": "cc6c",
    "app_id": "invoke-ai/InvokeAI",
    "app_version": "2.3.5",
    "image": {
        "prompt": [{"prompt": "an owl [blurry]", "weight": 1.0}],
        "steps": 30,
        "cfg_scale": 7.5,
        "threshold": 0,
        "perlin": 0.0,
        "height": 768,
        "width": 512,
        "seed": 2718281828,
        "type": "txt2img",
        "sampler": "k_euler_a",
        "postprocessing": None,
        "variations": [],
    },
}

OF_OLD = {"scheduler": "euler_ancestral", "scheduler_options": {}}

SPACED = "How k_euler_a spaced the noise is left out"

DREAM = '"an owl [blurry]" -s 30 -S 2718281828 -W 512 -H 768 -C 7.5 -A k_euler_a'


@pytest.mark.parametrize(
    ("texts", "fields", "told"),
    [
        ({"invokeai_metadata": METADATA, "invokeai_graph": GRAPH}, NEW, []),
        ({"invokeai_metadata": METADATA}, NEW, []),
        (
            {
                "invokeai_graph": {
                    "nodes": {"a": {"type": "noise"}, "b": METADATA | {"type": "core_metadata"}}
                }
            },
            NEW,
            [],
        ),
        (
            {
                "invokeai_metadata": METADATA
                | {
                    "model": {"model_name": "dreamer", "base_model": "sd-1"},
                    "clip_skip": 0,
                    "cfg_rescale_multiplier": None,
                    "negative_prompt": None,
                    "rand_device": "cuda",
                    "loras": [{"lora": {"model_name": "x"}, "weight": 0.7}],
                    "positive_style_prompt": "an owl",
                    "negative_style_prompt": "other",
                    "vae": {"name": "fine"},
                }
            },
            {"clip_skip": 1, "negative_prompt": None},
            [
                "Noise of cuda is left out: a seed's noise is drawn on the CPU",
                "loras with 1 parts is left out",
                "negative_style_prompt other is left out",
                "vae fine is left out",
            ],
        ),
        (
            {
                "invokeai_metadata": METADATA
                | {"scheduler": "heun_x", "seed": "1" * 5000, "steps": 1e400}
            },
            NEW | {"scheduler": None, "scheduler_options": None, "seed": None, "steps": None},
            [
                "Sampler heun_x is left out",
                "Seed 1111",
                "Steps inf is left out: it is no whole number.",
            ],
        ),
        ({"sd_metadata": OLD, "Dream": "broken"}, OF_OLD, [SPACED]),
        (
            {
                "sd_metadata": {
                    **OLD,
                    "image": None,
                    "images": [OLD["image"] | {"prompt": "an owl [blurry]"}],
                }
            },
            OF_OLD,
            [SPACED],
        ),
        (
            {"sd_metadata": "{broken", "Dream": DREAM},
            OF_OLD,
            [SPACED, "InvokeAI's sd-metadata is no JSON"],
        ),
        ({"Dream": DREAM}, OF_OLD, [SPACED]),
        ({"Dream": DREAM.replace('"', "") + " -G 0.8"}, OF_OLD, [SPACED, "-G 0.8 is left out"]),
        (
            {
                "invokeai": {
                    "type": "t2i",
                    "node": OLD["image"]
                    | {"prompt": "an owl [blurry]", "sampler_name": "dpmpp_2m_k"},
                }
            },
            {},
            [],
        ),
    ],
)
def test_generations_of_invokeai(tmp_path, texts, fields, told):
    recipe = programs.recipe_of_picture(picture(tmp_path / "invoke.png", **texts))
    assert recipe.program == "InvokeAI"
    assert recipe.fields == {k: v for k, v in (OWL | fields).items() if v is not None}
    assert Request(**recipe.fields)
    names_no_model = "invokeai" in texts or texts.get("Dream", "").find("-S 2718281828") > 0
    assert recipe.model == ("" if names_no_model else "dreamer")
    for sentence, start in zip(sorted(recipe.left_out), sorted(told), strict=True):
        assert sentence.startswith(start)


def test_every_name_of_another_program_makes_a_scheduler():
    tables = (
        sampler_names.COMFYUI,
        sampler_names.FOOOCUS,
        sampler_names.SDCPP,
        sampler_names.INVOKEAI_OLD,
    )
    for name, options in (choice for table in tables for choice in table.values()):
        assert create(name, {}, 10, options).about.name == name
    for table in (
        sampler_names.COMFYUI_SCHEDULES,
        sampler_names.SDCPP_SCHEDULES,
        sampler_names.A1111_TYPES,
    ):
        for options in table.values():
            assert create("euler", {}, 10, options).about.name == "euler"
