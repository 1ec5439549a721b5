"""What the settings say that stand in AUTOMATIC1111's text: whose text it is, and what of it can be
used here. Called by `engine.record.interchange.programs`; the text itself is taken apart in
`engine.record.a1111`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from engine import schedulers
from engine.record.a1111 import parse, sampler_name
from engine.record.interchange import reasons, sdnext
from engine.record.interchange.recipe import ABSENT, Excerpt, number, shown
from engine.schedulers import other_sampler_names, sampler_names

SIZE = re.compile(r"\s*(\d{1,9})\s*[x×]\s*(\d{1,9})\s*")
GROUPS = ("Hires", "ControlNet", "ADetailer", "Detailer", "Lora", "Lyco", "TI", "FreeU", "Refiner")
GROUPS += ("Dynamic thresholding", "Init image", "Resize", "Variation")
SILENT = frozenset(
    (
        *("Version", "User", "App", "Parser", "Backend", "Operations", "Hashes", "SDCPP", "Date"),
        *("Schedule type", "Scheduler", "Created Date", "Raw prompt", "Raw negative prompt"),
        *("Batch size", "Batch pos", "Pipeline", "Template", "Batch", "Index"),
        *("Negative template", "Grid"),
    )
)
"""Settings that did not make the picture, or are read together with another."""
REASONS = {
    "ADetailer": reasons.NOT_PAINTED_OVER,
    "ControlNet": reasons.NO_CONTROLNET,
    "Denoising strength": "it belongs to a picture that this one began from, or to a second pass",
    "Detailer": reasons.NOT_PAINTED_OVER,
    "ENSD": "noise is drawn in another way here",
    "Face restoration": reasons.NOT_PAINTED_OVER,
    "Init image": reasons.BEGUN_FROM,
    "Hires": reasons.NO_SECOND_PASS,
    "Lora": reasons.NO_LORAS,
    "Lyco": reasons.NO_LORAS,
    "Refiner": reasons.NO_SECOND_MODEL,
    "TI": reasons.NO_EMBEDDINGS,
    "VAE": reasons.OWN_AUTOENCODER,
    "Variation": reasons.SEEDS_UNMIXED,
}


def excerpt_of(text: str) -> Excerpt:
    """What the text says. Settings that this program lacks are left out with a sentence."""
    parts = parse(text)
    told = dict(parts.settings)
    excerpt = Excerpt(_program(told))
    prompt, negative = parts.prompt, parts.negative_prompt
    if excerpt.program == "Fooocus":  # which writes styles into the prompt, and the prompt below
        prompt = told.get("Raw prompt", prompt)
        negative = told.get("Raw negative prompt", negative)
    elif excerpt.program == "SD.Next":
        prompt, negative = sdnext.without_templates(prompt, negative)
    excerpt.fields |= {"prompt": prompt, "negative_prompt": negative}
    excerpt.checkpoint(told.pop("Model", told.pop("model", "")), told.pop("Model hash", ""))
    if not excerpt.model:
        excerpt.checkpoint(told.pop("Unet", ""))
    _read_sampler(excerpt, told.pop("Sampler", ""), told)
    excerpt.whole("steps", told.pop("Steps", None), "Steps")
    excerpt.number("guidance_scale", told.pop("CFG scale", None), "CFG scale")
    excerpt.whole("seed", told.pop("Seed", None), "Seed")
    excerpt.whole("clip_skip", told.pop("Clip skip", None), "Clip skip")
    excerpt.whole("class_label", told.pop("Class", None), "Class")
    if size := told.pop("Size", ""):
        if match := SIZE.fullmatch(size):
            excerpt.size(*match.groups())
        else:
            excerpt.leave_out("Size", size, "it is no width and height")
    if excerpt.program == "SD.Next":
        sdnext.read_settings(excerpt, told)
    _read_eta(excerpt, told)
    _read_noise(excerpt, told, bool(parts.settings))
    _leave_out(excerpt, told)
    excerpt.note_loras(prompt)
    return excerpt


def _program(settings: Mapping[str, str]) -> str:
    version = settings.get("Version", "")
    for name in ("Safelight", "ComfyUI", "Fooocus", "stable-diffusion.cpp", "InvokeAI", "SwarmUI"):
        if version.startswith(name):
            return name
    if settings.get("App", "").startswith("SD.Next"):
        return "SD.Next"
    if "model" in settings and "Model" not in settings and not version:
        return "ArtBot"
    forge = re.match(r"f\d|forge|neo|classic", version, re.IGNORECASE)  # Forge Neo too
    return "Forge" if forge else "AUTOMATIC1111"


def _read_sampler(excerpt: Excerpt, sampler: str, told: dict[str, str]) -> None:
    schedule = told.pop("Schedule type", "")
    if sampler in ABSENT:
        if schedule not in (*ABSENT, "Automatic"):
            excerpt.leave_out("Schedule type", schedule, "the text names no sampler")
    elif excerpt.program == "stable-diffusion.cpp":
        excerpt.scheduler(schedulers.from_sdcpp, *sampler.rsplit(" ", 1))
    elif excerpt.program == "Fooocus" and "Scheduler" in told:
        excerpt.scheduler(_from_fooocus, sampler, told.pop("Scheduler"))
    elif excerpt.program == "ComfyUI" and sampler in sampler_names.COMFYUI:
        excerpt.scheduler(schedulers.from_comfyui, sampler, told.pop("Scheduler", "normal"))
    elif excerpt.program == "Safelight" and sampler in _by_label():
        excerpt.choice(_by_label()[sampler], {})
    elif excerpt.program == "SD.Next" and told.get("Backend") != "Original":
        sdnext.read_sampler(excerpt, sampler, told)
    elif excerpt.program == "ArtBot" and sampler in other_sampler_names.HORDE:
        excerpt.scheduler(other_sampler_names.from_horde, sampler)
    else:
        excerpt.scheduler(schedulers.from_a1111, *filter(None, (sampler, schedule)))


@cache
def _by_label() -> Mapping[str, str]:
    """The schedulers that AUTOMATIC1111 lacks, by the name that `settings_of` gives them."""
    labels = {sampler_name(name, {}): name for name in schedulers.names()}
    return {
        label: name for label, name in labels.items() if label not in sampler_names.A1111_SAMPLERS
    }


def _from_fooocus(sampler: str, schedule: str = "normal") -> Any:
    """Fooocus writes AUTOMATIC1111's name of a sampler where that has one, and Karras twice."""
    if sampler in sampler_names.FOOOCUS:
        return schedulers.from_fooocus(sampler, schedule)
    if sampler == "TCD":
        return schedulers.from_fooocus("tcd", schedule)
    name, own = schedulers.from_a1111(sampler.removesuffix(" Karras"))
    _, spacing = schedulers.from_fooocus("euler", schedule)
    return name, {**own, **spacing}


