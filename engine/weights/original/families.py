"""What the families of single files have in common and what sets them apart, as tables: where their
components are, and the settings that no tensor tells, as the published folders have them. Used by
`SingleFile`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.weights.original import text
from engine.weights.part import Part
from engine.weights.tensors import KeyMap

Settings = Mapping[str, Any]

NOISE: Settings = {
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "clip_sample": False,
    "num_train_timesteps": 1000,
    "set_alpha_to_one": False,
    "steps_offset": 1,
    "trained_betas": None,
}
"""The noise that all of Stable Diffusion was trained with."""
PNDM: Settings = {**NOISE, "_class_name": "PNDMScheduler", "skip_prk_steps": True}
DDIM: Settings = {**NOISE, "_class_name": "DDIMScheduler"}
EULER: Settings = {
    **NOISE,
    "_class_name": "EulerDiscreteScheduler",
    "interpolation_type": "linear",
    "sample_max_value": 1.0,
    "skip_prk_steps": True,
    "timestep_spacing": "leading",
    "use_karras_sigmas": False,
}
LCM: Settings = {
    **NOISE,
    "_class_name": "LCMScheduler",
    "original_inference_steps": 50,
    "rescale_betas_zero_snr": False,
    "set_alpha_to_one": True,
    "timestep_scaling": 10.0,
    "timestep_spacing": "leading",
}
ZERO_SNR: Settings = {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
"""What the marker `ztsnr` says: trained down to pure noise (arXiv:2305.08891)."""


@dataclass(frozen=True, kw_only=True)
class TextEncoder:
    """prefix: what its names begin with in the file."""

    prefix: str
    kind: str
    config: Callable[[Part], dict[str, Any]]
    key_map: Callable[[Part], KeyMap]


@dataclass(frozen=True, kw_only=True)
class Family:
    """name: as the library of models has it. pipeline: what the class of its pipeline begins with;
    settings: what else model_index.json says. text: by component. tokenizers: by component, the
    folder in resources. prediction_type: None where there are both and the tensors are the same.
    side, side_of_v: of the latents that it was trained at. unet, vae: settings of config.json.
    scheduler, scheduler_of_v: the content of scheduler_config.json, of_v where it predicts v or
    was trained down to pure noise.
    """

    name: str
    pipeline: str
    text: Mapping[str, TextEncoder]
    tokenizers: Mapping[str, str]
    prediction_type: str | None
    side: int
    side_of_v: int
    vae: Settings
    scheduler: Settings
    scheduler_of_v: Settings
    unet: Settings = field(default_factory=dict)
    settings: Settings = field(default_factory=dict)


SD1 = Family(
    name="stable-diffusion-1",
    pipeline="StableDiffusion",
    text={
        "text_encoder": TextEncoder(
            prefix="cond_stage_model.transformer.",
            kind="CLIPTextModel",
            config=text.clip_config,
            key_map=text.clip_key_map,
        )
    },
    tokenizers={"tokenizer": "clip"},
    prediction_type="epsilon",
    side=64,
    side_of_v=64,
    vae={"scaling_factor": 0.18215},
    scheduler=PNDM,
    scheduler_of_v=DDIM,
)

SD2 = Family(
    name="stable-diffusion-2",
    pipeline="StableDiffusion",
    text={
        "text_encoder": TextEncoder(
            prefix="cond_stage_model.model.",
            kind="CLIPTextModel",
            config=text.open_clip_config,
            key_map=text.open_clip_key_map,
        )
    },
    tokenizers={"tokenizer": "open_clip"},
    prediction_type=None,
    side=64,
    side_of_v=96,
    unet={"upcast_attention": True},
    vae={"scaling_factor": 0.18215},
    scheduler=PNDM,
    scheduler_of_v=DDIM,
)

SDXL = Family(
    name="stable-diffusion-xl",
    pipeline="StableDiffusionXL",
    settings={"force_zeros_for_empty_prompt": True},
    text={
        "text_encoder": TextEncoder(
            prefix="conditioner.embedders.0.transformer.",
            kind="CLIPTextModel",
            config=text.clip_config,
            key_map=text.clip_key_map,
        ),
        "text_encoder_2": TextEncoder(
            prefix="conditioner.embedders.1.model.",
            kind="CLIPTextModelWithProjection",
            config=text.projecting_config,
            key_map=text.projecting_key_map,
        ),
    },
    tokenizers={"tokenizer": "clip", "tokenizer_2": "open_clip"},
    prediction_type="epsilon",
    side=128,
    side_of_v=128,
    vae={"scaling_factor": 0.13025, "force_upcast": True},
    scheduler=EULER,
    scheduler_of_v=EULER,
)

FAMILIES = (SDXL, SD2, SD1)
"""In the order in which they are looked for."""

SIGNS: Mapping[str, str] = {
    "edm_mean": "holds a model with EDM's noise, as Playground 2.5 has it",
    "edm_vpred.sigma_max": "holds a model with EDM's noise, as CosXL has it",
}
"""Tensors by which families are known that look like one of these and are none."""
KIN: Mapping[str, str] = {
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
"""How names begin in whole models that are of these families and have something more."""
KIN_WITHIN: Mapping[str, str] = {
    ".time_stack.": "makes films (Stable Video Diffusion)",
    ".temporal_transformer.": "makes films (AnimateDiff)",
    ".motion_modules.": "makes films (AnimateDiff)",
    ".fuser.": "places things in boxes (GLIGEN)",
}
"""The same by what stands within a name."""
FOREIGN: Mapping[str, str] = {
    "distilled_guidance_layer.layers.0.in_layer.weight": "Chroma",
    "double_blocks.0.img_attn.proj.weight": "Flux",
    "joint_blocks.0.context_block.attn.qkv.weight": "Stable Diffusion 3",
    "double_layers.0.attn.w1q.weight": "AuraFlow",
    "clip_txt_mapper.weight": "Stable Cascade",
    "t_block.1.weight": "PixArt",
    "adaln_single.linear.weight": "PixArt",
    "cap_embedder.1.weight": "Lumina",
    "mlp_t5.0.weight": "HunyuanDiT",
    "txt_in.individual_token_refiner.blocks.0.norm1.weight": "HunyuanVideo",
    "transformer_blocks.0.img_mod.1.weight": "Qwen-Image",
    "caption_projection.0.linear.weight": "HiDream",
    "head.modulation": "Wan",
    "patchify_proj.weight": "LTX-Video",
    "conv_first.weight": "an upscaler",
    "model.0.weight": "an upscaler",
    "vision_model.embeddings.class_embedding": "a reader of pictures (CLIP vision)",
    "encoder.block.0.layer.0.SelfAttention.q.weight": "a text encoder (T5)",
    "time_embedding.linear_1.weight": "the UNet of a model folder, without its other parts",
}
"""What people keep among their checkpoints and Safelight does not run, by a name of theirs."""
UPSCALERS = frozenset(("conv_first.weight", "model.0.weight"))
"""Those of it that nobody looks for among models of pictures."""
REFINER = "conditioner.embedders.0.model."

OTHERS = (
    (r"lora_|.*\.lora[_.]|.*\.(hada|lokr|oft|dora)_", "is a LoRA, which adds to a model"),
    (r"control_model\.|controlnet|input_hint_block\.", "is a ControlNet, which adds to a model"),
    (r"emb_params$|string_to_param|clip_[lg]$", "is an embedding, which adds to a prompt"),
    (r"first_stage_model\.|(encoder|decoder)\.(mid|down|up|conv)", "is a VAE, a part of a model"),
    (r"(taesd_)?(en|de)coder\.|1\.(weight|conv)", "is a tiny autoencoder, for previews"),
    (r"down_blocks\.|text_model\.", "is a part of a model folder"),
)
"""What else people keep beside checkpoints: how one of its names begins, and what to call it."""
