"""Our networks against diffusers' own, with the weights that diffusers saved.

Everything is float32 on the CPU. The networks are small and random; the norms' weights and biases,
which a fresh network has at 1 and 0, are made random too, or a mistake there would not show.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from engine.networks import (
    AddedConditions,
    AutoencoderKL,
    AutoencoderTiny,
    UNet2DConditionModel,
)
from tests.tiny import BUNDLED

# Loaded by name: diffusers fills its namespace at run time, and its types do not tell what it does.
diffusers: Any = importlib.import_module("diffusers")

TOLERANCE = 2e-5  # of the largest value; summing in another order costs about 1e-6

SMALL: dict[str, Any] = {
    "sample_size": 16,
    "block_out_channels": [16, 32],
    "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"],
    "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D"],
    "layers_per_block": 1,
    "attention_head_dim": 4,
    "cross_attention_dim": 24,
    "norm_num_groups": 8,
}
STABLE_DIFFUSION_1 = SMALL | {
    "block_out_channels": [16, 32, 48, 48],
    "down_block_types": ["CrossAttnDownBlock2D"] * 3 + ["DownBlock2D"],
    "up_block_types": ["UpBlock2D"] + ["CrossAttnUpBlock2D"] * 3,
    "layers_per_block": 2,
    "attention_head_dim": 8,
}
STABLE_DIFFUSION_2 = STABLE_DIFFUSION_1 | {
    "attention_head_dim": [2, 4, 6, 6],
    "use_linear_projection": True,
    "upcast_attention": True,
}
STABLE_DIFFUSION_XL = SMALL | {
    "block_out_channels": [16, 32, 48],
    "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
    "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
    "layers_per_block": 2,
    "attention_head_dim": [2, 4, 6],
    "transformer_layers_per_block": [1, 2, 3],
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 8,
    "projection_class_embeddings_input_dim": 20 + 6 * 8,
}
STABLE_DIFFUSION_XL_REFINER = STABLE_DIFFUSION_XL | {
    "transformer_layers_per_block": 4,
    "layers_per_block": 1,
    "projection_class_embeddings_input_dim": 20 + 5 * 8,
}

UNETS: dict[str, dict[str, Any]] = {
    "sd1": STABLE_DIFFUSION_1,
    "sd2": STABLE_DIFFUSION_2,
    "sdxl": STABLE_DIFFUSION_XL,
    "sdxl-refiner": STABLE_DIFFUSION_XL_REFINER,
    "only_cross_attention": SMALL | {"only_cross_attention": True},
    "only_cross_attention-by-level": SMALL
    | {
        "only_cross_attention": [True, False],
        "down_block_types": ["CrossAttnDownBlock2D"] * 2,
        "up_block_types": ["CrossAttnUpBlock2D"] * 2,
    },
    "attention-only-on-the-way-up": SMALL | {"down_block_types": ["DownBlock2D"] * 2},
    "scale_shift": SMALL | {"resnet_time_scale_shift": "scale_shift"},
    "depths-by-layer": SMALL
    | {
        "layers_per_block": [2, 1],
        "down_block_types": ["CrossAttnDownBlock2D"] * 2,
        "up_block_types": ["CrossAttnUpBlock2D"] * 2,
        "transformer_layers_per_block": [[1, 2], [2]],
        "reverse_transformer_layers_per_block": [[1, 3], 1],
    },
    "depths-by-level-reversed": SMALL | {"reverse_transformer_layers_per_block": [0, 2]},
    "plain-middle": SMALL | {"mid_block_type": "UNetMidBlock2D"},
    "no-middle": SMALL | {"mid_block_type": None},
    "mid_block_scale_factor": SMALL | {"mid_block_scale_factor": 1.5},
    "downsample_padding": SMALL | {"downsample_padding": 0},
    "center_input_sample": SMALL | {"center_input_sample": True},
    "kernels": SMALL | {"conv_in_kernel": 1, "conv_out_kernel": 5},
    "time": SMALL
    | {
        "flip_sin_to_cos": False,
        "freq_shift": 1,
        "time_embedding_dim": 40,
        "time_embedding_act_fn": "silu",
        "timestep_post_act": "mish",
    },
    "odd-time-width": SMALL
    | {"block_out_channels": [9, 18], "norm_num_groups": 3, "attention_head_dim": 3},
    "norm_eps": SMALL | {"norm_eps": 1e-2},
    "cross_attention_dim-by-level": SMALL | {"cross_attention_dim": [24, 24]},
    "distilled-with-guidance": SMALL | {"time_cond_proj_dim": 32},
    "distilled-odd-width": SMALL | {"time_cond_proj_dim": 33},
    "classes": SMALL | {"num_class_embeds": 10},
    "classes-timestep": SMALL | {"class_embed_type": "timestep", "act_fn": "gelu"},
    "classes-projection": SMALL
    | {"class_embed_type": "projection", "projection_class_embeddings_input_dim": 12},
} | {f"act_fn-{name}": SMALL | {"act_fn": name} for name in ("swish", "gelu", "mish", "relu")}

SMALL_VAE: dict[str, Any] = {
    "block_out_channels": [8, 16, 16],
    "down_block_types": ["DownEncoderBlock2D"] * 3,
    "up_block_types": ["UpDecoderBlock2D"] * 3,
    "layers_per_block": 2,
    "norm_num_groups": 4,
    "latent_channels": 4,
}
VAES: dict[str, dict[str, Any]] = {
    "sd1": SMALL_VAE,
    "16-channels": SMALL_VAE | {"latent_channels": 16, "shift_factor": 0.1},
    "no-attention": SMALL_VAE | {"mid_block_add_attention": False},
    "no-quant": SMALL_VAE | {"use_quant_conv": False, "use_post_quant_conv": False},
    "act_fn": SMALL_VAE | {"act_fn": "relu", "layers_per_block": 1},
}

TINY_AUTOENCODERS: dict[str, dict[str, Any]] = {
    "taesd": {
        "encoder_block_out_channels": [8] * 4,
        "decoder_block_out_channels": [8] * 4,
    },
    "16-channels": {
        "encoder_block_out_channels": [8] * 3,
        "decoder_block_out_channels": [8] * 3,
        "num_encoder_blocks": [1, 2, 1],
        "num_decoder_blocks": [2, 1, 1],
        "latent_channels": 16,
        "act_fn": "gelu",
    },
}

PUBLISHED_UNETS: dict[str, dict[str, Any]] = {
    "sd1": {"cross_attention_dim": 768},
    "sd2": {
        "attention_head_dim": [5, 10, 20, 20],
        "cross_attention_dim": 1024,
        "use_linear_projection": True,
    },
    "lcm": {"cross_attention_dim": 768, "time_cond_proj_dim": 256},
    "sd1-inpainting": {"cross_attention_dim": 768, "in_channels": 9},
    "sdxl": {
        "block_out_channels": [320, 640, 1280],
        "down_block_types": STABLE_DIFFUSION_XL["down_block_types"],
        "up_block_types": STABLE_DIFFUSION_XL["up_block_types"],
        "attention_head_dim": [5, 10, 20],
        "cross_attention_dim": 2048,
        "transformer_layers_per_block": [1, 2, 10],
        "use_linear_projection": True,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 256,
        "projection_class_embeddings_input_dim": 2816,
    },
    "sdxl-refiner": {
        "block_out_channels": [384, 768, 1536, 1536],
        "down_block_types": ["DownBlock2D", *["CrossAttnDownBlock2D"] * 2, "DownBlock2D"],
        "up_block_types": ["UpBlock2D", *["CrossAttnUpBlock2D"] * 2, "UpBlock2D"],
        "attention_head_dim": [6, 12, 24, 24],
        "cross_attention_dim": 1280,
        "transformer_layers_per_block": 4,
        "use_linear_projection": True,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 256,
        "projection_class_embeddings_input_dim": 2560,
    },
}
PUBLISHED_VAE = {
    "block_out_channels": [128, 256, 512, 512],
    "down_block_types": ["DownEncoderBlock2D"] * 4,
    "up_block_types": ["UpDecoderBlock2D"] * 4,
    "layers_per_block": 2,
}


def saved_and_ours(theirs: Any, folder: Path, ours_class: type[nn.Module]) -> nn.Module:
    """Our network, made of what diffusers wrote: config.json and the weights, loaded strictly."""
    with torch.no_grad():
        for parameter in theirs.parameters():
            if parameter.ndim == 1:
                parameter.add_(torch.randn_like(parameter), alpha=0.2)
    theirs.save_pretrained(folder)
    return ours_from(folder, ours_class)


def ours_from(folder: Path, ours_class: type[nn.Module]) -> nn.Module:
    config = json.loads((folder / "config.json").read_text())
    with torch.device("meta"):
        ours = ours_class(config)
    weights = load_file(folder / "diffusion_pytorch_model.safetensors")
    ours.load_state_dict(weights, strict=True, assign=True)
    return ours.float()


def shapes(network: nn.Module) -> dict[str, torch.Size]:
    return {name: weight.shape for name, weight in network.state_dict().items()}


def relative_difference(ours: Tensor, theirs: Tensor) -> float:
    assert ours.shape == theirs.shape
    assert theirs.std() > 1e-3  # or the comparison says nothing
    return float((ours - theirs).abs().max() / theirs.abs().max())


@pytest.fixture(autouse=True)
def _seeded_on_one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # waking more takes longer than these networks do
    torch.manual_seed(0)
    with torch.no_grad():
        yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("size", [(16, 16), (17, 15)], ids=["16x16", "17x15"])
@pytest.mark.parametrize("config", UNETS.values(), ids=UNETS.keys())
def test_unet(config, size, tmp_path):
    theirs = diffusers.UNet2DConditionModel(**config).eval()
    ours = saved_and_ours(theirs, tmp_path, UNet2DConditionModel)

    batch = 3
    sample = torch.randn(batch, 4, *size)
    timestep = torch.tensor([999, 500, 1])
    text = torch.randn(batch, 7, 24)
    labels, added = None, None
    if config.get("class_embed_type") == "projection":
        labels = torch.randn(batch, 12)
    elif "num_class_embeds" in config or "class_embed_type" in config:
        labels = torch.tensor([3, 0, 9])
    if "addition_embed_type" in config:
        count = 5 if config is STABLE_DIFFUSION_XL_REFINER else 6
        added = AddedConditions(torch.randn(batch, 20), torch.randint(0, 1024, (batch, count)))
    theirs_added = {"text_embeds": added.pooled, "time_ids": added.sizes} if added else None

    scale, theirs_scale = None, None
    if "time_cond_proj_dim" in config:
        scale = torch.tensor([1.0, 1.5, 8.5])
        theirs_scale = diffusers.LatentConsistencyModelPipeline.get_guidance_scale_embedding(
            None, scale - 1, config["time_cond_proj_dim"]
        )

    expected = theirs(
        sample,
        timestep,
        text,
        class_labels=labels,
        timestep_cond=theirs_scale,
        added_cond_kwargs=theirs_added,
    ).sample
    got = ours(sample, timestep, text, added, labels=labels, guidance_scale=scale)
    assert relative_difference(got, expected) < TOLERANCE


@pytest.mark.parametrize("timestep", [7, 999, 0.25, 498.75])
def test_unet_takes_one_timestep_for_all(timestep, tmp_path):
    theirs = diffusers.UNet2DConditionModel(**SMALL).eval()
    ours = saved_and_ours(theirs, tmp_path, UNet2DConditionModel)
    sample, text = torch.randn(2, 4, 8, 8), torch.randn(2, 7, 24)
    expected = theirs(sample, timestep, text).sample
    assert relative_difference(ours(sample, timestep, text), expected) < TOLERANCE
    assert torch.equal(
        ours(sample, timestep, text), ours(sample, torch.tensor(float(timestep)), text)
    )


@pytest.mark.parametrize("config", VAES.values(), ids=VAES.keys())
def test_vae(config, tmp_path):
    theirs = diffusers.AutoencoderKL(**config).eval()
    ours = saved_and_ours(theirs, tmp_path, AutoencoderKL)
    assert isinstance(ours, AutoencoderKL)

    pixels = torch.rand(2, 3, 24, 20) * 2 - 1
    mean, log_variance = ours.encode(pixels)
    expected = theirs.encode(pixels).latent_dist
    assert relative_difference(mean, expected.mean) < TOLERANCE
    assert relative_difference(log_variance, expected.logvar) < TOLERANCE

    latents = torch.randn(2, config["latent_channels"], 5, 6)
    assert relative_difference(ours.decode(latents), theirs.decode(latents).sample) < TOLERANCE


@pytest.mark.parametrize("config", TINY_AUTOENCODERS.values(), ids=TINY_AUTOENCODERS.keys())
def test_tiny_autoencoder(config, tmp_path):
    theirs = diffusers.AutoencoderTiny(**config).eval()
    ours = saved_and_ours(theirs, tmp_path, AutoencoderTiny)
    assert isinstance(ours, AutoencoderTiny)
    pixels = torch.rand(2, 3, 24, 16) * 2 - 1
    assert relative_difference(ours.encode(pixels), theirs.encode(pixels).latents) < TOLERANCE
    latents = 3 * torch.randn(2, ours.latent_channels, 5, 6)  # some beyond what is bent back
    expected = theirs.decode(latents).sample
    assert relative_difference(ours.decode(latents), expected) < TOLERANCE
    assert expected.shape[-1] == 6 * ours.factor


@pytest.mark.parametrize("config", PUBLISHED_UNETS.values(), ids=PUBLISHED_UNETS.keys())
def test_weights_of_the_published_unets(config):
    """Names and shapes at full size, without the memory for it."""
    with torch.device("meta"):
        theirs = diffusers.UNet2DConditionModel(**config)
        ours = UNet2DConditionModel(theirs.config)
    assert shapes(ours) == shapes(theirs)


def test_weights_of_the_published_vae():
    with torch.device("meta"):
        theirs = diffusers.AutoencoderKL(**PUBLISHED_VAE)
        ours = AutoencoderKL(theirs.config)
    assert shapes(ours) == shapes(theirs)


def test_weights_of_the_published_tiny_autoencoder():
    with torch.device("meta"):
        theirs = diffusers.AutoencoderTiny()
        ours = AutoencoderTiny(theirs.config)
    assert shapes(ours) == shapes(theirs)
    assert (ours.factor, ours.latent_channels, ours.scaling_factor) == (8, 4, 1.0)


def test_bundled_unet():
    theirs = diffusers.UNet2DConditionModel.from_pretrained(BUNDLED / "unet").float().eval()
    ours = ours_from(BUNDLED / "unet", UNet2DConditionModel)
    sample, text = torch.randn(2, 4, 16, 16), torch.randn(2, 32, 256)
    expected = theirs(sample, 500, text).sample
    assert relative_difference(ours(sample, 500.0, text), expected) < TOLERANCE


def test_bundled_vae():
    theirs = diffusers.AutoencoderKL.from_pretrained(BUNDLED / "vae").float().eval()
    ours = ours_from(BUNDLED / "vae", AutoencoderKL)
    assert isinstance(ours, AutoencoderKL)
    latents = torch.randn(1, 4, 8, 8)
    pixels = theirs.decode(latents).sample
    assert relative_difference(ours.decode(latents), pixels) < TOLERANCE
    mean, _ = ours.encode(pixels)
    assert relative_difference(mean, theirs.encode(pixels).latent_dist.mean) < TOLERANCE
