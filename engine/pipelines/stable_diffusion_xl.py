"""Stable Diffusion XL (Podell et al., arXiv:2307.01952): what it has that the first ones have not
stands in its family. Made by `engine.load`, run by `engine.generate`.
"""

from __future__ import annotations

from engine.families.stable_diffusion_xl import STABLE_DIFFUSION_XL
from engine.pipelines.stable_diffusion import StableDiffusion


class StableDiffusionXL(StableDiffusion):
    """Two text encoders side by side, of which the second also makes a vector of the prompt. The
    UNet is told this vector and the picture's sizes."""

    FAMILY = STABLE_DIFFUSION_XL
