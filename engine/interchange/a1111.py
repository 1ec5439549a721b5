"""AUTOMATIC1111's text: the prompt, a line that begins with "Negative prompt:", and a last line of
settings. Forge, SD.Next, Fooocus, stable-diffusion.cpp and Safelight write it too. `format_a1111`
makes the text that goes into our files and onto the clipboard, `parse` takes one apart, `read`
makes a Draft of it.

The format is ambiguous: nothing marks where a prompt ends that itself has a line like "Steps: 3" or
"Negative prompt: x", and some readers strip it. So `format_a1111` reads back what it has written,
and where a prompt came back different, it adds it to the settings once more, as JSON: `Exact
prompt` or `Exact negative prompt`. Others ignore these keys, since the commas and colons in them
are escaped, and read the text as far as the format allows; `parse` takes them for the prompts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from engine import schedulers
from engine.errors import SchedulerError
from engine.interchange.recipe import Draft, number, shown
from engine.schedulers import peers

NEGATIVE = "Negative prompt:"
EXACT = {"prompt": "Exact prompt", "negative_prompt": "Exact negative prompt"}
KNOWN = frozenset(
    ("Steps", "Sampler", "CFG scale", "Seed", "Size", "Model", "Model hash", "Version")
)
"""A line of settings has at least one of these,"""
FEWEST_SETTINGS = 3
"""and as many settings in all, as AUTOMATIC1111 wants it."""
MAX_SETTINGS = 1000
"""Settings that are read of a line; what comes after them is not."""
MAX_LINES_BEHIND = 20
"""Lines at the end of a text among which that of the settings is looked for: extensions append."""

MAX_KEY = 100
"""Characters of the name of a setting."""

KEY = re.compile(r"[^\W_][\w \-/.+()]*")
QUOTED = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"')
BRACKETS = re.compile(rf"{QUOTED.pattern}|[\[\]{{}}]")
LORA = re.compile(r"<(?:lora|lyco|hypernet):[^<>\n]{1,200}>")
SIZE = re.compile(r"\s*(\d{1,9})\s*[x×]\s*(\d{1,9})\s*")
GROUPS = ("Hires", "ControlNet", "ADetailer", "Lora", "Lyco", "TI", "FreeU", "Dynamic thresholding")
SILENT = frozenset(
    (
        *("Version", "User", "App", "Parser", "Backend", "Operations", "Hashes", "SDCPP", "Date"),
        *("Schedule type", "Scheduler", "Created Date", "Raw prompt", "Raw negative prompt"),
        *("Batch size", "Batch pos", "Face restoration", "Pipeline", "Template"),
    )
)
"""Settings that did not make the picture, or are read together with another."""
REASONS = {
    "ADetailer": "nothing is painted over here",
    "ControlNet": "there is no ControlNet here",
    "Denoising strength": "it belongs to a picture that this one began from, or to a second pass",
    "ENSD": "noise is drawn in another way here",
    "Hires": "there is no second pass here",
    "Lora": "LoRAs are not loaded here",
    "Lyco": "LoRAs are not loaded here",
    "Refiner": "there is no second model here",
    "Refiner switch at": "there is no second model here",
    "TI": "textual inversions are not loaded here",
    "VAE": "the model's own autoencoder is taken",
    "Variation seed": "seeds are not mixed here",
    "Variation seed strength": "seeds are not mixed here",
}


@dataclass(frozen=True)
class Parts:
    """A text taken apart. settings: as they are written, without quotes, in their order."""

    prompt: str
    negative_prompt: str
    settings: Mapping[str, str]


def format_a1111(prompt: str, negative_prompt: str, settings: Mapping[str, Any]) -> str:
    """The text; settings that are None are left out. It can be written as UTF-8, and `parse` gives
    the prompts and settings back exactly, whatever is in them."""
    told = {key: str(value) for key, value in settings.items() if value is not None}
    text = _written(prompt, negative_prompt, told)
    back = parse(text)
    for name, meant in (("prompt", prompt), ("negative_prompt", negative_prompt)):
        if getattr(back, name) != meant:
            told[EXACT[name]] = meant
    return _written(prompt, negative_prompt, told) if EXACT.values() & told.keys() else text


def settings_of(fields: Mapping[str, Any], checkpoint: str, sha256: str) -> dict[str, Any]:
    """The settings of a request's fields, in AUTOMATIC1111's words and order; None where there is
    nothing to say."""
    width, height = fields.get("width"), fields.get("height")
    scale, clip_skip = fields.get("guidance_scale"), fields.get("clip_skip", 1)
    scheduler = fields.get("scheduler")
    return {
        "Steps": fields.get("steps"),
        "Sampler": _sampler(scheduler, fields.get("scheduler_options", {})) if scheduler else None,
        "CFG scale": None if scale is None else _shortest(scale),
        "Class": fields.get("class_label"),
        "Seed": fields.get("seed"),
        "Size": f"{width}x{height}" if width and height else None,
        "Model hash": sha256[:10] or None,
        "Model": checkpoint or None,
        "Clip skip": clip_skip if clip_skip != 1 else None,
    }


def parse(text: str) -> Parts:
    """The parts of any text, without error: where no line looks like settings, there are none, and
    all that comes before a line of "Negative prompt:" is the prompt."""
    lines = text.replace("\r\n", "\n").strip().split("\n")
    at, settings = _settings(lines)
    lines = lines[:at]
    start = next((i for i, line in enumerate(lines) if line.startswith(NEGATIVE)), len(lines))
    negative = "\n".join(lines[start:]).removeprefix(NEGATIVE).removeprefix(" ")
    prompts = {"prompt": "\n".join(lines[:start]), "negative_prompt": negative}
    for name, key in EXACT.items():
        prompts[name] = settings.pop(key, prompts[name])
    return Parts(**prompts, settings=settings)


def has_settings(text: str) -> bool:
    """Whether the text is of this format without doubt."""
    parts = parse(text)
    return bool(parts.settings) or text.startswith(NEGATIVE) or f"\n{NEGATIVE}" in text


def read(text: str) -> Draft:
    """What the text says. Settings that this program lacks are left out with a sentence."""
    parts = parse(text)
    told = dict(parts.settings)
    draft = Draft(_program(told))
    raw = draft.program == "Fooocus"  # which writes styles into the prompt, and the prompt below
    draft.fields["prompt"] = told.get("Raw prompt", parts.prompt) if raw else parts.prompt
    negative = parts.negative_prompt
    draft.fields["negative_prompt"] = told.get("Raw negative prompt", negative) if raw else negative
    draft.checkpoint(told.pop("Model", ""), told.pop("Model hash", ""))
    if not draft.model:
        draft.checkpoint(told.pop("Unet", ""))
    if (sampler := told.pop("Sampler", None)) is not None:
        _read_sampler(draft, sampler, told)
    draft.whole("steps", told.pop("Steps", None), "Steps")
    draft.number("guidance_scale", told.pop("CFG scale", None), "CFG scale")
    draft.whole("seed", told.pop("Seed", None), "Seed")
    draft.whole("clip_skip", told.pop("Clip skip", None), "Clip skip")
    draft.whole("class_label", told.pop("Class", None), "Class")
    if (size := told.pop("Size", None)) is not None:
        if match := SIZE.fullmatch(size):
            draft.size(*match.groups())
        else:
            draft.leave_out("Size", size, "it is no width and height")
    _read_eta(draft, told)
    _read_noise(draft, told, bool(parts.settings))
    _leave_out(draft, told)
    note_loras(draft, parts.prompt)
    return draft


def note_loras(draft: Draft, prompt: str) -> None:
    """Say that what a prompt asks for in angle brackets does not come."""
    if found := list(dict.fromkeys(LORA.findall(prompt))):
        asked = shown(", ".join(found[:5]))
        draft.note(f"LoRAs are not loaded here: {asked} stays in the prompt as mere text.")


def _written(prompt: str, negative_prompt: str, settings: Mapping[str, str]) -> str:
    lines = [prompt] if prompt else []
    if negative_prompt:
        lines.append(f"{NEGATIVE} {negative_prompt}")
    lines.append(", ".join(f"{key}: {_quoted(value)}" for key, value in settings.items()))
    return "\n".join(lines).encode("utf-8", "replace").decode()


def _quoted(value: str) -> str:
    """As it is, or as JSON where that would be read differently: in ASCII, and with nothing in it
    that a reader who knows no quotes would split at."""
    is_plain = bool(value) and value.isprintable() and value.strip() == value
    if is_plain and value[0] not in "[{" and not any(mark in value for mark in ',:"'):
        return value
    return json.dumps(value).replace(",", "\\u002c").replace(":", "\\u003a")


def _settings(lines: list[str]) -> tuple[int, dict[str, str]]:
    """The number of the line of settings, and these; len(lines) and none where there is no such
    line. The last line is it where it can be, else one near the end that begins with the steps."""
    last = len(lines) - 1
    for at in range(last, max(-1, last - MAX_LINES_BEHIND), -1):
        if at != last and not re.match(r"\s*Steps: ?\d", lines[at]):
            continue
        settings = dict(_pairs(lines[at]))
        if len(settings) >= FEWEST_SETTINGS and KNOWN & settings.keys():
            for line in lines[at + 1 :]:
                settings |= {k: v for k, v in _pairs(line) if k not in settings}
            return at, settings
    return len(lines), {}


def _pairs(line: str) -> Iterator[tuple[str, str]]:
    """Key and value of each setting in a line; what is between them and is none, is passed over.
    Every letter is looked at a few times at most, so that no line takes long."""
    at, all_close = 0, True
    for _ in range(MAX_SETTINGS):
        colon = line.find(":", at, at + MAX_KEY)
        key = line[at:colon].strip() if colon >= 0 else ""
        if KEY.fullmatch(key):
            start = colon + 1
            while line[start : start + 1] == " ":
                start += 1
            end = _quoted_end(line, start)
            if end is None and all_close and line[start : start + 1] in ("[", "{"):
                end = _closed_end(line, start)
                all_close = end is not None  # the rest of the line is not looked through again
            at = line.find(",", start if end is None else end)
            value = line[start : end or (at if at >= 0 else None)].strip()
            yield key, _unquoted(value) if value.startswith('"') else value
        else:
            at = line.find(",", at)
        at += 1
        if not at:
            return


def _quoted_end(line: str, start: int) -> int | None:
    match = QUOTED.match(line, start) if line[start : start + 1] == '"' else None
    return match.end() if match else None


def _closed_end(line: str, start: int) -> int | None:
    """Where the bracket that opens at `start` has been closed; None where it never is."""
    depth = 0
    for mark in BRACKETS.finditer(line, start):
        depth += (mark[0] in "[{") - (mark[0] in "]}")
        if depth == 0:
            return mark.end()
    return None


def _unquoted(value: str) -> str:
    try:
        text = json.loads(value, strict=False)
    except ValueError:
        return value
    return text if isinstance(text, str) else value


def _program(settings: Mapping[str, str]) -> str:
    version = settings.get("Version", "")
    for name in ("Safelight", "ComfyUI", "Fooocus", "stable-diffusion.cpp", "InvokeAI", "SwarmUI"):
        if version.startswith(name):
            return name
    if settings.get("App", "").startswith("SD.Next"):
        return "SD.Next"
    forge = re.match(r"f\d|forge|neo|classic", version, re.IGNORECASE)
    return "Forge" if forge else "AUTOMATIC1111"


def _read_sampler(draft: Draft, sampler: str, told: dict[str, str]) -> None:
    if draft.program == "stable-diffusion.cpp":
        draft.scheduler(schedulers.from_sdcpp, *sampler.rsplit(" ", 1))
    elif draft.program == "Fooocus" and "Scheduler" in told:
        draft.scheduler(_from_fooocus, sampler, told.pop("Scheduler"))
    elif draft.program == "ComfyUI" and sampler in peers.COMFYUI:
        draft.scheduler(schedulers.from_comfyui, sampler, told.pop("Scheduler", "normal"))
    elif draft.program == "Safelight" and sampler in _by_label():
        draft.choice(_by_label()[sampler], {})
    else:
        schedule = told.pop("Schedule type", "")
        draft.scheduler(schedulers.from_a1111, *filter(None, (sampler, schedule)))


@cache
def _by_label() -> Mapping[str, str]:
    """The schedulers that AUTOMATIC1111 lacks, by the name that `settings_of` gives them."""
    labels = {_sampler(name, {}): name for name in schedulers.names()}
    return {label: name for label, name in labels.items() if label not in peers.A1111_SAMPLERS}


def _from_fooocus(sampler: str, schedule: str = "normal") -> Any:
    """Fooocus writes AUTOMATIC1111's name of a sampler where that has one, and Karras twice."""
    if sampler in peers.FOOOCUS:
        return schedulers.from_fooocus(sampler, schedule)
    if sampler == "TCD":
        return schedulers.from_fooocus("tcd", schedule)
    name, own = schedulers.from_a1111(sampler.removesuffix(" Karras"))
    _, spacing = schedulers.from_fooocus("euler", schedule)
    return name, {**own, **spacing}


