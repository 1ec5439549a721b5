"""The UNet of the original layout of Stable Diffusion (`model.diffusion_model.` in a single file):
its settings, told by the shapes, and the way from its names to today's. Used by `SingleFile`.

The original counts the blocks through, whatever is in them; today's names count levels, and layers
within a level. Worked example, of SD 1 with two layers a level:

    input_blocks.4.0.in_layers.2.weight  -> down_blocks.1.resnets.0.conv1.weight
    input_blocks.4.1.norm.weight         -> down_blocks.1.attentions.0.norm.weight
    input_blocks.6.0.op.weight           -> down_blocks.1.downsamplers.0.conv.weight
    output_blocks.2.1.conv.weight        -> up_blocks.0.upsamplers.0.conv.weight

input_blocks.0 is the first convolution, 1 and 2 are the layers of level 0, 3 is where it halves the
resolution, 4 and 5 are the layers of level 1, 6 halves again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from engine.weights.part import Part
from engine.weights.tensors import KeyMap, Target

SINGLE = {
    "time_embed.0": "time_embedding.linear_1",
    "time_embed.2": "time_embedding.linear_2",
    "time_embed.cond_proj": "time_embedding.cond_proj",
    "time_embedding.cond_proj": "time_embedding.cond_proj",
    "label_emb.0.0": "add_embedding.linear_1",
    "label_emb.0.2": "add_embedding.linear_2",
    "input_blocks.0.0": "conv_in",
    "middle_block.0": "mid_block.resnets.0",
    "middle_block.1": "mid_block.attentions.0",
    "middle_block.2": "mid_block.resnets.1",
    "out.0": "conv_norm_out",
    "out.2": "conv_out",
}
"""What is there once. The guidance of LCM is written under either name."""

RESNET = {
    "in_layers.0": "norm1",
    "in_layers.2": "conv1",
    "emb_layers.1": "time_emb_proj",
    "out_layers.0": "norm2",
    "out_layers.3": "conv2",
    "skip_connection": "conv_shortcut",
}
"""The layers of a residual block. Those of attention have the same names then and now."""

GUIDANCE = ("time_embed.cond_proj.weight", "time_embedding.cond_proj.weight")
HEAD_WIDTH = 64
MIDDLE = "middle_block"
TRANSFORMER = re.compile(
    r"(middle_block|(?:input|output)_blocks\.\d+)\.1\.transformer_blocks\.(\d+)\."
)


def key_map(unet: Part) -> KeyMap:
    """For this UNet, whose blocks tell what is at which place."""
    places = {**SINGLE, **_down_places(unet), **_up_places(unet)}

    def mapped(key: str) -> tuple[Target, ...]:
        parts = key.split(".")
        for length in (4, 3, 2):
            place = places.get(".".join(parts[:length]))
            if place is not None:
                layer, leaf = ".".join(parts[length:-1]), parts[-1]
                names = (place, RESNET.get(layer, layer) if ".resnets." in place else layer, leaf)
                return (Target(".".join(name for name in names if name)),)
        return (Target(unet.prefix + key),)

    return mapped


def config(unet: Part) -> dict[str, Any]:
    """What config.json of the published folders says, as far as the tensors tell it. The number of
    heads is that of SD 1 where text and picture are joined by convolutions, else one for every 64
    channels."""
    levels = _levels(unet)
    if not levels:
        unet.shape("input_blocks.1.0.in_layers.2.weight", 4)  # says that it is not there
    channels = [unet.shape(f"{level[0]}.0.out_layers.3.weight", 4)[0] for level in levels]
    deep = _transformers(unet)
    down_depths = [[deep.get(block, 0) for block in level] for level in levels]
    up_depths = [[deep.get(block, 0) for block in level] for level in _up_levels(unet)]
    attends = [any(depths) for depths in down_depths]
    # Where none attends, the error tells of the middle, which does so in all published models.
    first = f"{next(iter(deep), MIDDLE)}.1"
    projection = unet.tensors.get(f"{first}.proj_in.weight")
    is_linear = projection is not None and len(projection.shape) == 2
    down = ["CrossAttnDownBlock2D" if attend else "DownBlock2D" for attend in attends]
    up = ["CrossAttnUpBlock2D" if any(depths) else "UpBlock2D" for depths in up_depths]
    return {
        "_class_name": "UNet2DConditionModel",
        "act_fn": "silu",
        "attention_head_dim": [max(1, n // HEAD_WIDTH) for n in channels] if is_linear else 8,
        "block_out_channels": channels,
        "center_input_sample": False,
        "cross_attention_dim": unet.shape(f"{first}.transformer_blocks.0.attn2.to_k.weight", 2)[1],
        "down_block_types": down,
        "downsample_padding": 1,
        "flip_sin_to_cos": True,
        "freq_shift": 0,
        "in_channels": unet.shape("input_blocks.0.0.weight", 4)[1],
        "layers_per_block": _one_or_all([len(level) for level in levels]),
        "mid_block_scale_factor": 1,
        "norm_eps": 1e-05,
        "norm_num_groups": 32,
        "out_channels": unet.shape("out.2.weight", 4)[0],
        **_middle(unet, deep),
        **_depths(down_depths, up_depths, deep.get(MIDDLE, 0)),
        "up_block_types": up,
        "use_linear_projection": is_linear,
        **_guidance(unet),
        **_additions(unet),
    }


def _transformers(unet: Part) -> Mapping[str, int]:
    """How deep the transformer behind a residual block is, by the blocks that have one."""
    layers: dict[str, set[str]] = {}
    for key in unet.tensors:
        if match := TRANSFORMER.match(key):
            layers.setdefault(match[1], set()).add(match[2])
    return {block: len(found) for block, found in layers.items()}


def _middle(unet: Part, deep: Mapping[str, int]) -> Mapping[str, Any]:
    """Distilled models are without the middle's attention, or without a middle at all."""
    if MIDDLE in deep:
        return {}
    is_there = any(key.startswith(f"{MIDDLE}.0.") for key in unet.tensors)
    return {"mid_block_type": "UNetMidBlock2D" if is_there else None}


