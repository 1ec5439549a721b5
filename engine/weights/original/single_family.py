"""Which family a single file is of, by the names of its tensors, and what those are that Safelight
does not run. Asked by `SingleFile` and by the look at a file that is none of these.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from engine.weights.header import Header, RefusedError
from engine.weights.original.families import (
    FAMILIES,
    FOREIGN,
    KIN,
    KIN_WITHIN,
    OTHERS,
    REFINER,
    SIGNS,
    Family,
)

UNET = "model.diffusion_model."
FIRST_LAYER = "input_blocks.0.0.weight"


def refuse_foreign(header: Header) -> None:
    """Raise RefusedError for a model of another architecture, by its name."""
    for sign, what in FOREIGN.items():
        if sign in header.tensors or UNET + sign in header.tensors:
            raise RefusedError(
                f"{header.path} holds {what}, of another architecture than Safelight runs: take "
                "a Stable Diffusion checkpoint."
            )


def family_of(header: Header) -> Family:
    """The family whose original layout the file has. Raises RefusedError, which says what else it
    is."""
    path, tensors = header.path, header.tensors
    for sign, what in SIGNS.items():
        if sign in tensors:
            raise RefusedError(f"{path} {what}, which Safelight does not run: take another one.")
    if UNET + FIRST_LAYER in tensors:
        _refuse_kin(path, tensors)
        for family in FAMILIES:
            prefixes = tuple(encoder.prefix for encoder in family.text.values())
            if any(key.startswith(prefixes) for key in tensors):
                return family
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
    for pattern, what in OTHERS:
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
