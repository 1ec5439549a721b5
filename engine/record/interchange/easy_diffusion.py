"""Easy Diffusion's settings: each a text of its own in a PNG, JSON in its other files and beside
them, or lines of a file of text. Called by `engine.record.interchange.programs`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from engine.record.interchange import reasons
from engine.record.interchange.recipe import ABSENT, Excerpt, is_nothing
from engine.schedulers import other_sampler_names

NAMES = {
    "prompt": "Prompt",
    "negative_prompt": "Negative Prompt",
    "seed": "Seed",
    "use_stable_diffusion_model": "Stable Diffusion model",
    "clip_skip": "Clip Skip",
    "use_controlnet_model": "ControlNet model",
    "control_filter_to_apply": "ControlNet Filter",
    "use_vae_model": "VAE model",
    "sampler_name": "Sampler",
    "width": "Width",
    "height": "Height",
    "num_inference_steps": "Steps",
    "guidance_scale": "Guidance Scale",
    "prompt_strength": "Prompt Strength",
    "use_lora_model": "LoRA model",
    "lora_alpha": "LoRA Strength",
    "use_hypernetwork_model": "Hypernetwork model",
    "hypernetwork_strength": "Hypernetwork Strength",
    "use_embeddings_model": "Embedding models",
    "tiling": "Seamless Tiling",
    "use_face_correction": "Use Face Correction",
    "use_upscale": "Use Upscaling",
    "upscale_amount": "Upscale By",
    "latent_upscaler_steps": "Latent Upscaler Steps",
}
"""Its settings, and what they are called in its files of text."""
KEYS = frozenset((*NAMES, *NAMES.values()))
MARKS = frozenset(("use_stable_diffusion_model", "num_inference_steps", "Stable Diffusion model"))
"""No other program has one of these."""
LINE = re.compile(rf"({'|'.join(map(re.escape, NAMES.values()))}): ?(.*)")
REASONS = {
    "use_controlnet_model": reasons.NO_CONTROLNET,
    "use_vae_model": reasons.OWN_AUTOENCODER,
    "prompt_strength": reasons.BEGUN_FROM,
    "use_lora_model": reasons.NO_LORAS,
    "use_hypernetwork_model": "there are no hypernetworks here",
    "use_embeddings_model": reasons.NO_EMBEDDINGS,
    "tiling": reasons.NO_TILING,
    "use_face_correction": reasons.NOT_PAINTED_OVER,
    "use_upscale": reasons.ENLARGED_APART,
}


def is_easy_diffusion(value: Mapping[str, Any]) -> bool:
    """Whether these settings are of Easy Diffusion, under either of their names."""
    return bool(MARKS & value.keys())


def lines(text: str) -> dict[str, str]:
    """The settings of a file of text; a prompt can go over several lines."""
    told: dict[str, str] = {}
    name = ""
    for line in text.replace("\r\n", "\n").strip().split("\n"):
        if match := LINE.fullmatch(line):
            name = match[1]
            told.setdefault(name, match[2])
        elif name:
            told[name] += f"\n{line}"
    return told


def excerpt_of(value: Mapping[str, Any]) -> Excerpt:
    """value: the settings under either of their names."""
    told = {key: value.get(key, value.get(name)) for key, name in NAMES.items()}
    excerpt = Excerpt("Easy Diffusion")
    excerpt.text("prompt", told["prompt"])
    excerpt.text("negative_prompt", told["negative_prompt"])
    excerpt.checkpoint(told["use_stable_diffusion_model"])
    excerpt.whole("steps", told["num_inference_steps"], "Steps")
    excerpt.number("guidance_scale", told["guidance_scale"], "Guidance scale")
    excerpt.whole("seed", told["seed"], "Seed")
    excerpt.size(told["width"], told["height"])
    if str(told["clip_skip"]).lower() == "true":  # yes or no there
        excerpt.fields["clip_skip"] = 2
    if told["sampler_name"] not in ABSENT:
        excerpt.scheduler(other_sampler_names.from_easy_diffusion, told["sampler_name"])
    for key, reason in REASONS.items():
        inner = told[key]
        if not is_nothing(inner) and inner != "False":
            excerpt.leave_out(NAMES[key], inner, reason)
    excerpt.note_loras(excerpt.fields.get("prompt", ""))
    return excerpt
