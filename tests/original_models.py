"""Tiny random models of the families that come as single files, in diffusers layout, saved by
diffusers: with CLIP's whole vocabulary, and with the numbers that no tensor tells as published.
"""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    DiffusionPipeline,
    EulerDiscreteScheduler,
    LatentConsistencyModelPipeline,
    LCMScheduler,
    PNDMScheduler,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

TOKENIZERS = Path(str(files("resources"))) / "tokenizers"
NOISE: dict[str, Any] = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "steps_offset": 1,
}
WIDTH = {"sd1": 16, "sd2": 16, "sdxl": 16 + 24, "lcm": 16}
FAMILIES = tuple(WIDTH)
UNETS: dict[str, dict[str, Any]] = {
    "sd1": {"attention_head_dim": 8},
    "sd2": {"attention_head_dim": (1, 1, 2), "use_linear_projection": True},
    "sdxl": {
        "attention_head_dim": (1, 1, 2),
        "use_linear_projection": True,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        "transformer_layers_per_block": (1, 2, 3),
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 256,
        "projection_class_embeddings_input_dim": 32 + 6 * 256,
    },
    "lcm": {"attention_head_dim": 8, "time_cond_proj_dim": 24},
}
SCHEDULERS = {
    "sd1": lambda: PNDMScheduler(**NOISE, skip_prk_steps=True),
    "sd2": lambda: DDIMScheduler(
        **NOISE, clip_sample=False, set_alpha_to_one=False, prediction_type="v_prediction"
    ),
    "sdxl": lambda: EulerDiscreteScheduler(**NOISE, timestep_spacing="leading"),
    "lcm": lambda: LCMScheduler(**{**NOISE, "steps_offset": 1}),
}


def save_original_model(folder: Path, family: str, **unet: Any) -> Path:
    """family: a key of UNETS; unet: further settings of its UNet. About 3 M parameters; the latents
    are an eighth as wide as the picture."""
    torch.manual_seed(0)
    parts: dict[str, Any] = {
        "vae": _vae(0.13025 if family == "sdxl" else 0.18215),
        "text_encoder": CLIPTextModel(_text(16, "gelu" if family == "sd2" else "quick_gelu")),
        "tokenizer": CLIPTokenizer.from_pretrained(
            TOKENIZERS / ("open_clip" if family == "sd2" else "clip")
        ),
        "unet": _unet(family, unet),
        "scheduler": SCHEDULERS[family](),
    }
    _pipeline(family, parts).save_pretrained(folder)
    # The published folders say this of every scheduler, also where diffusers does not know it.
    path = folder / "scheduler" / "scheduler_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"clip_sample": False}))
    return folder


def _pipeline(family: str, parts: dict[str, Any]) -> DiffusionPipeline:
    if family == "sdxl":
        return StableDiffusionXLPipeline(
            **parts,
            text_encoder_2=CLIPTextModelWithProjection(_text(24, "gelu", projection_dim=32)),
            tokenizer_2=CLIPTokenizer.from_pretrained(TOKENIZERS / "open_clip"),
            add_watermarker=False,
        )
    kind = LatentConsistencyModelPipeline if family == "lcm" else StableDiffusionPipeline
    return kind(**parts, safety_checker=None, feature_extractor=None, requires_safety_checker=False)


def _unet(family: str, more: dict[str, Any]) -> UNet2DConditionModel:
    usual: dict[str, Any] = {
        "sample_size": 8,
        "layers_per_block": 2,
        "block_out_channels": (32, 64, 128),
        "norm_num_groups": 32,
        "down_block_types": ("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        "cross_attention_dim": WIDTH[family],
    }
    return UNet2DConditionModel(**(usual | UNETS[family] | more))


def _vae(scaling_factor: float) -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(32, 32, 64, 64),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=2,
        latent_channels=4,
        sample_size=64,
        scaling_factor=scaling_factor,
    )


def _text(width: int, act: str, **more: Any) -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=49408,
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=2,
        num_attention_heads=1,
        max_position_embeddings=77,
        hidden_act=act,
        bos_token_id=0,
        eos_token_id=2,
        pad_token_id=1,
        **more,
    )
