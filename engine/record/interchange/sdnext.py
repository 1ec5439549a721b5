"""What SD.Next writes otherwise than AUTOMATIC1111: diffusers' names of samplers, their options as
settings of their own, and the templates that a prompt was drawn from. Called by
`engine.record.interchange.infotext`.
"""

from __future__ import annotations

import re
from typing import Any

from engine import schedulers
from engine.errors import SchedulerError
from engine.record.interchange.recipe import ABSENT, Excerpt, number
from engine.schedulers import other_sampler_names

TEMPLATE = re.compile(r"(?:^|\n)(?:Template|Negative template): ")
IN_NEGATIVE = re.compile(r"(?:^|\s)(?:Template|Negative template): ")
UNNAMED = (*ABSENT, "Default")
OPTIONS = {
    "Sampler spacing": "timestep_spacing",
    "Sampler order": "solver_order",
    "Sampler type": "prediction_type",
    "Sampler low order": "lower_order_final",
    "Sampler dynamic": "thresholding",
    "Sampler rescale": "rescale_betas_zero_snr",
    "Sampler beta schedule": "beta_schedule",
    "Sampler beta start": "beta_start",
    "Sampler beta end": "beta_end",
}
"""Settings that are options of our schedulers."""
FLOW_SHIFT = "Sampler shift"


def without_templates(prompt: str, negative: str) -> tuple[str, str]:
    """The prompts without the lines that stand below them: what they were drawn from."""
    return TEMPLATE.split(prompt, 1)[0], IN_NEGATIVE.split(negative, 1)[0].rstrip()


def read_settings(excerpt: Excerpt, told: dict[str, str]) -> None:
    """Settings that are there under other names, or at all."""
    for key in [key for key in told if key.lower() in ("clip-skip", "clip skip")]:
        excerpt.whole("clip_skip", told.pop(key), key)
    excerpt.number("guidance_rescale", told.pop("CFG rescale", None), "CFG rescale")
    end = told.pop("CFG end", None)
    if (share := number(end)) is not None and 0 <= share <= 1:
        excerpt.fields["guidance_interval"] = (0.0, float(share))
    elif end is not None:
        excerpt.leave_out("CFG end", end, "it is no share of the steps")


def read_sampler(excerpt: Excerpt, sampler: str, told: dict[str, str]) -> None:
    """The scheduler, and those of the options beside it that it has."""
    options = {
        option: (key, _value(option, told.pop(key)))
        for key, option in OPTIONS.items()
        if key in told
    }
    if (sigmas := told.pop("Sampler sigma", "default")) in other_sampler_names.SDNEXT_SIGMAS:
        for option, value in other_sampler_names.SDNEXT_SIGMAS[sigmas].items():
            options[option] = "Sampler sigma", value
    else:
        excerpt.leave_out("Sampler sigma", sigmas, "there is no such spacing of the noise here")
    if sampler in UNNAMED:
        for key, value in options.values():
            excerpt.leave_out(key, value, "the text names no sampler")
        return
    excerpt.scheduler(other_sampler_names.from_sdnext, sampler)
    if (name := excerpt.fields.get("scheduler")) is None:
        return
    shift = "shift" if name.startswith("flow_") else "flow_shift"
    if FLOW_SHIFT in told:
        options[shift] = FLOW_SHIFT, _value(shift, told.pop(FLOW_SHIFT))
    own = dict(excerpt.fields["scheduler_options"])
    for option, (key, value) in options.items():
        try:
            schedulers.create(name, {}, 10, own | {option: value})
        except SchedulerError:
            excerpt.leave_out(key, value, f"the scheduler {name} does not take it")
        else:
            own[option] = value
    excerpt.fields["scheduler_options"] = own


def _value(option: str, text: str) -> Any:
    """A setting's text as the option has it; what is none stays text, for the option to refuse."""
    if option == "beta_schedule":
        return other_sampler_names.SDNEXT_BETAS.get(text, text)
    if text in ("True", "False"):
        return text == "True"
    as_number = number(text)
    if as_number is None:
        return text
    return int(as_number) if option == "solver_order" and as_number == int(as_number) else as_number
