"""Draw Things' JSON, which its pictures have as the user comment of their XMP. Called by
`engine.record.interchange.programs`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from engine.record.interchange import reasons
from engine.record.interchange.plain_json import part
from engine.record.interchange.recipe import ABSENT, Excerpt, is_nothing, number
from engine.schedulers import other_sampler_names

SIZE = re.compile(r"(\d{1,9})x(\d{1,9})")
ON_CPU = "Torch CPU Compatible"
REASONS = {
    "control": reasons.NO_CONTROLNET,
    "hires_fix": reasons.NO_SECOND_PASS,
    "image_guidance": reasons.NO_SETTING,
    "lora": reasons.NO_LORAS,
    "refiner": reasons.NO_SECOND_MODEL,
    "sharpness": reasons.NO_SETTING,
    "upscaler": reasons.ENLARGED_APART,
}


def is_draw_things(value: Mapping[str, Any]) -> bool:
    """Whether this JSON is of Draw Things."""
    return "c" in value and ("seed_mode" in value or isinstance(value.get("v2"), dict))


def excerpt_of(told: dict[str, Any]) -> Excerpt:
    """What the JSON says. Settings that this program lacks are left out with a sentence."""
    excerpt = Excerpt("Draw Things")
    excerpt.text("prompt", told.get("c"))
    excerpt.text("negative_prompt", told.get("uc"))
    excerpt.checkpoint(told.get("model"))
    excerpt.whole("steps", told.get("steps"), "Steps")
    excerpt.number("guidance_scale", told.get("scale"), "Guidance scale")
    excerpt.whole("seed", told.get("seed"), "Seed")
    excerpt.whole("clip_skip", told.get("clip_skip"), "CLIP skip")
    size = told.get("size")
    if isinstance(size, str) and (match := SIZE.fullmatch(size)):
        excerpt.size(*match.groups())
    elif size not in ABSENT:
        excerpt.leave_out("Size", size, "it is no width and height")
    if told.get("sampler") not in ABSENT:
        excerpt.scheduler(other_sampler_names.from_draw_things, told["sampler"])
    if told.get("seed_mode") not in (*ABSENT, ON_CPU):
        excerpt.leave_out("Seed mode", told["seed_mode"], reasons.CPU_NOISE)
    if number(told.get("strength")) not in (None, 1):
        excerpt.leave_out("Strength", told["strength"], reasons.BEGUN_FROM)
    if number(told.get("shift")) not in (None, 1):
        excerpt.leave_out("Shift", told["shift"], "the model's own shift is taken")
    parts = {"lora": part(told, "v2").get("loras"), "control": part(told, "v2").get("controls")}
    for key, reason in REASONS.items():
        value = told.get(key) or parts.get(key)
        if not is_nothing(value):
            excerpt.leave_out(key.replace("_", " ").capitalize(), _named(value), reason)
    excerpt.note_loras(excerpt.fields.get("prompt", ""))
    return excerpt


def _named(value: Any) -> Any:
    """The files that a list is about."""
    if not isinstance(value, list):
        return value
    files = [one.get("file", one.get("model")) for one in value if isinstance(one, dict)]
    return ", ".join(name for name in files if isinstance(name, str)) or value