def _depths(down: list[list[int]], up: list[list[int]], middle: int) -> Mapping[str, Any]:
    """By level; and by layer, on the way up as well, where the one does not tell the other, as in
    models that were distilled to fewer."""
    levels = [layers[0] if len(set(layers)) == 1 else layers for layers in down]
    levels[-1] = levels[-1] or middle
    by_layer = any(isinstance(depth, list) for depth in levels) or any(
        layers != [depth] * len(layers)
        for layers, depth in zip(up, reversed(levels), strict=False)
        if any(layers)
    )
    told: dict[str, Any] = {
        "transformer_layers_per_block": _one_or_all([depth or 1 for depth in levels])
    }
    if by_layer:
        told["reverse_transformer_layers_per_block"] = [
            layers if any(layers) else 1 for layers in up
        ]
    return told


def _one_or_all(counts: list[Any]) -> Any:
    return counts[0] if counts == counts[:1] * len(counts) else counts


def _guidance(unet: Part) -> Mapping[str, Any]:
    """LCM's UNet is told the guidance scale."""
    key = next((key for key in GUIDANCE if unet.has(key)), None)
    return {} if key is None else {"time_cond_proj_dim": unet.shape(key, 2)[1]}


def _additions(unet: Part) -> Mapping[str, Any]:
    """SDXL's UNet is told six sizes and the text as one vector."""
    if not unet.has("label_emb.0.0.weight"):
        return {}
    return {
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 256,
        "projection_class_embeddings_input_dim": unet.shape("label_emb.0.0.weight", 2)[1],
    }


def _levels(unet: Part) -> list[list[str]]:
    """The blocks of the way down by level, the finest first, without what halves the resolution."""
    levels: list[list[str]] = [[]]
    for number in range(1, unet.count("input_blocks.")):
        block = f"input_blocks.{number}"
        if unet.has(f"{block}.0.op.weight"):
            levels.append([])
        else:
            levels[-1].append(block)
    return [level for level in levels if level]


def _up_levels(unet: Part) -> list[list[str]]:
    """The blocks of the way up by level, the coarsest first."""
    levels: list[list[str]] = [[]]
    for number in range(unet.count("output_blocks.")):
        block = f"output_blocks.{number}"
        levels[-1].append(block)
        if any(unet.has(f"{block}.{place}.conv.weight") for place in (1, 2)):
            levels.append([])
    return [level for level in levels if level]


def _down_places(unet: Part) -> dict[str, str]:
    places: dict[str, str] = {}
    for index, level in enumerate(_levels(unet)):
        for layer, block in enumerate(level):
            places[f"{block}.0"] = f"down_blocks.{index}.resnets.{layer}"
            places[f"{block}.1"] = f"down_blocks.{index}.attentions.{layer}"
        after = f"input_blocks.{int(level[-1].rpartition('.')[2]) + 1}.0.op"
        places[after] = f"down_blocks.{index}.downsamplers.0.conv"
    return places


def _up_places(unet: Part) -> dict[str, str]:
    places: dict[str, str] = {}
    level, layer = 0, 0
    for number in range(unet.count("output_blocks.")):
        block = f"output_blocks.{number}"
        places[f"{block}.0"] = f"up_blocks.{level}.resnets.{layer}"
        layer += 1
        # What doubles the resolution follows in the last block of a level, after attention if any.
        doubling = next((n for n in (1, 2) if unet.has(f"{block}.{n}.conv.weight")), None)
        if doubling != 1:
            places[f"{block}.1"] = f"up_blocks.{level}.attentions.{layer - 1}"
        if doubling is not None:
            places[f"{block}.{doubling}.conv"] = f"up_blocks.{level}.upsamplers.0.conv"
            level, layer = level + 1, 0
    return places
