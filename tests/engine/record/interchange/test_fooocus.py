"""Fooocus's pictures and its log are read right."""

from __future__ import annotations

import json

import pytest
from PIL import Image

from engine.record.interchange import programs
from tests.engine.record.interchange.pictures import KARRAS, picture

FOOOCUS = {
    "adm_guidance": "(1.5, 0.8, 0.3)",
    "base_model": "juggernautXL_v8Rundiffusion",
    "base_model_hash": "aeb7e9e689",
    "clip_skip": 2,
    "full_negative_prompt": ["(worst quality:1.4)", "blurry"],
    "full_prompt": ["cinematic still an owl", "an owl, great"],
    "guidance_scale": 4.0,
    "lora_combined_1": "sd_xl_offset : 0.1",
    "loras": [["sd_xl_offset", 0.1, "4852686128"]],
    "metadata_scheme": "fooocus",
    "negative_prompt": "blurry",
    "performance": "Speed",
    "prompt": "an owl",
    "prompt_expansion": "an owl, great",
    "refiner_model": "None",
    "refiner_switch": 0.5,
    "resolution": "(1152, 896)",
    "sampler": "dpmpp_2m_sde_gpu",
    "scheduler": "karras",
    "seed": "2128938480083126484",
    "sharpness": 2.0,
    "steps": 30,
    "styles": "['Fooocus V2']",
    "vae": "Default (model)",
    "version": "Fooocus v2.4.1",
}

OF_FOOOCUS = {
    "prompt": "an owl",
    "negative_prompt": "blurry",
    "width": 1152,
    "height": 896,
    "seed": 2128938480083126484,
    "guidance_scale": 4.0,
    "steps": 30,
    "clip_skip": 2,
    "scheduler": "dpmpp_2m_sde",
    "scheduler_options": KARRAS,
}

NOT_OF_FOOOCUS = (
    "Styles ['Fooocus V2'] is left out: only the prompt itself is taken.",
    "LoRA sd_xl_offset : 0.1 is left out: LoRAs are not loaded here.",
    "Sharpness 2.0 is left out: there is no such setting here.",
    "Adm guidance (1.5, 0.8, 0.3) is left out: there is no such setting here.",
)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_fooocus(tmp_path, suffix):
    path = tmp_path / f"fooocus{suffix}"
    if suffix == ".png":
        picture(path, parameters=FOOOCUS, fooocus_scheme="fooocus")
    else:  # right in the first directory of EXIF, as it does it
        exif = Image.Exif()
        exif[0x9286], exif[0x0131], exif[0x927C] = json.dumps(FOOOCUS), "Fooocus v2.4.1", "fooocus"
        Image.new("RGB", (8, 8)).save(path, exif=exif)
    recipe = programs.recipe_of_picture(path)
    assert (recipe.program, recipe.fields) == ("Fooocus", OF_FOOOCUS)
    assert (recipe.model, recipe.model_hash) == ("juggernautXL_v8Rundiffusion", "aeb7e9e689")
    assert sorted(recipe.left_out) == sorted(NOT_OF_FOOOCUS)


def test_the_log_of_fooocus_has_the_same_names_with_capitals():
    log = {key.replace("_", " ").title(): value for key, value in FOOOCUS.items()}
    log["Resolution"] = [1152, 896]
    assert programs.recipe_of_text(json.dumps(log)).fields == OF_FOOOCUS
