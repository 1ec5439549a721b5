"""Stable Diffusion XL (Podell et al., arXiv:2307.01952): two text encoders side by side, read at
the last layer but one, of which the second also makes a vector of the prompt.
"""

from __future__ import annotations

from types import MappingProxyType

from engine.families.family import Ability, Family, Settings, TextInFile, TextPlan, Version
from engine.families.noise import EULER

SCALING: Settings = MappingProxyType({"scaling_factor": 0.13025})


def _has_unet(unet: Settings) -> bool:
    return unet.get("addition_embed_type") == "text_time"


ONLY = Version(
    name="stable-diffusion-xl",
    label="Stable Diffusion XL",
    has_unet=_has_unet,
    text=MappingProxyType(
        {
            "text_encoder": TextInFile(
                prefix="conditioner.embedders.0.transformer.",
                layout="clip",
                tokenizer=("tokenizer", "clip"),
            ),
            "text_encoder_2": TextInFile(
                prefix="conditioner.embedders.1.model.",
                layout="open_clip_projecting",
                tokenizer=("tokenizer_2", "open_clip"),
            ),
        }
    ),
    prediction_type="epsilon",
    side=128,
    side_of_v=128,
    vae=MappingProxyType({**SCALING, "force_upcast": True}),
    scheduler=EULER,
    scheduler_of_v=EULER,
)

STABLE_DIFFUSION_XL = Family(
    name="stable-diffusion-xl",
    label="Stable Diffusion XL",
    classes=("StableDiffusionXLPipeline", "StableDiffusionXLInpaintPipeline"),
    painting_class="StableDiffusionXLInpaintPipeline",
    runner=("engine.pipelines.stable_diffusion_xl", "StableDiffusionXL"),
    abilities=frozenset({Ability.PROMPT, Ability.NEGATIVE}),
    parts=(
        "unet",
        "vae",
        "text_encoder",
        "tokenizer",
        "scheduler",
        "text_encoder_2",
        "tokenizer_2",
    ),
    optional=("tiny",),
    telltale_part="text_encoder_2",
    text=TextPlan(
        encoders=(("text_encoder", "tokenizer"), ("text_encoder_2", "tokenizer_2")),
        last_layer=2,
        is_normed=False,
    ),
    latent_channels=4,
    request=MappingProxyType({"guidance_scale": 5.0}),
    index=MappingProxyType({"force_zeros_for_empty_prompt": True}),
    vae=SCALING,
    vae_overflows=True,
    has_unet=_has_unet,
    versions=(ONLY,),
)
