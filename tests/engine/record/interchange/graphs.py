"""Graphs of ComfyUI, for the tests of their reader."""

from __future__ import annotations

import json
from typing import Any

from engine import Request
from engine.record.interchange import programs
from engine.record.interchange.recipe import Recipe

KARRAS = {"use_karras_sigmas": True}


def node(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs}


def graph(more: dict[str, Any] | None = None, **sampler: Any) -> dict[str, Any]:
    """The default graph, with these inputs of its sampler and these nodes."""
    usual = node(
        "KSampler",
        seed=42,
        steps=20,
        cfg=7,
        sampler_name="dpmpp_2m",
        scheduler="karras",
        denoise=1,
        model=["4", 0],
        positive=["6", 0],
        negative=["7", 0],
        latent_image=["5", 0],
    )
    usual["inputs"] |= sampler
    return {
        "3": usual,
        "4": node("CheckpointLoaderSimple", ckpt_name="dream.safetensors"),
        "5": node("EmptyLatentImage", width=512, height=768, batch_size=1),
        "6": node("CLIPTextEncode", text="a cat", clip=["4", 1]),
        "7": node("CLIPTextEncode", text="blurry", clip=["4", 1]),
        "8": node("VAEDecode", samples=["3", 0], vae=["4", 2]),
        "9": node("SaveImage", filename_prefix="x", images=["8", 0]),
    } | (more or {})


WHOLE = {
    "prompt": "a cat",
    "negative_prompt": "blurry",
    "width": 512,
    "height": 768,
    "steps": 20,
    "guidance_scale": 7,
    "seed": 42,
    "scheduler": "dpmpp_2m",
    "scheduler_options": KARRAS,
}


def read(nodes: dict[str, Any]) -> Recipe:
    recipe = programs.recipe_of_text(json.dumps(nodes))
    assert recipe.program == "ComfyUI"
    assert Request(**recipe.fields)
    return recipe


def check(nodes: dict[str, Any], told: tuple[str, ...] = (), **changed: Any) -> None:
    """That the recipe is the default one but for these fields (None: it has none), and that these
    sentences are said, in any order, and no others."""
    recipe = read(nodes)
    wanted = {key: value for key, value in (WHOLE | changed).items() if value is not None}
    assert recipe.fields == wanted, recipe.left_out
    assert recipe.model == "dream.safetensors"
    assert len(recipe.left_out) == len(told), recipe.left_out
    for start in told:
        assert any(sentence.startswith(start) for sentence in recipe.left_out), recipe.left_out


EULER = {"scheduler": "euler", "scheduler_options": {}}