def _read_eta(excerpt: Excerpt, told: dict[str, str]) -> None:
    """The share of fresh noise in DDIM and TCD. Elsewhere, 1 is what ancestral samplers always
    have, and 0 is none."""
    for key in ("Eta DDIM", "Eta"):
        if (eta := told.pop(key, None)) is None:
            continue
        if excerpt.fields.get("scheduler") in ("ddim", "tcd"):
            excerpt.number("eta", eta, key)
        elif number(eta) not in (0, 1):
            excerpt.leave_out(key, eta, "only DDIM and TCD take it here")


def _read_noise(excerpt: Excerpt, told: dict[str, str], has_settings: bool) -> None:
    """Where the noise was drawn. Without a word it was on the graphics card."""
    usual = "cuda" if excerpt.program == "stable-diffusion.cpp" else "GPU"
    written = "RNG" in told or excerpt.program in ("AUTOMATIC1111", "Forge", "stable-diffusion.cpp")
    source = told.pop("RNG", usual)
    if has_settings and written and source.upper() != "CPU":
        excerpt.leave_out("RNG", source, reasons.CPU_NOISE)
    if (guidance := told.pop("Guidance", None)) is not None and number(guidance) != 3.5:
        excerpt.leave_out("Guidance", guidance, reasons.NOT_DISTILLED)


def _leave_out(excerpt: Excerpt, told: Mapping[str, str]) -> None:
    """A sentence for each setting that is left, and for each group of them."""
    groups: dict[str, list[str]] = {}
    for key, value in told.items():
        if key in SILENT or not value:
            continue
        group = next((name for name in GROUPS if key.lower().startswith(name.lower())), key)
        groups.setdefault(group, []).append(f"{key}: {shown(value)}")
    for group, settings in groups.items():
        reason = REASONS.get(group, reasons.NO_SETTING)
        more = f" and {len(settings) - 3} more" if len(settings) > 3 else ""
        verb = "is" if len(settings) == 1 else "are"
        excerpt.note(f"{', '.join(settings[:3])}{more} {verb} left out: {reason}.")
