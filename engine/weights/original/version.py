"""Which version of which family a single file is of, by the names of its tensors, and what those
are that Safelight does not run. Asked by `SingleFile` and by the look at a file that is none of
these.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from engine.families import Version, versions
from engine.families.others import EDM, KIN, KIN_WITHIN, OTHERS, REFINER
from engine.weights.header import Header, RefusedError

UNET = "model.diffusion_model."
FIRST_LAYER = "input_blocks.0.0.weight"

BESIDE_MODELS = (
    (r"lora_|.*\.lora[_.]|.*\.(hada|lokr|oft|dora)_", "is a LoRA, which adds to a model"),
    (r"control_model\.|controlnet|input_hint_block\.", "is a ControlNet, which adds to a model"),
    (r"emb_params$|string_to_param|clip_[lg]$", "is an embedding, which adds to a prompt"),
    (r"first_stage_model\.|(encoder|decoder)\.(mid|down|up|conv)", "is a VAE, a part of a model"),
    (r"(taesd_)?(en|de)coder\.|1\.(weight|conv)", "is a tiny autoencoder, for previews"),
    (r"down_blocks\.|text_model\.", "is a part of a model folder"),
)
"""What else people keep beside checkpoints: how one of its names begins, and what to call it."""


def refuse_foreign(header: Header) -> None:
    """Raise RefusedError for a model of another architecture, by its name."""
    for family in OTHERS:
        if any(sign in header.tensors or UNET + sign in header.tensors for sign in family.signs):
            raise RefusedError(
                f"{header.path} holds {family.label}, of another architecture than Safelight runs: "
                "take a Stable Diffusion checkpoint."
            )


def version_of(header: Header) -> Version:
    """The version whose original layout the file has. Raises RefusedError, which says what else it
    is."""
    path, tensors = header.path, header.tensors
    for sign, what in EDM.items():
        if sign in tensors:
            raise RefusedError(f"{path} {what}, which Safelight does not run: take another one.")
    if UNET + FIRST_LAYER in tensors:
        _refuse_kin(path, tensors)
        for version in versions():
            prefixes = tuple(text.prefix for text in version.text.values())
            if any(key.startswith(prefixes) for key in tensors):
                return version
        if any(key.startswith(REFINER) for key in tensors):
            raise RefusedError(
                f"{path} is the refiner of SDXL, which only goes over finished pictures: take the "
                "base model."
            )
        raise RefusedError(
            f"{path} holds a UNet without its text encoder: take a whole checkpoint."
        )
    refuse_foreign(header)
    if any(key.startswith(UNET) for key in tensors):
        raise RefusedError(
            f"{path} holds a model of another architecture than Stable Diffusion, which Safelight "
            "does not run: take another one."
        )
    for pattern, what in BESIDE_MODELS:
        if any(re.match(pattern, key) for key in tensors):
            raise RefusedError(f"{path} {what} and is none by itself: take a whole checkpoint.")
    raise RefusedError(
        f"{path} holds no model that Safelight knows (its first tensor is "
        f"{next(iter(tensors), 'missing')[:60]!r}): take a checkpoint of Stable Diffusion."
    )


def _refuse_kin(path: Path, names: Iterable[str]) -> None:
    """Whole models that do something else than make pictures of words."""
    beginnings = tuple(KIN)
    for name in names:
        what = ""
        if name.startswith(beginnings):
            what = next(KIN[part] for part in beginnings if name.startswith(part))
        elif name.startswith(UNET):
            what = next((KIN_WITHIN[part] for part in KIN_WITHIN if part in name), "")
        if what:
            raise RefusedError(
                f"{path} {what}, which Safelight does not run: take a model that makes pictures of "
                "words."
            )
