"""AUTOMATIC1111's text: the prompt, a line that begins with "Negative prompt:", and a last line of
settings. Forge, SD.Next, Fooocus, stable-diffusion.cpp, ArtBot and Safelight write it too.
`format_a1111` makes the text that goes into our files and onto the clipboard, `parse` takes one
apart for `engine.record.interchange.infotext`.

The format is ambiguous: nothing marks where a prompt ends that itself has a line like "Steps: 3" or
"Negative prompt: x", and some readers strip it. So `format_a1111` reads back what it has written,
and where a prompt came back different, it adds it to the settings once more, as JSON: `Exact
prompt` or `Exact negative prompt`. Others ignore these keys, since the commas and colons in them
are escaped, and read the text as far as the format allows; `parse` takes them for the prompts.

Chat programs and sites lose the ends of lines, so that all stands on one. Then the settings begin
where the steps and another of the usual settings stand.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine import schedulers
from engine.errors import SchedulerError

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

BEGIN = re.compile(rf"Steps: ?\d{{1,9}} ?, ?(?:Schedule type|{'|'.join(sorted(KNOWN))}) ?:")
"""How a line of settings begins."""
WITHIN = re.compile(rf"(?<![^\s,.;]){NEGATIVE} ?")
"""Where the negative prompt begins in a text that lost the ends of its lines."""
KEY = re.compile(r"[^\W_][\w \-/.+()]*")
QUOTED = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"')
BRACKETS = re.compile(rf"{QUOTED.pattern}|[\[\]{{}}]")


@dataclass(frozen=True)
class Infotext:
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
    scheduler, options = fields.get("scheduler"), fields.get("scheduler_options", {})
    return {
        "Steps": fields.get("steps"),
        "Sampler": sampler_name(scheduler, options) if scheduler else None,
        "CFG scale": None if scale is None else _shortest(scale),
        "Class": fields.get("class_label"),
        "Seed": fields.get("seed"),
        "Size": f"{width}x{height}" if width and height else None,
        "Model hash": sha256[:10] or None,
        "Model": checkpoint or None,
        "Clip skip": clip_skip if clip_skip != 1 else None,
    }


def parse(text: str) -> Infotext:
    """The parts of any text, without error: where no line looks like settings, there are none, and
    all that comes before a line of "Negative prompt:" is the prompt."""
    lines = text.replace("\r\n", "\n").strip().split("\n")
    at, settings = _settings(lines)
    lines, cut = lines[:at], _before_settings(lines[at]) if settings else ""
    if cut:  # words that stand on the line of the settings
        lines.append(cut)
    start = next((i for i, line in enumerate(lines) if line.startswith(NEGATIVE)), len(lines))
    prompt = "\n".join(lines[:start])
    negative = "\n".join(lines[start:]).removeprefix(NEGATIVE).removeprefix(" ")
    if cut and start == len(lines) and (within := WITHIN.search(prompt)):
        prompt, negative = prompt[: within.start()].rstrip(" ,"), prompt[within.end() :]
    prompts = {"prompt": prompt, "negative_prompt": negative}
    for name, key in EXACT.items():
        prompts[name] = settings.pop(key, prompts[name])
    return Infotext(**prompts, settings=settings)


def has_settings(text: str) -> bool:
    """Whether the text is of this format without doubt."""
    parts = parse(text)
    return bool(parts.settings) or text.startswith(NEGATIVE) or f"\n{NEGATIVE}" in text


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
        if at != last and not (re.match(r"\s*Steps: ?\d", lines[at]) or BEGIN.search(lines[at])):
            continue
        settings = dict(_pairs(lines[at][len(_before_settings(lines[at])) :].lstrip(" ,")))
        if len(settings) >= FEWEST_SETTINGS and KNOWN & settings.keys():
            for line in lines[at + 1 :]:
                settings |= {k: v for k, v in _pairs(line) if k not in settings}
            return at, settings
    return len(lines), {}


def _before_settings(line: str) -> str:
    """The words of a prompt that stand before the settings on their line, where there are some."""
    begin = BEGIN.search(line)
    before = line[: begin.start()].rstrip(" ,") if begin else ""
    is_setting = any(before.lstrip().startswith(f"{key}:") for key in KNOWN)
    return "" if is_setting else before


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


def sampler_name(name: str, options: Mapping[str, Any]) -> str:
    """The name that AUTOMATIC1111 knows, or ours for a scheduler that it lacks."""
    try:
        return schedulers.to_a1111(name, options)
    except SchedulerError:
        return schedulers.describe(name).label


def _shortest(value: float) -> str:
    short = f"{value:g}"
    return short if float(short) == value else repr(value)
