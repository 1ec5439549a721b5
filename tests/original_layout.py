"""Diffusers folders of Stable Diffusion turned into single files in the original layout, for tests:
the way back from `engine.weights.original.unet` and its kin, written on its own.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

Weights = dict[str, Tensor]

UNET = "model.diffusion_model."
VAE = "first_stage_model."
SD1_TEXT = "cond_stage_model.transformer."
SD2_TEXT = "cond_stage_model.model."
SDXL_TEXT = ("conditioner.embedders.0.transformer.", "conditioner.embedders.1.model.")

RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
LEFTOVERS = ("betas", "alphas_cumprod", "sqrt_one_minus_alphas_cumprod", "posterior_mean_coef1")


def save_original(folder: Path, path: Path, dtype: torch.dtype | None = None, **more: Any) -> Path:
    """folder: saved by diffusers. dtype: of all weights, if not their own. more: tensors besides,
    by name."""
    weights = original(folder)
    if dtype is not None:
        weights = {key: tensor.to(dtype) for key, tensor in weights.items()}
    weights |= more
    save_file({key: tensor.contiguous() for key, tensor in weights.items()}, path)
    return path


def original(folder: Path) -> Weights:
    """The tensors of a file that holds this model, with what training leaves behind."""
    unet = original_unet(_load(folder / "unet"), _json(folder / "unet"))
    vae = original_vae(_load(folder / "vae"), _json(folder / "vae"))
    weights = under(UNET, unet) | under(VAE, vae)
    if (folder / "text_encoder_2").is_dir():
        first = _load(folder / "text_encoder")
        weights |= under(SDXL_TEXT[0], under("text_model.", first))
        weights |= under(SDXL_TEXT[1], open_clip(_load(folder / "text_encoder_2")))
    elif _json(folder / "text_encoder")["hidden_act"] == "gelu":
        weights |= under(SD2_TEXT, whole_tower(open_clip(_load(folder / "text_encoder"))))
    else:
        clip = under("text_model.", _load(folder / "text_encoder"))
        clip["text_model.embeddings.position_ids"] = torch.arange(77)[None]
        weights |= under(SD1_TEXT, clip)
    return weights | {name: torch.rand(1000) for name in LEFTOVERS}


def averaged(weights: Weights) -> Weights:
    """Averaged weights of the UNet (EMA), which differ from the others."""
    return {
        "model_ema." + key.removeprefix("model.").replace(".", ""): 0.5 * tensor
        for key, tensor in weights.items()
        if key.startswith(UNET)
    } | {"model_ema.decay": torch.tensor(0.9999), "model_ema.num_updates": torch.tensor(1)}


def original_unet(weights: Weights, config: dict[str, Any]) -> Weights:
    places = _unet_places(config)
    renamed = {}
    for key, tensor in weights.items():
        place = max((place for place in places if key.startswith(place + ".")), key=len)
        rest = key.removeprefix(place + ".")
        if ".resnets." in place:
            layer, _, leaf = rest.rpartition(".")
            rest = f"{RESNET[layer]}.{leaf}"
        renamed[f"{places[place]}.{rest}"] = tensor
    return renamed


def _unet_places(config: dict[str, Any]) -> dict[str, str]:
    places = {
        "conv_in": "input_blocks.0.0",
        "time_embedding.linear_1": "time_embed.0",
        "time_embedding.linear_2": "time_embed.2",
        "time_embedding.cond_proj": "time_embedding.cond_proj",
        "add_embedding.linear_1": "label_emb.0.0",
        "add_embedding.linear_2": "label_emb.0.2",
        "mid_block.resnets.0": "middle_block.0",
        "mid_block.attentions.0": "middle_block.1",
        "mid_block.resnets.1": "middle_block.2",
        "conv_norm_out": "out.0",
        "conv_out": "out.2",
    }
    levels, layers = len(config["block_out_channels"]), config["layers_per_block"]
    number = 1
    for level in range(levels):
        for layer in range(layers):
            places[f"down_blocks.{level}.resnets.{layer}"] = f"input_blocks.{number}.0"
            places[f"down_blocks.{level}.attentions.{layer}"] = f"input_blocks.{number}.1"
            number += 1
        places[f"down_blocks.{level}.downsamplers.0.conv"] = f"input_blocks.{number}.0.op"
        number += 1
    number = 0
    for level, kind in enumerate(config["up_block_types"]):
        for layer in range(layers + 1):
            places[f"up_blocks.{level}.resnets.{layer}"] = f"output_blocks.{number}.0"
            places[f"up_blocks.{level}.attentions.{layer}"] = f"output_blocks.{number}.1"
            number += 1
        after = 2 if kind == "CrossAttnUpBlock2D" else 1
        last = f"output_blocks.{number - 1}"
        places[f"up_blocks.{level}.upsamplers.0.conv"] = f"{last}.{after}.conv"
    return places


def original_vae(weights: Weights, config: dict[str, Any]) -> Weights:
    last = len(config["block_out_channels"]) - 1
    table = {
        "conv_norm_out": "norm_out",
        "mid_block.resnets.0": "mid.block_1",
        "mid_block.resnets.1": "mid.block_2",
        "mid_block.attentions.0": "mid.attn_1",
        "conv_shortcut": "nin_shortcut",
        "group_norm": "norm",
        "to_q": "q",
        "to_k": "k",
        "to_v": "v",
        "to_out.0": "proj_out",
        "samplers.0.conv": "sample.conv",
        "resnets": "block",
    }
    for level in range(last + 1):
        table[f"down_blocks.{level}."] = f"down.{level}."
        table[f"up_blocks.{level}."] = f"up.{last - level}."
    renamed = {}
    for key, tensor in weights.items():
        is_attention = "attentions" in key
        for current, old in table.items():
            key = key.replace(current, old)
        renamed[key] = tensor[..., None, None] if is_attention and tensor.ndim == 2 else tensor
    return renamed


def open_clip(weights: Weights) -> Weights:
    """A text encoder of transformers under the names of OpenCLIP."""
    weights = {key.removeprefix("text_model."): tensor for key, tensor in weights.items()}
    table = {
        "embeddings.position_embedding.weight": "positional_embedding",
        "embeddings.token_embedding": "token_embedding",
        "final_layer_norm": "ln_final",
        "encoder.layers": "transformer.resblocks",
        "layer_norm": "ln_",
        "self_attn.out_proj": "attn.out_proj",
        "mlp.fc1": "mlp.c_fc",
        "mlp.fc2": "mlp.c_proj",
    }
    renamed = {}
    for key, tensor in weights.items():
        if "q_proj" in key:
            fused = [weights[key.replace("q_proj", f"{one}_proj")] for one in "qkv"]
            key, tensor = key.replace("self_attn.q_proj.", "attn.in_proj_"), torch.cat(fused)
        elif "k_proj" in key or "v_proj" in key:
            continue
        elif key == "text_projection.weight":
            key, tensor = "text_projection", tensor.T
        for current, old in table.items():
            key = key.replace(current, old)
        renamed[key] = tensor
    return renamed | {"logit_scale": torch.tensor(4.6)}


def whole_tower(weights: Weights) -> Weights:
    """With the layer and the projection that SD 2 does not use."""
    layers = len({key.split(".")[2] for key in weights if "resblocks" in key})
    last = {
        key.replace(".0.", f".{layers}.", 1): torch.randn_like(tensor)
        for key, tensor in weights.items()
        if key.startswith("transformer.resblocks.0.")
    }
    width = weights["ln_final.bias"].shape[0]
    return weights | last | {"text_projection": torch.randn(width, width)}


def under(prefix: str, weights: Weights) -> Weights:
    return {prefix + key: tensor for key, tensor in weights.items()}


def _load(folder: Path) -> Weights:
    (path,) = folder.glob("*.safetensors")
    return load_file(path)


def _json(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "config.json").read_text(encoding="utf-8"))


def save(path: Path, weights: dict, metadata: dict[str, str] | None = None) -> Path:
    save_file({key: tensor.contiguous() for key, tensor in weights.items()}, path, metadata)
    return path


def read(tensors, dtype=torch.float32) -> dict:
    return {key: tensor for key, tensor, _ in tensors.read(torch.device("cpu"), dtype)}


def assert_same(mine: dict, others: dict) -> None:
    assert mine.keys() == others.keys()
    for key, tensor in mine.items():
        assert torch.equal(tensor, others[key]), key
