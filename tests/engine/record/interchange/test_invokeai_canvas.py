"""All that InvokeAI's canvas is made of is said, and what no version had before."""

from __future__ import annotations

import json

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from engine import Request
from engine.record.interchange import programs
from tests.engine.record.interchange.settings import KARRAS, SETTINGS

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
