"""Tiny random models in diffusers layout, saved by diffusers itself, for tests that need a whole
pipeline in milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    DDPMPipeline,
    DDPMScheduler,
    DiffusionPipeline,
    EulerDiscreteScheduler,
    PNDMScheduler,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
    UNet2DModel,
)
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
)

BUNDLED = Path(__file__).parents[1] / "resources" / "models" / "emoji"

# The shapes of google/ddpm-cat-256 and google/ddpm-cifar10-32, narrower.
DDPM_CAT: dict[str, Any] = {
    "sample_size": 32,
    "block_out_channels": [8, 8, 16, 16, 24, 24],
    "down_block_types": ["DownBlock2D"] * 4 + ["AttnDownBlock2D", "DownBlock2D"],
    "up_block_types": ["UpBlock2D", "AttnUpBlock2D"] + ["UpBlock2D"] * 4,
    "attention_head_dim": None,
    "downsample_padding": 0,
    "flip_sin_to_cos": False,
    "freq_shift": 1,
    "norm_eps": 1e-6,
    "norm_num_groups": 4,
}
DDPM_CIFAR: dict[str, Any] = DDPM_CAT | {
    "block_out_channels": [8, 16, 16, 16],
    "down_block_types": ["DownBlock2D", "AttnDownBlock2D", "DownBlock2D", "DownBlock2D"],
    "up_block_types": ["UpBlock2D", "UpBlock2D", "AttnUpBlock2D", "UpBlock2D"],
}

SD1 = {"attention_head_dim": 4, "cross_attention_dim": 32}
SD2 = {"attention_head_dim": [2, 4], "cross_attention_dim": 32, "use_linear_projection": True}

SDXL_UNET: dict[str, Any] = {
    "sample_size": 8,
    "layers_per_block": 1,
    "block_out_channels": (16, 32),
    "norm_num_groups": 8,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
    "transformer_layers_per_block": (1, 2),
    "attention_head_dim": (2, 4),
    "cross_attention_dim": 32 + 48,
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 8,
    "projection_class_embeddings_input_dim": 40 + 6 * 8,
}
SDXL_SCHEDULER: dict[str, Any] = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "steps_offset": 1,
    "timestep_spacing": "leading",
    "interpolation_type": "linear",
}


def of_latents(scheduler: Any, config: Any) -> Any:
    """A scheduler of diffusers as its StableDiffusionPipeline has it from a folder that names it:
    latents are not cut. Put in by `from_config` alone, or in its pipeline of SDXL, it has what its
    class means for pixels."""
    return scheduler.from_config(config, clip_sample=False)


def save_stable_diffusion(folder: Path, unet: dict, prediction_type: str = "epsilon") -> Path:
    """A random StableDiffusionPipeline with a VAE factor of 8, under 1 M parameters."""
    torch.manual_seed(0)
    tokenizer = CLIPTokenizer.from_pretrained(BUNDLED / "tokenizer")
    text_encoder = CLIPTextModel(_text_config(tokenizer, num_attention_heads=4))
    pipeline = StableDiffusionPipeline(
        vae=_vae(),
        text_encoder=text_encoder,
        tokenizer=tokenizer,
        unet=UNet2DConditionModel(
            sample_size=8,
            layers_per_block=1,
            block_out_channels=(16, 32),
            norm_num_groups=8,
            down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
            up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
            **unet,
        ),
        scheduler=PNDMScheduler(
            beta_start=0.00085,
            beta_end=0.012,
            beta_schedule="scaled_linear",
            skip_prk_steps=True,
            set_alpha_to_one=False,
            steps_offset=1,
            prediction_type=prediction_type,
        ),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder)
    return folder


def save_sdxl(folder: Path, unet: dict[str, Any] | None = None, **scheduler: Any) -> Path:
    """A random StableDiffusionXLPipeline with a VAE factor of 8, under 1 M parameters. Its first
    text encoder is 32 wide, its second 48 with a projection to 40. unet, scheduler: further
    settings of the UNet and of the Euler scheduler."""
    torch.manual_seed(0)
    tokenizer = CLIPTokenizer.from_pretrained(BUNDLED / "tokenizer")
    # SDXL pads the second prompt with another token than the first.
    tokenizer_2 = CLIPTokenizer.from_pretrained(BUNDLED / "tokenizer", pad_token="!")
    pipeline = StableDiffusionXLPipeline(
        vae=_vae(scaling_factor=0.13025),
        text_encoder=CLIPTextModel(_text_config(tokenizer, num_attention_heads=4)),
        text_encoder_2=CLIPTextModelWithProjection(
            _text_config(
                tokenizer_2,
                num_attention_heads=4,
                hidden_size=48,
                projection_dim=40,
                hidden_act="gelu",
            )
        ),
        tokenizer=tokenizer,
        tokenizer_2=tokenizer_2,
        unet=UNet2DConditionModel(**(SDXL_UNET | (unet or {}))),
        scheduler=EulerDiscreteScheduler(**(SDXL_SCHEDULER | scheduler)),
        add_watermarker=False,
    )
    pipeline.save_pretrained(folder)
    return folder


def _vae(**settings: Any) -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(8, 8, 16, 16),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        norm_num_groups=4,
        latent_channels=4,
        sample_size=64,
        **settings,
    )


def _text_config(tokenizer: CLIPTokenizer, **settings: Any) -> CLIPTextConfig:
    usual: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "max_position_embeddings": 32,
        "bos_token_id": 0,
        "eos_token_id": 1,
        "pad_token_id": 1,
    }
    return CLIPTextConfig(**(usual | settings))


def save_ddpm(
    folder: Path, unet: dict[str, Any], kind: Callable[..., DiffusionPipeline] = DDPMPipeline
) -> Path:
    """A random pipeline of one UNet2DModel, DDPMPipeline or DDIMPipeline, with a DDPM scheduler as
    google/ddpm-cat-256 has it. Its pictures have all colours, not one."""
    torch.manual_seed(0)
    network = UNet2DModel(**unet)
    with torch.no_grad():
        network.conv_out.weight.mul_(2)
    kind(unet=network, scheduler=DDPMScheduler()).save_pretrained(folder)
    return folder
