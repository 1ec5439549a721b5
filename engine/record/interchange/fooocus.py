"""Fooocus' JSON, which its images have as `parameters`, and its log in the same names with
capitals; and RuinedFooocus', which has names of its own. What Fooocus writes in AUTOMATIC1111's
text is read in `engine.record.interchange.infotext`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from engine import schedulers
from engine.record.interchange import reasons
from engine.record.interchange.recipe import ABSENT, Excerpt, is_nothing, number, shown

MARKS = frozenset(("base_model", "performance", "sharpness", "adm_guidance"))
"""Fooocus' JSON has two of these at least."""
PAIR = re.compile(r"\W*(\d{1,9})\D{1,5}(\d{1,9})\W*")
REASONS = {
    "freeu": "there is no FreeU here",
    "styles": "only the prompt itself is taken",
    "refiner_model": reasons.NO_SECOND_MODEL,
    "refiner_swap_method": reasons.NO_SECOND_MODEL,
    "inpaint_mode": reasons.NOT_PAINTED_OVER,
    "uov_method": reasons.ENLARGED_APART,
    "vae": reasons.OWN_AUTOENCODER,
}
"""Everything else that made the picture is left out because there is no such setting here."""
READ = frozenset(
    (
        *("prompt", "negative_prompt", "base_model", "base_model_hash", "steps", "seed", "sampler"),
        *("scheduler", "guidance_scale", "clip_skip", "resolution", "width", "height"),
    )
)
"""What is read,"""
SILENT = frozenset(
    (
        *("metadata_scheme", "version", "created_by", "full_prompt", "full_negative_prompt"),
        *("prompt_expansion", "performance", "loras", "refiner_switch", "lora_hashes", "date"),
        *("fooocus_v2_expansion", "refiner_model_hash", "image_number", "inpaint_engine"),
    )
)
"""and what did not make the picture, or stands in the file once more."""
RUINED = {
    "prompt": "Prompt",
    "negative_prompt": "Negative",
    "guidance_scale": "cfg",
    "base_model": "base_model_name",
    "base_model_hash": "base_model_hash",
    "sampler": "sampler_name",
    "refiner_model": "refiner_model_name",
}
"""Fooocus' names, and what RuinedFooocus calls them."""
USUAL = {"vae": "Default (model)"}


def is_fooocus(value: Mapping[str, Any]) -> bool:
    scheme = value.get("metadata_scheme")
    return scheme == "fooocus" or len(MARKS & {_name(key) for key in value}) > 1


def is_ruined(value: Mapping[str, Any]) -> bool:
    return value.get("software") == "RuinedFooocus"


def excerpt_of_ruined(value: Mapping[str, Any]) -> Excerpt:
    """RuinedFooocus' settings, as those of Fooocus."""
    told = {key: value.get(key) for key in ("steps", "seed", "clip_skip", "scheduler")}
    told |= {name: value.get(key) for name, key in RUINED.items()}
    excerpt = excerpt_of(told)
    excerpt.program = "RuinedFooocus"
    excerpt.size(value.get("width"), value.get("height"))
    loras = value.get("loras")
    names = [one[1] for one in loras if _is_pair(one)] if isinstance(loras, list) else []
    if isinstance(loras, str) and loras.removeprefix("Loras:"):
        names = [loras.removeprefix("Loras:")]
    if names:
        excerpt.leave_out("LoRA", ", ".join(map(str, names)), reasons.NO_LORAS)
    if number(value.get("denoise")) not in (None, 1) or number(value.get("start_step")):
        told = value.get("denoise") or value.get("start_step")
        excerpt.leave_out("Denoise", told, reasons.BEGUN_FROM)
    return excerpt


def excerpt_of(value: Mapping[str, Any]) -> Excerpt:
    """The prompts are those that the person wrote: styles wrap more words around them."""
    told = {_name(key): inner for key, inner in value.items()}
    excerpt = Excerpt("Fooocus")
    excerpt.text("prompt", told.get("prompt"))
    excerpt.text("negative_prompt", told.get("negative_prompt"))
    excerpt.checkpoint(told.get("base_model"), told.get("base_model_hash"))
    excerpt.whole("steps", told.get("steps"), "Steps")
    excerpt.number("guidance_scale", told.get("guidance_scale"), "Guidance scale")
    excerpt.whole("seed", told.get("seed"), "Seed")
    excerpt.whole("clip_skip", told.get("clip_skip"), "Clip skip")
    if (sampler := told.get("sampler")) is not None:
        excerpt.scheduler(schedulers.from_fooocus, sampler, told.get("scheduler") or "normal")
    _read_size(excerpt, told.get("resolution"))
    _leave_out(excerpt, told)
    excerpt.note_loras(excerpt.fields.get("prompt", ""))
    return excerpt


def _name(key: str) -> str:
    return key.lower().replace(" ", "_")


def _is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2


def _read_size(excerpt: Excerpt, resolution: Any) -> None:
    """ "(1152, 896)", or a list of the two."""
    if isinstance(resolution, list) and len(resolution) == 2:
        excerpt.size(*resolution)
    elif isinstance(resolution, str) and (match := PAIR.fullmatch(resolution)):
        excerpt.size(*match.groups())
    elif resolution not in ABSENT:
        excerpt.leave_out("Resolution", resolution, "it is no width and height")


def _leave_out(excerpt: Excerpt, told: Mapping[str, Any]) -> None:
    """A sentence for everything that is not read: other versions have settings that are not known
    here by name."""
    loras = [inner for key, inner in told.items() if key.startswith("lora_combined_")]
    if names := ", ".join(lora for lora in loras if isinstance(lora, str)):
        excerpt.leave_out("LoRA", names, reasons.NO_LORAS)
    for key, value in told.items():
        if key in READ or key in SILENT or key.startswith(("lora_combined_", "lora_hash")):
            continue
        if is_nothing(value) or value in ("[]", USUAL.get(key)):
            continue
        if key == "refiner_swap_method" and told.get("refiner_model") in ABSENT:
            continue
        said = ", ".join(map(str, value)) if isinstance(value, list) else value
        name = shown(key).replace("_", " ").capitalize()
        excerpt.leave_out(name, said, REASONS.get(key, reasons.NO_SETTING))
