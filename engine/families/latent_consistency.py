"""Latent consistency models (Luo et al., arXiv:2310.04378): Stable Diffusion, distilled with its
guidance to a few steps, so that the network is told the scale.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from engine.families.family import Ability
from engine.families.stable_diffusion import STABLE_DIFFUSION

LATENT_CONSISTENCY = replace(
    STABLE_DIFFUSION,
    name="latent-consistency",
    label="Latent consistency",
    classes=("LatentConsistencyModelPipeline",),
    painting_class="",
    abilities=frozenset({Ability.PROMPT, Ability.EMBEDDED_GUIDANCE}),
    request=MappingProxyType({"steps": 4, "guidance_scale": 8.5}),  # as in the paper
    has_unet=lambda unet: bool(unet.get("time_cond_proj_dim")),
    distilled_from=STABLE_DIFFUSION.name,
    versions=(),
)
