"""NovelAI's settings: JSON in the text `Comment` of its PNGs, with the prompt in `Description`; the
same once more in the alpha channel (see `engine.record.interchange.stealth`). Called by
`engine.record.interchange.programs`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from engine.record.interchange import reasons
from engine.record.interchange.plain_json import part, read_object
from engine.record.interchange.recipe import ABSENT, Excerpt, is_nothing, number
from engine.schedulers import other_sampler_names

MARKS = frozenset(("uc", "scale", "sampler"))
SOURCE = re.compile(r"(.+?) ([0-9A-F]{8})")
"""A model and its hash."""
REASONS = {
    "sm": reasons.NO_SETTING,
    "sm_dyn": reasons.NO_SETTING,
    "dynamic_thresholding": reasons.NO_SETTING,
    "skip_cfg_above_sigma": reasons.NO_SETTING,
    "strength": reasons.BEGUN_FROM,
    "noise": reasons.BEGUN_FROM,
    "reference_strength": reasons.NO_REFERENCES,
    "reference_strength_multiple": reasons.NO_REFERENCES,
    "controlnet_model": reasons.NO_CONTROLNET,
}
"""What made the picture and is not here; its files have many settings beside that did not."""


def is_novelai(value: Mapping[str, Any]) -> bool:
    """Whether this JSON is of NovelAI."""
    return value.keys() >= MARKS or "v4_prompt" in value


def excerpt_of_texts(found: Mapping[str, str]) -> Excerpt:
    """Of the texts of a file; of `comment` as far as it is there."""
    told = read_object(found["comment"], "NovelAI's comment")
    return excerpt_of(told, found.get("Description", ""), found.get("Source", ""))


def excerpt_of(told: dict[str, Any], description: str = "", source: str = "") -> Excerpt:
    """told: the JSON of the comment; description: the prompt, of older versions only there;
    source: the model's name and hash."""
    excerpt = Excerpt("NovelAI")
    prompt, characters = _caption(told, "v4_prompt")
    negative, unwanted = _caption(told, "v4_negative_prompt")
    excerpt.text("prompt", told.get("prompt") or prompt or description)
    excerpt.text("negative_prompt", told.get("uc") or negative or "")
    for said, captions in (("prompt", characters), ("negative prompt", unwanted)):
        for caption in captions:
            excerpt.leave_out(f"A character's {said},", caption, reasons.ONE_PROMPT)
    model = SOURCE.fullmatch(source)
    excerpt.checkpoint(*(model.groups() if model else (source,)))
    excerpt.whole("steps", told.get("steps"), "Steps")
    excerpt.number("guidance_scale", told.get("scale"), "Scale")
    excerpt.number("guidance_rescale", told.get("cfg_rescale"), "CFG rescale")
    excerpt.whole("seed", told.get("seed"), "Seed")
    excerpt.size(told.get("width"), told.get("height"))
    if (sampler := told.get("sampler")) not in ABSENT:
        schedule = told.get("noise_schedule")
        names = (sampler,) if schedule in ABSENT else (sampler, schedule)
        excerpt.scheduler(other_sampler_names.from_novelai, *names)
    kind = told.get("request_type")
    if isinstance(kind, str) and not kind.startswith("PromptGenerate"):
        excerpt.leave_out("The mode", kind, reasons.BEGUN_FROM)
    for key, reason in REASONS.items():
        value = told.get(key)
        if not is_nothing(value):
            excerpt.leave_out(key, value, reason)
    if number(told.get("uncond_scale")) not in (None, 0, 1):
        excerpt.leave_out("uncond_scale", told["uncond_scale"], reasons.NO_SETTING)
    return excerpt


def _caption(told: dict[str, Any], name: str) -> tuple[str, list[str]]:
    """A prompt of version 4: that of the picture, and those of the characters in it."""
    caption = part(part(told, name), "caption")
    base, each = caption.get("base_caption"), caption.get("char_captions")
    texts = (
        [one.get("char_caption") for one in each if isinstance(one, dict)]
        if isinstance(each, list)
        else []
    )
    found = [text for text in texts if isinstance(text, str) and text]
    return base if isinstance(base, str) else "", found
