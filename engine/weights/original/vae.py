"""The VAE of the original layout of Stable Diffusion (`first_stage_model.` in a single file, or a
file of its own): its settings, told by the shapes, and the way from its names to today's. Used by
`SingleFile` and `LoneAutoencoder`.

Worked example, of a VAE with four levels. The original counts the levels from the finest, on the
way up too, where today's names count in the order in which they are run; its attention is made of
convolutions over single pixels, (O, I, 1, 1), which are linear layers today, (O, I):

    encoder.down.1.block.0.nin_shortcut.bias -> encoder.down_blocks.1.resnets.0.conv_shortcut.bias
    decoder.up.3.upsample.conv.weight        -> decoder.up_blocks.0.upsamplers.0.conv.weight
    decoder.mid.attn_1.proj_out.weight       -> decoder.mid_block.attentions.0.to_out.0.weight
"""

from __future__ import annotations

import re
from typing import Any

from engine.weights.part import Part
from engine.weights.tensors import AS_IT_IS, LINEAR, KeyMap, Target

SINGLE = {
    "encoder.conv_in": "encoder.conv_in",
    "encoder.norm_out": "encoder.conv_norm_out",
    "encoder.conv_out": "encoder.conv_out",
    "decoder.conv_in": "decoder.conv_in",
    "decoder.norm_out": "decoder.conv_norm_out",
    "decoder.conv_out": "decoder.conv_out",
    "quant_conv": "quant_conv",
    "post_quant_conv": "post_quant_conv",
}
RESNET = {"nin_shortcut": "conv_shortcut"}
"""The other layers of a residual block have the same names then and now."""
ATTENTION = {
    "norm": "group_norm",
    "q": "to_q",
    "k": "to_k",
    "v": "to_v",
    "proj_out": "to_out.0",
}
LEFTOVERS = ("loss.", "model_ema.")
"""What training leaves behind."""

BLOCK = re.compile(r"(encoder\.down|decoder\.up)\.(\d+)\.block\.(\d+)\.(\w+)\.(\w+)")
RESAMPLING = re.compile(r"(encoder\.down|decoder\.up)\.(\d+)\.(down|up)sample\.conv\.(\w+)")
MIDDLE = re.compile(r"(encoder|decoder)\.mid\.(block|attn)_(\d)\.(\w+)\.(\w+)")


def key_map(vae: Part) -> KeyMap:
    """For this VAE: how many levels it has decides where its way up begins."""
    last = vae.count("decoder.up.") - 1

    def level(half: str, number: str) -> str:
        if half == "encoder.down":
            return f"encoder.down_blocks.{number}"
        return f"decoder.up_blocks.{last - int(number)}"

    def mapped(key: str) -> tuple[Target, ...]:
        if key.startswith(LEFTOVERS):
            return ()
        place, _, leaf = key.rpartition(".")
        if place in SINGLE:
            return (Target(f"{SINGLE[place]}.{leaf}"),)
        if match := BLOCK.fullmatch(key):
            half, number, layer, part, leaf = match.groups()
            return (
                Target(f"{level(half, number)}.resnets.{layer}.{RESNET.get(part, part)}.{leaf}"),
            )
        if match := RESAMPLING.fullmatch(key):
            half, number, way, leaf = match.groups()
            return (Target(f"{level(half, number)}.{way}samplers.0.conv.{leaf}"),)
        if match := MIDDLE.fullmatch(key):
            half, kind, number, part, leaf = match.groups()
            if kind == "attn":
                name = f"{half}.mid_block.attentions.{int(number) - 1}.{ATTENTION.get(part, part)}"
                return (Target(f"{name}.{leaf}", LINEAR),)
            name = f"{half}.mid_block.resnets.{int(number) - 1}.{RESNET.get(part, part)}"
            return (Target(f"{name}.{leaf}"),)
        return (Target(vae.prefix + key, AS_IT_IS),)

    return mapped


def config(vae: Part) -> dict[str, Any]:
    """What config.json of the published folders says, as far as the tensors tell it: not how the
    latents are scaled."""
    return settings(vae, "encoder.down", "block", "encoder.mid.attn_1.q.weight")


def settings(vae: Part, levels: str, layers: str, attention: str) -> dict[str, Any]:
    """The same for a VAE whose levels, their layers and the middle's attention have these names."""
    count = vae.count(f"{levels}.")
    return {
        "_class_name": "AutoencoderKL",
        "act_fn": "silu",
        "block_out_channels": [
            vae.shape(f"{levels}.{level}.{layers}.0.conv1.weight", 4)[0] for level in range(count)
        ],
        "down_block_types": ["DownEncoderBlock2D"] * count,
        "in_channels": vae.shape("encoder.conv_in.weight", 4)[1],
        "latent_channels": vae.shape("decoder.conv_in.weight", 4)[1],
        "layers_per_block": max(1, vae.count(f"{levels}.0.{layers}.")),
        "mid_block_add_attention": vae.has(attention),
        "norm_num_groups": 32,
        "out_channels": vae.shape("decoder.conv_out.weight", 4)[0],
        "up_block_types": ["UpDecoderBlock2D"] * count,
        "use_post_quant_conv": vae.has("post_quant_conv.weight"),
        "use_quant_conv": vae.has("quant_conv.weight"),
    }
