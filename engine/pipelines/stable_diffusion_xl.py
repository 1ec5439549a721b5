"""Stable Diffusion XL (Podell et al., arXiv:2307.01952): what it has that the first ones have not.
Made by `engine.load`, run by `engine.generate`.
"""

from __future__ import annotations

from types import MappingProxyType

from engine.pipelines.stable_diffusion import StableDiffusion
from engine.pipelines.text import TextPlan


class StableDiffusionXL(StableDiffusion):
    """Two text encoders side by side, read at the last layer but one, of which the second also
    makes a vector of the prompt. The UNet is told this vector and the picture's sizes."""

    FAMILY = "stable-diffusion-xl"
    PLAN = TextPlan(
        encoders=(("text_encoder", "tokenizer"), ("text_encoder_2", "tokenizer_2")),
        last_layer=2,
        is_normed=False,
    )
    VAE_USUAL = MappingProxyType({"scaling_factor": 0.13025})
    VAE_OVERFLOWS = True
    REQUEST = MappingProxyType({"guidance_scale": 5.0})
    EMPTY_IS_ZERO = True
