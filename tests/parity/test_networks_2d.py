"""Our UNet2DModel against diffusers' own, with the weights that diffusers saved.

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
from torch import Tensor

from engine.networks import UNet2DModel
from tests.tiny import DDPM_CAT, DDPM_CIFAR

# Loaded by name: diffusers fills its namespace at run time, and its types do not tell what it does.
diffusers: Any = importlib.import_module("diffusers")

TOLERANCE = 2e-5  # of the largest value; summing in another order costs about 1e-6

SMALL: dict[str, Any] = {
    "sample_size": 16,
    "block_out_channels": [8, 16],
    "down_block_types": ["DownBlock2D", "AttnDownBlock2D"],
    "up_block_types": ["AttnUpBlock2D", "UpBlock2D"],
    "layers_per_block": 1,
    "attention_head_dim": 4,
    "norm_num_groups": 4,
}
SKIP: dict[str, Any] = SMALL | {
    "block_out_channels": [16, 16, 32],
    "down_block_types": ["SkipDownBlock2D"] * 3,
    "up_block_types": ["SkipUpBlock2D"] * 3,
}
# The shape of google/ncsnpp-celebahq-256, fewer and narrower levels.
NCSNPP: dict[str, Any] = SMALL | {
    "block_out_channels": [64, 64, 96],
    "down_block_types": ["SkipDownBlock2D", "AttnSkipDownBlock2D", "SkipDownBlock2D"],
    "up_block_types": ["SkipUpBlock2D", "AttnSkipUpBlock2D", "SkipUpBlock2D"],
    "attention_head_dim": None,
    "mid_block_scale_factor": 1.41421356,
    "norm_eps": 1e-6,
    "norm_num_groups": None,
    "time_embedding_type": "fourier",
}
RESNET: dict[str, Any] = SMALL | {
    "down_block_types": ["ResnetDownsampleBlock2D", "AttnDownBlock2D"],
    "up_block_types": ["AttnUpBlock2D", "ResnetUpsampleBlock2D"],
    "resnet_time_scale_shift": "scale_shift",
}

UNETS: dict[str, dict[str, Any]] = {
    "ddpm-cat-256": DDPM_CAT,
    "ddpm-cifar10-32": DDPM_CIFAR,
    "skip": SKIP,
    "ncsnpp": NCSNPP,
    "skip-at-the-finest-levels-only": SKIP
    | {
        "down_block_types": ["SkipDownBlock2D", "DownBlock2D", "AttnDownBlock2D"],
        "up_block_types": ["UpBlock2D", "SkipUpBlock2D", "SkipUpBlock2D"],
    },
    "resnet-resampling": RESNET,
    "resnet-resampling-with-attention": SMALL
    | {
        "down_block_types": ["AttnDownBlock2D"] * 2,
        "up_block_types": ["AttnUpBlock2D"] * 2,
        "downsample_type": "resnet",
        "upsample_type": "resnet",
    },
    "attn_norm_num_groups": RESNET | {"attn_norm_num_groups": 8},
    "time-learned": SMALL | {"time_embedding_type": "learned", "num_train_timesteps": 1000},
    "time-fourier": SMALL | {"time_embedding_type": "fourier"},
    "time-positional": SMALL
    | {"flip_sin_to_cos": False, "freq_shift": 1, "time_embedding_dim": 24},
    "downsample_padding": SMALL | {"downsample_padding": 0},
    "center_input_sample": SMALL | {"center_input_sample": True},
    "center_input_sample-skip": SKIP | {"center_input_sample": True},
    "grey": SMALL | {"in_channels": 1, "out_channels": 2},
    "classes": SMALL | {"num_class_embeds": 10},
    "classes-timestep": SMALL | {"class_embed_type": "timestep"},
    "classes-timestep-fourier": SMALL
    | {"class_embed_type": "timestep", "time_embedding_type": "fourier"},
    "classes-identity": SMALL | {"class_embed_type": "identity"},
    "no-middle": SMALL | {"mid_block_type": None},
    "no-attention-in-the-middle": SMALL | {"add_attention": False},
    "mid_block_scale_factor": SMALL | {"mid_block_scale_factor": 2.0},
    "one-head": SMALL | {"attention_head_dim": None},
    "norm_eps": SMALL | {"norm_eps": 1e-2},
    "act_fn": SMALL | {"act_fn": "mish"},
    "one-level": SMALL
    | {
        "block_out_channels": [8],
        "down_block_types": ["AttnDownBlock2D"],
        "up_block_types": ["AttnUpBlock2D"],
    },
    "old-names": SMALL
    | {
        "down_block_types": ["UNetResDownBlock2D", "UNetResAttnDownBlock2D"],
        "up_block_types": ["UNetResAttnUpBlock2D", "UNetResUpBlock2D"],
    },
}
PUBLISHED: dict[str, dict[str, Any]] = {
    "ddpm-cat-256": DDPM_CAT
    | {"block_out_channels": [128, 128, 256, 256, 512, 512], "norm_num_groups": 32},
    "ddpm-cifar10-32": DDPM_CIFAR
    | {"block_out_channels": [128, 256, 256, 256], "norm_num_groups": 32},
    "ncsnpp-celebahq-256": NCSNPP
    | {
        "block_out_channels": [128, 128, 256, 256, 256, 256, 256],
        "layers_per_block": 2,
        "down_block_types": ["SkipDownBlock2D"] * 4
        + ["AttnSkipDownBlock2D"]
        + ["SkipDownBlock2D"] * 2,
        "up_block_types": ["SkipUpBlock2D"] * 2 + ["AttnSkipUpBlock2D"] + ["SkipUpBlock2D"] * 4,
    },
    "ddpm-butterflies-128": {
        "block_out_channels": [128, 128, 256, 256, 512, 512],
        "down_block_types": ["DownBlock2D"] * 4 + ["AttnDownBlock2D", "DownBlock2D"],
        "up_block_types": ["UpBlock2D", "AttnUpBlock2D"] + ["UpBlock2D"] * 4,
    },
}


def saved_and_ours(theirs: Any, folder: Path) -> UNet2DModel:
    """Our network, made of what diffusers wrote: config.json and the weights, loaded strictly."""
    with torch.no_grad():
        for name, parameter in theirs.named_parameters():
            if parameter.ndim == 1 and not name.startswith("time_proj"):
                parameter.add_(torch.randn_like(parameter), alpha=0.2)
    theirs.save_pretrained(folder)
    with torch.device("meta"):
        ours = UNet2DModel(json.loads((folder / "config.json").read_text()))
    weights = load_file(folder / "diffusion_pytorch_model.safetensors")
    ours.load_state_dict(weights, strict=True, assign=True)
    return ours


def relative_difference(ours: Tensor, theirs: Tensor) -> float:
    assert ours.shape == theirs.shape
    assert theirs.std() > 1e-4  # or the comparison says nothing
    return float((ours - theirs).abs().max() / theirs.abs().max())


@pytest.fixture(autouse=True)
def _seeded_on_one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # waking more takes longer than these networks do
    torch.manual_seed(0)
    with torch.no_grad():
        yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("config", UNETS.values(), ids=UNETS.keys())
def test_unet(config, tmp_path):
    theirs = diffusers.UNet2DModel(**config).eval()
    ours = saved_and_ours(theirs, tmp_path)
    batch = 3
    sample = torch.randn(batch, config.get("in_channels", 3), 32, 64)
    timestep = torch.tensor([999, 500, 1])
    labels = None
    if config.get("class_embed_type") == "identity":
        labels = torch.randn(batch, 32)
    elif "num_class_embeds" in config or "class_embed_type" in config:
        labels = torch.tensor([3, 1, 9])
    expected = theirs(sample, timestep, labels).sample
    got = ours(sample, timestep, labels=labels)
    assert relative_difference(got, expected) < TOLERANCE


@pytest.mark.parametrize("timestep", [0, 7, 999])
def test_one_timestep_for_all(timestep, tmp_path):
    theirs = diffusers.UNet2DModel(**SMALL).eval()
    ours = saved_and_ours(theirs, tmp_path)
    sample = torch.randn(2, 3, 8, 8)
    expected = theirs(sample, timestep).sample
    assert relative_difference(ours(sample, float(timestep)), expected) < TOLERANCE


@pytest.mark.parametrize("config", PUBLISHED.values(), ids=PUBLISHED.keys())
def test_weights_of_the_published_unets(config):
    """Names and shapes at full size, without the memory for it."""
    with torch.device("meta"):
        theirs = diffusers.UNet2DModel(**config)
        ours = UNet2DModel(theirs.config)
    assert {name: weight.shape for name, weight in ours.state_dict().items()} == {
        name: weight.shape for name, weight in theirs.state_dict().items()
    }
