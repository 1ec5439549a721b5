"""A tiny autoencoder in the original layout of TAESD (github.com/madebyollin/taesd), where encoder
and decoder are two files, or one with a prefix for each: its settings, told by the shapes, and the
way from its names to those of diffusers' AutoencoderTiny. Used by `LoneAutoencoder`.

Both are a list of layers, counted through. The decoder's first layer, which clamps, has no weights
and is not in today's list. Worked example:

    taesd_decoder.1.weight         -> decoder.layers.0.weight
    taesd_decoder.3.conv.0.weight  -> decoder.layers.2.conv.0.weight
    taesd_encoder.0.weight         -> encoder.layers.0.weight
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any, NamedTuple

from engine.weights.part import Part
from engine.weights.tensors import KeyMap, Target

PREFIXES = {"taesd_encoder.": "encoder", "taesd_decoder.": "decoder"}
LAYERS = re.compile(r"(?:(encoder|decoder)\.layers\.)?(\d+)\.(.+)")
CLAMP = 1
"""Layers of the original decoder before its first weights."""

PUBLISHED: dict[str, Any] = {
    "_class_name": "AutoencoderTiny",
    "act_fn": "relu",
    "encoder_block_out_channels": [64, 64, 64, 64],
    "decoder_block_out_channels": [64, 64, 64, 64],
    "num_encoder_blocks": [1, 3, 3, 3],
    "num_decoder_blocks": [3, 3, 3, 1],
    "in_channels": 3,
    "out_channels": 3,
    "latent_channels": 4,
    "latent_magnitude": 3,
    "latent_shift": 0.5,
    "scaling_factor": 1.0,
    "upsampling_scaling_factor": 2,
    "force_upcast": False,
}


class Place(NamedTuple):
    half: str
    layer: int
    rest: str


class Stack(NamedTuple):
    """Half of the autoencoder. channels, blocks: of every level, in the order of the layers."""

    channels: list[int]
    blocks: list[int]
    first: int
    last: int


def key_map(tiny: Part) -> KeyMap:
    """For these tensors, under the names of either layout."""
    unnamed = _unnamed_half(tiny)

    def mapped(key: str) -> tuple[Target, ...]:
        place = _place(key, unnamed)
        if place is None:
            return (Target(tiny.prefix + key),)
        return (Target(f"{place.half}.layers.{place.layer}.{place.rest}"),)

    return mapped


def config(tiny: Part) -> dict[str, Any]:
    """What config.json of the published folders says. Where a half is not in the file, its settings
    are those of TAESD."""
    settings = dict(PUBLISHED)
    if encoder := _stack(tiny, "encoder"):
        settings |= {
            "encoder_block_out_channels": encoder.channels,
            "num_encoder_blocks": encoder.blocks,
            "in_channels": encoder.first,
            "latent_channels": encoder.last,
        }
    if decoder := _stack(tiny, "decoder"):
        settings |= {
            "decoder_block_out_channels": decoder.channels,
            "num_decoder_blocks": decoder.blocks,
            "latent_channels": decoder.first,
            "out_channels": decoder.last,
        }
    return settings


def halves(tiny: Part) -> set[str]:
    """Which of "encoder" and "decoder" are there."""
    unnamed = _unnamed_half(tiny)
    return {place.half for key in tiny.tensors if (place := _place(key, unnamed)) is not None}


def _unnamed_half(tiny: Part) -> str:
    """What a file is whose names are only numbers: the decoder's first layer has no weights."""
    return "encoder" if tiny.has("0.weight") else "decoder"


def _place(key: str, unnamed: str) -> Place | None:
    """In today's counting; None for a name of another layout."""
    for prefix, half in PREFIXES.items():
        if key.startswith(prefix):
            key, unnamed = key.removeprefix(prefix), half
    match = LAYERS.fullmatch(key)
    if match is None:
        return None
    half, number, rest = match.groups()
    if half is not None:
        return Place(half, int(number), rest)
    return Place(unnamed, int(number) - (CLAMP if unnamed == "decoder" else 0), rest)


def _stack(tiny: Part, half: str) -> Stack | None:
    """Told by the convolutions between the blocks: each ends a level of the decoder, and begins one
    of the encoder. None if this half is not there."""
    unnamed = _unnamed_half(tiny)
    convolutions: dict[int, str] = {}
    blocks: set[int] = set()
    for key in tiny.tensors:
        place = _place(key, unnamed)
        if place is None or place.half != half:
            continue
        if place.rest == "weight":
            convolutions[place.layer] = key
        elif place.rest == "conv.0.weight":
            blocks.add(place.layer)
    if not convolutions:
        return None
    order = sorted(convolutions)
    shapes = [tiny.shape(convolutions[layer], 4) for layer in order]
    return Stack(
        channels=[shape[0] for shape in shapes[:-1]],
        blocks=[sum(a < block < b for block in blocks) for a, b in pairwise(order)],
        first=shapes[0][1],
        last=shapes[-1][0],
    )
