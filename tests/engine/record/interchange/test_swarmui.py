"""SwarmUI's pictures are read right: what can be used, and what cannot."""

from __future__ import annotations

import json

import pytest
from PIL import Image

from engine.record.interchange import programs
from tests.engine.record.interchange.pictures import EULER, KARRAS, picture

SWARM = {
    "sui_image_params": {
        "prompt": "an owl",
        "negativeprompt": "",
        "model": "OfficialStableDiffusion/sd_xl_base_1.0",
        "seed": 1,
        "steps": 20,
        "cfgscale": 7.0,
        "aspectratio": "1:1",
        "width": 1024,
        "height": 1024,
        "automaticvae": True,
        "sampler": "dpmpp_2m",
        "scheduler": "karras",
        "swarm_version": "0.9.3.1",
    },
    "sui_extra_data": {"date": "2024-11-13"},
    "sui_models": [
        {"name": "x", "param": "loras", "hash": "0x1"},
        {"name": "sd_xl_base_1.0.safetensors", "param": "model", "hash": "0x31e35c80fc"},
    ],
}

OF_SWARM = {
    "prompt": "an owl",
    "negative_prompt": "",
    "width": 1024,
    "height": 1024,
    "seed": 1,
    "guidance_scale": 7.0,
    "steps": 20,
    "scheduler": "dpmpp_2m",
    "scheduler_options": KARRAS,
}

AS_TEXT = {
    **{key: str(value) for key, value in SWARM["sui_image_params"].items()},
    "clipstopatlayer": "-2",
    "variationseedstrength": "0",
    "loras": ["x", "y"],
    "refinerupscale": 2,
    "vae": "fine",
    "prompt": "an owl <lora:x>",
}


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
@pytest.mark.parametrize(
    ("params", "fields", "told"),
    [
        (SWARM["sui_image_params"], {}, []),
        (
            AS_TEXT,
            {"clip_skip": 2, "prompt": "an owl <lora:x>"},
            [
                "LoRAs are not loaded here: <lora:x> stays in the prompt as mere text.",
                "loras with 2 parts is left out: LoRAs are not loaded here.",
                "refinerupscale 2 is left out: there is no second pass here.",
                "vae fine is left out: the model's own autoencoder is taken.",
            ],
        ),
        (
            {"prompt": "an owl", "comfyuisampler": "euler", "seed": -1, "width": "a", "height": 8},
            {
                **dict.fromkeys(
                    ("negative_prompt", "width", "height", "seed", "guidance_scale", "steps")
                ),
                **EULER,
            },
            ["Seed -1 is left out", "Width a is left out: it is no whole number."],
        ),
    ],
)
def test_swarmui(tmp_path, suffix, params, fields, told):
    value = SWARM | {"sui_image_params": params}
    path = tmp_path / f"swarm{suffix}"
    if suffix == ".png":
        picture(path, parameters=json.dumps(value, indent=2))
    else:
        exif = Image.Exif()
        text = json.dumps(value, indent=2)
        exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + text.encode("utf-16-le")
        Image.new("RGB", (8, 8)).save(path, exif=exif)
    recipe = programs.recipe_of_picture(path)
    assert recipe.program == "SwarmUI"
    assert recipe.fields == {k: v for k, v in (OF_SWARM | fields).items() if v is not None}
    assert recipe.model_hash == "31e35c80fc"
    for sentence, start in zip(sorted(recipe.left_out), sorted(told), strict=True):
        assert sentence.startswith(start)
