"""Stable Diffusion 1 and 2 (Rombach et al., arXiv:2112.10752)."""

from __future__ import annotations

from types import MappingProxyType

from engine.families.family import Ability, Family, Settings, TextInFile, TextPlan, Version
from engine.families.noise import DDIM, PNDM

SCALING: Settings = MappingProxyType({"scaling_factor": 0.18215})


def _is_second(unet: Settings) -> bool:
    width = unet.get("cross_attention_dim")
    return width == 1024 or (width != 768 and bool(unet.get("use_linear_projection")))


FIRST = Version(
    name="stable-diffusion-1",
    label="Stable Diffusion 1",
    has_unet=lambda unet: not _is_second(unet),
    text=MappingProxyType(
        {
            "text_encoder": TextInFile(
                prefix="cond_stage_model.transformer.",
                layout="clip",
                tokenizer=("tokenizer", "clip"),
            )
        }
    ),
    prediction_type="epsilon",
    side=64,
    side_of_v=64,
    vae=SCALING,
    scheduler=PNDM,
    scheduler_of_v=DDIM,
)

SECOND = Version(
    name="stable-diffusion-2",
    label="Stable Diffusion 2",
    has_unet=_is_second,
    text=MappingProxyType(
        {
            "text_encoder": TextInFile(
                prefix="cond_stage_model.model.",
                layout="open_clip",
                tokenizer=("tokenizer", "open_clip"),
            )
        }
    ),
    prediction_type=None,
    side=64,
    side_of_v=96,
    unet=MappingProxyType({"upcast_attention": True}),
    vae=SCALING,
    scheduler=PNDM,
    scheduler_of_v=DDIM,
)

STABLE_DIFFUSION = Family(
    name="stable-diffusion",
    label="Stable Diffusion",
    classes=("StableDiffusionPipeline", "StableDiffusionInpaintPipeline"),
    painting_class="StableDiffusionInpaintPipeline",
    runner=("engine.pipelines.stable_diffusion", "StableDiffusion"),
    abilities=frozenset({Ability.PROMPT, Ability.NEGATIVE}),
    parts=("unet", "vae", "text_encoder", "tokenizer", "scheduler"),
    optional=("tiny",),
    text=TextPlan(),
    latent_channels=4,
    vae=SCALING,
    has_unet=lambda unet: True,
    versions=(FIRST, SECOND),
)
