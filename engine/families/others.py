"""What people keep among their checkpoints and Safelight does not run, by the names of tensors: so
that a person is told what a file is. Read by the layout of single files.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from engine.families.family import Family


def _other(name: str, label: str, *signs: str) -> Family:
    return Family(name=name, label=label, signs=signs)


OTHERS = (
    _other("chroma", "Chroma", "distilled_guidance_layer.layers.0.in_layer.weight"),
    _other("flux", "Flux", "double_blocks.0.img_attn.proj.weight"),
    _other(
        "stable-diffusion-3",
        "Stable Diffusion 3",
        "joint_blocks.0.context_block.attn.qkv.weight",
    ),
    _other("aura-flow", "AuraFlow", "double_layers.0.attn.w1q.weight"),
    _other("stable-cascade", "Stable Cascade", "clip_txt_mapper.weight"),
    _other("pixart", "PixArt", "t_block.1.weight", "adaln_single.linear.weight"),
    _other("lumina", "Lumina", "cap_embedder.1.weight"),
    _other("hunyuan-dit", "HunyuanDiT", "mlp_t5.0.weight"),
    _other(
        "hunyuan-video",
        "HunyuanVideo",
        "txt_in.individual_token_refiner.blocks.0.norm1.weight",
    ),
    _other("qwen-image", "Qwen-Image", "transformer_blocks.0.img_mod.1.weight"),
    _other("hidream", "HiDream", "caption_projection.0.linear.weight"),
    _other("wan", "Wan", "head.modulation"),
    _other("ltx-video", "LTX-Video", "patchify_proj.weight"),
    _other("upscaler", "an upscaler", "conv_first.weight", "model.0.weight"),
    _other(
        "clip-vision",
        "a reader of pictures (CLIP vision)",
        "vision_model.embeddings.class_embedding",
    ),
    _other("t5", "a text encoder (T5)", "encoder.block.0.layer.0.SelfAttention.q.weight"),
    _other(
        "lone-unet",
        "the UNet of a model folder, without its other parts",
        "time_embedding.linear_1.weight",
    ),
)
"""Of other architectures, in the order in which they are looked for; the label fits behind "holds".
"""
UNLISTED = frozenset({"upscaler"})
"""Those of them that nobody looks for among models of pictures."""

EDM: Mapping[str, str] = MappingProxyType(
    {
        "edm_mean": "holds a model with EDM's noise, as Playground 2.5 has it",
        "edm_vpred.sigma_max": "holds a model with EDM's noise, as CosXL has it",
    }
)
"""Tensors by which models are known that look like Stable Diffusion XL and are none."""
KIN: Mapping[str, str] = MappingProxyType(
    {
        "control_model.": "holds a ControlNet together with its model",
        "controlnet.": "holds a ControlNet together with its model",
        "depth_model.": "makes pictures after a depth map (Stable Diffusion 2 depth)",
        "noise_augmentor.": "makes pictures after pictures (unCLIP)",
        "embedder.": "makes pictures after pictures (unCLIP)",
        "low_scale_model.": "makes pictures larger (Stable Diffusion's upscaler)",
        "model.diffusion_model.adm_": "holds a model with conditions of its own",
        "model.diffusion_model.input_hint_block.": "holds a ControlNet together with its model",
        "gligen.": "places things in boxes (GLIGEN)",
        "motion_module": "makes films (AnimateDiff)",
        "temporal_decoder.": "makes films (Stable Video Diffusion)",
        "conditioner.embedders.2.": "is told of more than a prompt, as models for films are",
        "conditioner.embedders.3.": "is told of more than a prompt, as models for films are",
    }
)
"""How names begin in whole models of Stable Diffusion that have something more."""
KIN_WITHIN: Mapping[str, str] = MappingProxyType(
    {
        ".time_stack.": "makes films (Stable Video Diffusion)",
        ".temporal_transformer.": "makes films (AnimateDiff)",
        ".motion_modules.": "makes films (AnimateDiff)",
        ".fuser.": "places things in boxes (GLIGEN)",
    }
)
"""The same by what stands within a name."""
REFINER = "conditioner.embedders.0.model."
"""How the text encoder's names begin in the refiner of Stable Diffusion XL."""
