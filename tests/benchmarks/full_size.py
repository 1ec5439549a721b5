"""Stable Diffusion 1.5 and SDXL at full size with random weights, as float16 folders in diffusers
layout: the program that writes one. Run by the benchmarks that need weights of these shapes, in a
process of its own that knows FOLDER, KIND ("sd15" or "sdxl") and TOKENIZER, the folder of CLIP's;
it prints how many weights there are.
"""

from __future__ import annotations

# Written tensor by tensor from shapes alone, so that making a folder takes no more memory than
# loading it. The weights are random, but of the spread that keeps activations alive through every
# layer: so pictures have contrast, and a difference between two networks shows in them.
MAKE = """
import json
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL, EulerDiscreteScheduler, PNDMScheduler, StableDiffusionPipeline,
    StableDiffusionXLPipeline, UNet2DConditionModel,
)
from safetensors.torch import save_file
from transformers import (
    CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer,
)

def random(key, value):
    if not value.is_floating_point():
        return torch.zeros(value.shape, dtype=value.dtype)
    if value.ndim > 1:
        return torch.randn(value.shape).mul_(value[0].numel() ** -0.5).half()
    return (torch.ones if key.endswith("weight") else torch.zeros)(value.shape).half()

def tower(width, layers, heads, act, projection):
    return CLIPTextConfig(
        vocab_size=49408, hidden_size=width, intermediate_size=4 * width,
        num_hidden_layers=layers, num_attention_heads=heads, max_position_embeddings=77,
        hidden_act=act, projection_dim=projection,
    )

VAE = dict(
    block_out_channels=(128, 256, 512, 512), down_block_types=("DownEncoderBlock2D",) * 4,
    up_block_types=("UpDecoderBlock2D",) * 4, latent_channels=4, layers_per_block=2,
)
torch.manual_seed(0)
folder = Path(FOLDER)
with torch.device("meta"):
    if KIND == "sd15":
        parts = {
            "unet": UNet2DConditionModel(
                sample_size=64, cross_attention_dim=768, attention_head_dim=8
            ),
            "vae": AutoencoderKL(**VAE, sample_size=512, scaling_factor=0.18215),
            "text_encoder": CLIPTextModel(tower(768, 12, 12, "quick_gelu", 768)),
        }
    else:
        parts = {
            "unet": UNet2DConditionModel(
                sample_size=128, cross_attention_dim=2048, attention_head_dim=[5, 10, 20],
                block_out_channels=(320, 640, 1280), transformer_layers_per_block=[1, 2, 10],
                down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
                up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
                use_linear_projection=True, addition_embed_type="text_time",
                addition_time_embed_dim=256, projection_class_embeddings_input_dim=2816,
            ),
            "vae": AutoencoderKL(**VAE, sample_size=1024, scaling_factor=0.13025),
            "text_encoder": CLIPTextModel(tower(768, 12, 12, "quick_gelu", 768)),
            "text_encoder_2": CLIPTextModelWithProjection(tower(1280, 32, 20, "gelu", 1280)),
        }
count = 0
for name, part in parts.items():
    place = folder / name
    place.mkdir(parents=True)
    weights = {key: random(key, value) for key, value in part.state_dict().items()}
    count += sum(value.numel() for value in weights.values())
    text = name.startswith("text")
    file = "model.safetensors" if text else "diffusion_pytorch_model.safetensors"
    save_file(weights, place / file, metadata={"format": "pt"})
    if text:
        part.config.architectures = [type(part).__name__]
        part.config.save_pretrained(place)
    else:
        part.save_config(place)
    del weights
scheduler, habits = EulerDiscreteScheduler, {}
if KIND == "sd15":
    scheduler, habits = PNDMScheduler, {"skip_prk_steps": True, "set_alpha_to_one": False}
scheduler(
    beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1, **habits
).save_pretrained(folder / "scheduler")
tokenizer = CLIPTokenizer.from_pretrained(TOKENIZER)
index = {"_class_name": "StableDiffusionPipeline", "safety_checker": [None, None],
         "feature_extractor": [None, None], "requires_safety_checker": False}
if KIND == "sdxl":
    index = {"_class_name": "StableDiffusionXLPipeline", "force_zeros_for_empty_prompt": True,
             "tokenizer_2": ["transformers", "CLIPTokenizer"],
             "text_encoder_2": ["transformers", "CLIPTextModelWithProjection"]}
    tokenizer.save_pretrained(folder / "tokenizer_2")
tokenizer.save_pretrained(folder / "tokenizer")
index |= {"_diffusers_version": "0.42.0", "tokenizer": ["transformers", "CLIPTokenizer"],
          "text_encoder": ["transformers", "CLIPTextModel"],
          "unet": ["diffusers", "UNet2DConditionModel"], "vae": ["diffusers", "AutoencoderKL"],
          "scheduler": ["diffusers", scheduler.__name__]}
(folder / "model_index.json").write_text(json.dumps(index))
print(count)
"""
