"""What programs write otherwise than the rest: SD.Next's names and templates, texts that lost the
ends of their lines, EXIF of version 3.0, and all that InvokeAI's canvas is made of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from engine import Request, schedulers
from engine.record import exif
from engine.record.interchange import programs
from engine.schedulers import other_sampler_names as peers_others

KARRAS = {"use_karras_sigmas": True}
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


def test_every_name_of_a_peer_makes_a_scheduler():
    tables = ("SDNEXT", "HORDE", "NOVELAI", "DRAW_THINGS", "EASY_DIFFUSION")
    for table in tables:
        for name, options in getattr(peers_others, table).values():
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


SETTINGS = "Sampler: Euler a, CFG scale: 7, Seed: 42, Size: 512x768, Model: dream, RNG: CPU"


@pytest.mark.parametrize(
    ("text", "prompt", "negative"),
    [
        (f"a cat, Steps: 20, {SETTINGS}", "a cat", ""),
        (f"a cat: big Steps: 20, {SETTINGS}", "a cat: big", ""),
        (f"a cat. Negative prompt: blurry. Steps: 20, {SETTINGS}", "a cat.", "blurry."),
        (f"a cat Negative prompt: blurry, Steps: 20, {SETTINGS}", "a cat", "blurry"),
        (f"Negative prompt: blurry Steps: 20, {SETTINGS}", "", "blurry"),
        (f"a cat\nNegative prompt: blurry Steps: 20, {SETTINGS}", "a cat", "blurry"),
        (f"a cat, Steps: 3 of the way Steps: 20, {SETTINGS}", "a cat, Steps: 3 of the way", ""),
        (f"a cat Steps: 20, {SETTINGS}\nTemplate: {{cat|dog}}", "a cat", ""),
        (f'a cat\nSteps: 20, {SETTINGS}, Hires prompt: "x, Steps: 3, Seed: 1"', "a cat", ""),
        (f"a cat\nSampler: Euler a, Steps: 20, {SETTINGS}", "a cat", ""),
    ],
)
def test_texts_that_lost_the_ends_of_their_lines(text, prompt, negative):
    recipe = programs.recipe_of_text(text)
    assert (recipe.fields["prompt"], recipe.fields["negative_prompt"]) == (prompt, negative)
    assert (recipe.fields["steps"], recipe.fields["seed"]) == (20, 42)
    assert recipe.fields["scheduler"] == "euler_ancestral"


@pytest.mark.parametrize(
    ("settings", "scheduler", "told"),
    [
        ("Schedule type: Karras", None, ("Schedule type Karras is left out: the text names no",)),
        ("Sampler: , Schedule type: Karras", None, ("Schedule type Karras is left out",)),
        ('Sampler: "", Schedule type: Automatic', None, ()),
        ("Sampler: ", None, ()),
        ("Sampler: None", None, ()),
        ("Sampler: Euler, Schedule type: ", "euler", ()),
        ("Size: , Sampler: Euler", "euler", ()),
        ("Sampler: , Version: stable-diffusion.cpp", None, ()),
        ("Sampler: , Scheduler: karras, Version: Fooocus v2", None, ()),
        ("Sampler: , Scheduler: karras, Version: ComfyUI", None, ()),
        ("Sampler: , Version: Safelight 1", None, ()),
    ],
)
def test_a_sampler_may_be_missing(settings, scheduler, told):
    recipe = programs.recipe_of_text(
        f"a cat\nSteps: 20, {settings}, CFG scale: 7, Seed: 1, RNG: CPU"
    )
    assert recipe.fields.get("scheduler") == scheduler
    assert recipe.fields["steps"] == 20
    assert len(recipe.left_out) == len(told), recipe.left_out
    for sentence, start in zip(recipe.left_out, told, strict=True):
        assert sentence.startswith(start)


def test_forge_neo_and_artbot_are_known():
    neo = programs.recipe_of_text(f"a cat\nSteps: 20, {SETTINGS}, Version: neo")
    assert neo.program == "Forge"
    text = (
        "a cat\nNegative prompt: blurry\nSteps: 20, Sampler: k_dpmpp_2m, CFG scale: 7, Seed: 42, "
        "Size: 512x768, model: AlbedoBase XL"
    )
    artbot = programs.recipe_of_text(text)
    assert (artbot.program, artbot.model) == ("ArtBot", "AlbedoBase XL")
    assert (artbot.fields["scheduler"], artbot.left_out) == ("dpmpp_2m", ())


TEXT = f"a cat on a sofa, 猫\nSteps: 20, {SETTINGS}"


@pytest.mark.parametrize(
    "comment",
    [
        b"UNICODE\0" + TEXT.encode(),  # as EXIF 3.0 has it
        b"UNICODE\0" + TEXT.encode() + b"\0\0",
        b"UNICODE\0" + TEXT.encode("utf-8-sig"),
        b"UNICODE\0" + TEXT.encode("utf-16-le"),
        b"UNICODE\0" + TEXT.encode("utf-16-be"),
        b"UNICODE\0" + TEXT.encode("utf-16"),
        b"ASCII\0\0\0" + TEXT.encode(),
        b"\0\0\0\0\0\0\0\0" + TEXT.encode(),
    ],
)
def test_every_way_of_writing_a_user_comment(comment):
    assert exif.comment(comment) == TEXT


def test_a_photograph_of_exif_3(tmp_path: Path):
    for suffix in ("jpg", "webp", "png"):
        picture = Image.Exif()
        picture[0x0131] = "a program"
        picture.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + TEXT.encode()
        Image.new("RGB", (8, 8)).save(tmp_path / f"a.{suffix}", exif=picture)
        recipe = programs.recipe_of_picture(tmp_path / f"a.{suffix}")
        assert recipe.fields["prompt"] == "a cat on a sofa, 猫"


CORE = {
    "generation_mode": "sdxl_txt2img",
    "positive_prompt": "a cat",
    "negative_prompt": "blurry",
    "width": 832,
    "height": 1216,
    "seed": 42,
    "rand_device": "cpu",
    "cfg_scale": 5.0,
    "steps": 30,
    "scheduler": "dpmpp_3m_k",
    "model": {"key": "9f", "hash": "blake3:6a22", "name": "XL", "base": "sdxl", "type": "main"},
    "app_version": "6.9.0",
    "ref_images": [],
    "regions": [],
    "canvas_v2_metadata": {"controlLayers": [], "rasterLayers": [], "inpaintMasks": []},
    "seamless_x": False,
    "refiner_steps": 20,
}


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({}, []),
        (
            {"generation_mode": "sdxl_img2img", "strength": 0.55},
            ["The mode sdxl_img2img is left out", "strength 0.55 is left out: the picture"],
        ),
        (
            {"generation_mode": "sdxl_outpaint", "strength": 0.8},
            ["The mode sdxl_outpaint is left out", "strength 0.8 is left out"],
        ),
        ({"ref_images": [{"id": "r"}]}, ["ref_images with 1 parts is left out: there are no ref"]),
        (
            {
                "canvas_v2_metadata": {
                    "rasterLayers": [{"id": "a"}],
                    "controlLayers": [{"id": "c"}, {"id": "d"}],
                    "inpaintMasks": [],
                    "regionalGuidance": [{"id": "e"}],
                }
            },
            [
                "controlLayers with 2 parts is left out",
                "rasterLayers with 1 parts is left out",
                "regionalGuidance with 1 parts is left out: the whole picture has one prompt",
            ],
        ),
        ({"regions": [{"positivePrompt": "a dog"}]}, ["regions with 1 parts is left out"]),
        (
            {"upscale_model": {"name": "ESRGAN"}, "creativity": 2, "upscale_scale": 2},
            ["creativity 2 is left out", "upscale_model ESRGAN is left out"],
        ),
        ({"refiner_model": {"name": "R"}}, ["refiner_model R is left", "refiner_steps 20 is left"]),
        ({"what_comes_next_year": "on"}, ["what_comes_next_year on is left out: there is no such"]),
    ],
)
def test_all_that_invokeai_did_is_said(tmp_path, more, told):
    chunks = PngInfo()
    chunks.add_text("invokeai_metadata", json.dumps(CORE | more))
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png", pnginfo=chunks)
    recipe = programs.recipe_of_picture(tmp_path / "a.png")
    assert recipe.fields["scheduler_options"] == {"solver_order": 3, **KARRAS}
    assert (recipe.fields["prompt"], recipe.fields["width"]) == ("a cat", 832)
    assert len(recipe.left_out) == len(told), recipe.left_out
    for sentence, start in zip(sorted(recipe.left_out), sorted(told), strict=True):
        assert sentence.startswith(start)


def test_what_no_version_had_before_is_said():
    fooocus = {"metadata_scheme": "fooocus", "prompt": "a cat", "uov_method": "Upscale (2x)"}
    recipe = programs.recipe_of_text(json.dumps(fooocus | {"enhance": True, "refiner_switch": 0.5}))
    assert recipe.left_out == (
        "Uov method Upscale (2x) is left out: a finished picture is enlarged by an act of its own "
        "here.",
        "Enhance True is left out: there is no such setting here.",
    )
    text = f"a cat\nSteps: 20, {SETTINGS}, Face restoration: CodeFormer"
    told = programs.recipe_of_text(text).left_out
    assert told == ("Face restoration: CodeFormer is left out: nothing is painted over here.",)


def test_a_number_of_hundreds_of_digits_is_a_sentence():
    for name in ("Steps", "CFG scale", "Seed", "Size", "Clip skip", "Eta DDIM", "Guidance"):
        value = "9" * 400 if name != "Size" else f"{'9' * 400}x64"
        text = f"a cat\nSampler: DDIM, Model: m, RNG: CPU, {name}: {value}"
        recipe = programs.recipe_of_text(text)
        assert any("is left out" in sentence for sentence in recipe.left_out), name
        assert Request(**recipe.fields)
