"""SwarmUI's JSON, which its PNGs have as `parameters` and its other files as the EXIF UserComment.
Its samplers and schedules are ComfyUI's; numbers may be text. Called by
`engine.record.interchange.programs`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine import schedulers
from engine.record.interchange import reasons
from engine.record.interchange.plain_json import part
from engine.record.interchange.recipe import ABSENT, Excerpt, is_nothing, whole

SETTINGS = "sui_image_params"
READ = frozenset(
    (
        *("prompt", "negativeprompt", "model", "seed", "steps", "cfgscale", "width", "height"),
        *("sampler", "scheduler", "comfyuisampler", "comfyuischeduler", "clipstopatlayer"),
        *("aspectratio", "sidelength", "swarm_version", "images", "automaticvae", "batchsize"),
        *("donotsave", "personalnote", "presets", "wildcardseed", "outpathformat", "imageformat"),
    )
)
"""What is read, and what made no difference to the one picture."""
REASONS = {
    "initimage": reasons.BEGUN_FROM,
    "loras": reasons.NO_LORAS,
    "loraweights": reasons.NO_LORAS,
    "vae": reasons.OWN_AUTOENCODER,
    "variationseed": reasons.SEEDS_UNMIXED,
}


def is_swarmui(value: Mapping[str, Any]) -> bool:
    return isinstance(value.get(SETTINGS), dict)


def excerpt_of(value: dict[str, Any]) -> Excerpt:
    told = {key.lower(): inner for key, inner in part(value, SETTINGS).items()}
    excerpt = Excerpt("SwarmUI")
    excerpt.text("prompt", told.get("prompt"))
    excerpt.text("negative_prompt", told.get("negativeprompt"))
    excerpt.checkpoint(told.get("model"), _digest(value))
    excerpt.whole("steps", told.get("steps"), "Steps")
    excerpt.number("guidance_scale", told.get("cfgscale"), "CFG scale")
    excerpt.whole("seed", told.get("seed"), "Seed")
    excerpt.size(told.get("width"), told.get("height"))
    sampler = told.get("sampler", told.get("comfyuisampler"))
    schedule = told.get("scheduler", told.get("comfyuischeduler"))
    if sampler is not None or schedule is not None:
        names = (
            "euler" if sampler is None else sampler,
            "normal" if schedule is None else schedule,
        )
        excerpt.scheduler(schedulers.from_comfyui, *names)
    layer = told.get("clipstopatlayer")
    if layer not in ABSENT:  # -1 is the last
        counted = whole(layer)
        excerpt.whole("clip_skip", layer if counted is None else -counted, "CLIP stop at layer")
    for key, inner in told.items():
        if key not in READ and not is_nothing(inner):
            usual = reasons.NO_SECOND_PASS if key.startswith("refiner") else reasons.NO_SETTING
            excerpt.leave_out(key, inner, REASONS.get(key, usual))
    excerpt.note_loras(excerpt.fields.get("prompt", ""))
    return excerpt


def _digest(value: Mapping[str, Any]) -> str:
    """The hash of the model, which stands in a list of its own."""
    models = value.get("sui_models")
    for entry in models if isinstance(models, list) else ():
        if isinstance(entry, dict) and entry.get("param") == "model":
            digest = entry.get("hash")
            return digest.removeprefix("0x") if isinstance(digest, str) else ""
    return ""
