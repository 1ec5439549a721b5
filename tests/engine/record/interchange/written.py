"""Pictures as other programs write them, for the tests of their readers."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from engine import Request
from engine.record.interchange import programs
from engine.record.interchange.recipe import Recipe

KARRAS = {"use_karras_sigmas": True}

PLAIN = {
    "prompt": "a cat on a sofa, 猫",
    "negative_prompt": "blurry",
    "width": 512,
    "height": 768,
    "steps": 25,
    "guidance_scale": 7.5,
    "seed": 42,
}


def png(path: Path, texts: dict[str, str]) -> Path:
    chunks = PngInfo()
    for key, text in texts.items():
        chunks.add_text(key, text)
    Image.new("RGB", (8, 8)).save(path, "PNG", pnginfo=chunks)
    return path


def check(recipe: Recipe, program: str, told: list[str], **changed: Any) -> None:
    assert recipe.program == program
    wanted = {key: value for key, value in (PLAIN | changed).items() if value is not None}
    assert recipe.fields == wanted, recipe.left_out
    assert Request(**recipe.fields)
    assert len(recipe.left_out) == len(told), recipe.left_out
    for sentence, start in zip(sorted(recipe.left_out), sorted(told), strict=True):
        assert sentence.startswith(start)
    again = programs.recipe_of_text(recipe.text)
    assert again.fields["prompt"] == recipe.fields["prompt"]


EASY = {
    "prompt": "a cat on a sofa, 猫",
    "negative_prompt": "blurry",
    "seed": "42",
    "use_stable_diffusion_model": "sd-v1-5",
    "clip_skip": "True",
    "use_vae_model": "None",
    "sampler_name": "euler_a",
    "width": "512",
    "height": "768",
    "num_inference_steps": "25",
    "guidance_scale": "7.5",
    "use_lora_model": "fine",
    "lora_alpha": "0.5",
    "tiling": "none",
    "use_upscale": "None",
}

RUINED = {
    "Prompt": "a cat on a sofa, 猫",
    "Negative": "blurry",
    "steps": 25,
    "cfg": 7.5,
    "width": 512,
    "height": 768,
    "seed": 42,
    "sampler_name": "dpmpp_2m_sde_gpu",
    "scheduler": "karras",
    "base_model_name": "xl.safetensors",
    "base_model_hash": "be9edd61",
    "loras": [["4852686128", "0.1 - offset.safetensors"]],
    "start_step": 0,
    "denoise": None,
    "clip_skip": 1,
    "software": "RuinedFooocus",
}

COMMENT = {
    "prompt": "a cat on a sofa, 猫",
    "steps": 25,
    "height": 768,
    "width": 512,
    "scale": 7.5,
    "uncond_scale": 0.0,
    "cfg_rescale": 0.0,
    "seed": 42,
    "n_samples": 1,
    "noise_schedule": "karras",
    "sampler": "k_euler",
    "sm": False,
    "dynamic_thresholding": False,
    "skip_cfg_above_sigma": None,
    "uc": "blurry",
    "request_type": "PromptGenerateRequest",
    "signed_hash": "x",
}

V4 = {
    "prompt": None,
    "uc": None,
    "v4_prompt": {
        "caption": {
            "base_caption": "a cat on a sofa, 猫",
            "char_captions": [{"char_caption": "a girl"}, {"char_caption": ""}],
        }
    },
    "v4_negative_prompt": {"caption": {"base_caption": "blurry", "char_captions": []}},
}


def hide(path: Path, magic: bytes, content: bytes, size=(160, 140), **saving: Any) -> Path:
    """A picture whose alpha channel has this text in its lowest bits, column after column."""
    width, height = size
    noise = numpy.random.default_rng(1).integers(0, 256, (height, width, 4), numpy.uint8)
    told = magic + struct.pack(">I", len(content) * 8) + content
    bits = numpy.unpackbits(numpy.frombuffer(told, numpy.uint8))
    alpha = numpy.full(width * height, 254, numpy.uint8)
    alpha[: len(bits)] |= bits[: width * height]
    noise[..., 3] = alpha.reshape(width, height).T
    Image.fromarray(noise, "RGBA").save(path, **saving)
    return path


PARAMETERS = "a cat on a sofa, 猫\nNegative prompt: blurry\nSteps: 25, Sampler: Euler, CFG scale: "

PARAMETERS += "7.5, Seed: 42, Size: 512x768, RNG: CPU"

DRAWN = {
    "c": "a cat on a sofa, 猫",
    "uc": "blurry",
    "steps": 25,
    "sampler": "DPM++ 2M Karras",
    "scale": 7.5,
    "seed": 42,
    "size": "512x768",
    "model": "dream.ckpt",
    "strength": 1,
    "seed_mode": "Torch CPU Compatible",
    "v2": {"loras": [], "controls": []},
}