def _read_eta(draft: Draft, told: dict[str, str]) -> None:
    """The share of fresh noise in DDIM and TCD. Elsewhere, 1 is what ancestral samplers always
    have, and 0 is none."""
    for key in ("Eta DDIM", "Eta"):
        if (eta := told.pop(key, None)) is None:
            continue
        if draft.fields.get("scheduler") in ("ddim", "tcd"):
            draft.number("eta", eta, key)
        elif number(eta) not in (0, 1):
            draft.leave_out(key, eta, "only DDIM and TCD take it here")


def _read_noise(draft: Draft, told: dict[str, str], has_settings: bool) -> None:
    """Where the noise was drawn. Without a word it was on the graphics card."""
    usual = "cuda" if draft.program == "stable-diffusion.cpp" else "GPU"
    written = "RNG" in told or draft.program in ("AUTOMATIC1111", "Forge", "stable-diffusion.cpp")
    source = told.pop("RNG", usual)
    if has_settings and written and source != "CPU":
        why = "a seed's noise is drawn on the CPU here, so that the picture will be another"
        draft.leave_out("RNG", source, why)
    if (guidance := told.pop("Guidance", None)) is not None and number(guidance) != 3.5:
        draft.leave_out("Guidance", guidance, "no model here takes a distilled guidance")


def _leave_out(draft: Draft, told: Mapping[str, str]) -> None:
    """A sentence for each setting that is left, and for each group of them."""
    groups: dict[str, list[str]] = {}
    for key, value in told.items():
        if key in SILENT or not value:
            continue
        group = next((group for group in GROUPS if key.startswith(group)), key)
        groups.setdefault(group, []).append(f"{key}: {shown(value)}")
    for group, settings in groups.items():
        reason = REASONS.get(group, "there is no such setting here")
        more = f" and {len(settings) - 3} more" if len(settings) > 3 else ""
        verb = "is" if len(settings) == 1 else "are"
        draft.note(f"{', '.join(settings[:3])}{more} {verb} left out: {reason}.")


def _sampler(name: str, options: Mapping[str, Any]) -> str:
    """The name that AUTOMATIC1111 knows, or ours for a scheduler that it lacks."""
    try:
        return schedulers.to_a1111(name, options)
    except SchedulerError:
        return schedulers.describe(name).label


def _shortest(value: float) -> str:
    short = f"{value:g}"
    return short if float(short) == value else repr(value)
