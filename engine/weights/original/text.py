"""The text encoders of the original layout of Stable Diffusion: their settings, told by the shapes,
and the way from their names to today's. Used by `SingleFile`.

CLIP's own (`cond_stage_model.transformer.` of SD 1, `conditioner.embedders.0.transformer.` of SDXL)
has the names of transformers, with or without `text_model.`. OpenCLIP (`cond_stage_model.model.` of
SD 2, `conditioner.embedders.1.model.` of SDXL) has its own. Worked example:

    transformer.resblocks.7.mlp.c_fc.weight      -> encoder.layers.7.mlp.fc1.weight
    transformer.resblocks.7.attn.in_proj_weight  -> encoder.layers.7.self_attn.q_proj.weight,
                                                    … k_proj.weight and … v_proj.weight
    text_projection (width, projection)          -> text_projection.weight (projection, width)

The first has the three layers of attention fused, one below the other; the last is turned.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from engine.weights.keys import NESTED, PROJECTION, clip_key
from engine.weights.part import Part
from engine.weights.tensors import THIRDS, TURNED, KeyMap, Target

SINGLE = {
    "positional_embedding": "embeddings.position_embedding.weight",
    "token_embedding.weight": "embeddings.token_embedding.weight",
    "ln_final.weight": "final_layer_norm.weight",
    "ln_final.bias": "final_layer_norm.bias",
}
LAYER = {
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "attn.out_proj": "self_attn.out_proj",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
}
FUSED = re.compile(r"attn\.in_proj_(weight|bias)")
RESBLOCK = re.compile(r"transformer\.resblocks\.(\d+)\.(.+)")
LEFTOVERS = ("logit_scale", "attn_mask")
TURNED_PROJECTION = "text_projection"

HEAD_WIDTH = 64
WHOLE_TOWER = 24
"""Layers of the OpenCLIP that SD 2 was trained with. It reads what comes out of the last but one,
so the folders leave the last one out, and most files have it."""


def clip_key_map(text: Part) -> KeyMap:
    return clip_key


def clip_config(text: Part) -> dict[str, Any]:
    """Of OpenAI's CLIP."""
    nested = NESTED if any(key.startswith(NESTED) for key in text.tensors) else ""
    return _config(
        text,
        tokens=f"{nested}embeddings.token_embedding.weight",
        positions=f"{nested}embeddings.position_embedding.weight",
        middle=f"{nested}encoder.layers.0.mlp.fc1.weight",
        layers=text.count(f"{nested}encoder.layers."),
    ) | {"architectures": ["CLIPTextModel"], "hidden_act": "quick_gelu"}


def open_clip_key_map(text: Part) -> KeyMap:
    """As SD 2 uses it: without the last layer, and without the projection."""
    layers = _layers_used(text)

    def mapped(key: str) -> tuple[Target, ...]:
        if key.startswith(TURNED_PROJECTION):
            return ()
        if (match := RESBLOCK.fullmatch(key)) and int(match[1]) >= layers:
            return ()
        return _open_clip_targets(text, key)

    return mapped


def open_clip_config(text: Part) -> dict[str, Any]:
    """As SD 2 uses it."""
    return _open_clip_config(text, _layers_used(text)) | {"architectures": ["CLIPTextModel"]}


def projecting_key_map(text: Part) -> KeyMap:
    """As SDXL uses it: with all its layers and its projection."""

    def mapped(key: str) -> tuple[Target, ...]:
        if key == TURNED_PROJECTION:
            return (Target(PROJECTION, TURNED),)
        if key == PROJECTION:  # some programs save it the way transformers does
            return (Target(key),)
        return _open_clip_targets(text, key)

    return mapped


def projecting_config(text: Part) -> dict[str, Any]:
    """As SDXL uses it."""
    layers = text.count("transformer.resblocks.")
    turned = text.has(TURNED_PROJECTION)
    key = TURNED_PROJECTION if turned else PROJECTION
    return _open_clip_config(text, layers) | {
        "architectures": ["CLIPTextModelWithProjection"],
        "projection_dim": text.shape(key, 2)[1 if turned else 0],
    }


def _open_clip_targets(text: Part, key: str) -> tuple[Target, ...]:
    if key in LEFTOVERS:
        return ()
    if key in SINGLE:
        return (Target(SINGLE[key]),)
    if match := RESBLOCK.fullmatch(key):
        layer, part = f"encoder.layers.{match[1]}", match[2]
        if fused := FUSED.fullmatch(part):
            return tuple(
                Target(f"{layer}.self_attn.{one}_proj.{fused[1]}", third)
                for one, third in zip("qkv", THIRDS, strict=True)
            )
        place, _, leaf = part.rpartition(".")
        if place in LAYER:
            return (Target(f"{layer}.{LAYER[place]}.{leaf}"),)
    return (Target(text.prefix + key),)


def _layers_used(text: Part) -> int:
    # Programs that make a file of a folder leave the projection out with the last layer, or make up
    # both.
    layers = text.count("transformer.resblocks.")
    is_whole = layers == WHOLE_TOWER or text.has(TURNED_PROJECTION)
    return layers - 1 if is_whole else layers


def _open_clip_config(text: Part, layers: int) -> dict[str, Any]:
    return _config(
        text,
        tokens="token_embedding.weight",
        positions="positional_embedding",
        middle="transformer.resblocks.0.mlp.c_fc.weight",
        layers=layers,
    ) | {"hidden_act": "gelu"}


def _config(text: Part, tokens: str, positions: str, middle: str, layers: int) -> dict[str, Any]:
    vocabulary, width = text.shape(tokens, 2)
    return {
        "attention_dropout": 0.0,
        "bos_token_id": 0,
        "eos_token_id": 2,
        "hidden_size": width,
        "intermediate_size": text.shape(middle, 2)[0],
        "layer_norm_eps": 1e-05,
        "max_position_embeddings": text.shape(positions, 2)[0],
        "model_type": "clip_text_model",
        "num_attention_heads": max(1, width // HEAD_WIDTH),
        "num_hidden_layers": layers,
        "pad_token_id": 1,
        "projection_dim": width,
        "vocab_size": vocabulary,
    }


@dataclass(frozen=True, kw_only=True)
class TextLayout:
    """kind: the class of its network; config: what a folder's config.json would say; key_map: from
    the names in the file to today's."""

    kind: str
    config: Callable[[Part], dict[str, Any]]
    key_map: Callable[[Part], KeyMap]


LAYOUTS: Mapping[str, TextLayout] = MappingProxyType(
    {
        "clip": TextLayout(kind="CLIPTextModel", config=clip_config, key_map=clip_key_map),
        "open_clip": TextLayout(
            kind="CLIPTextModel", config=open_clip_config, key_map=open_clip_key_map
        ),
        "open_clip_projecting": TextLayout(
            kind="CLIPTextModelWithProjection",
            config=projecting_config,
            key_map=projecting_key_map,
        ),
    }
)
"""By the names that the families have for them."""
