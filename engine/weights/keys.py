"""Tables that turn the key names of diffusers folders, old and new, into today's. Used by `folder`.

Worked example: a VAE saved in 2022 has `decoder.mid_block.attentions.0.query.weight`; today's name
is `decoder.mid_block.attentions.0.to_q.weight`, and the last part but one tells them apart.

transformers has taken the part `text_model.` out of CLIPTextModel's names, and left it in those of
CLIPTextModelWithProjection: either may be found in a file of either, and ours has it in neither.
"""

from __future__ import annotations

from engine.weights.tensors import AS_IT_IS, LINEAR, Target

OLD_ATTENTION = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}
OLD_UNET = {"time_proj.W": "time_proj.weight"}
"""Files of 2022 hold the Fourier frequencies under both names."""

NESTED = "text_model."
CLIP_LEFTOVERS = (
    "embeddings.position_ids",
    "logit_scale",
    "text_projection",
    "vision_model.",
    "visual_projection.",
)
"""How the names begin of what a text encoder's file may hold besides: the position numbers, saved
as if they were weights, and rests of the whole CLIP."""
PROJECTION = "text_projection.weight"


def current_vae_key(key: str) -> tuple[Target, ...]:
    """Today's names of the VAE's attention layers; some files have them as convolutions."""
    return (Target(_current_attention(key), LINEAR if ".attentions." in key else AS_IT_IS),)


def current_unet_key(key: str) -> tuple[Target, ...]:
    """Today's names, for a UNet without text."""
    return (Target(OLD_UNET.get(key) or _current_attention(key)),)


def clip_key(key: str) -> tuple[Target, ...]:
    """Today's names of a text encoder without a projection."""
    flat = key.removeprefix(NESTED)
    return () if flat.startswith(CLIP_LEFTOVERS) else (Target(flat),)


def projecting_clip_key(key: str) -> tuple[Target, ...]:
    """Today's names of a text encoder with a projection."""
    return (Target(key),) if key == PROJECTION else clip_key(key)


def _current_attention(key: str) -> str:
    parts = key.split(".")
    if "attentions" in parts and len(parts) > 1:
        parts[-2] = OLD_ATTENTION.get(parts[-2], parts[-2])
    return ".".join(parts)
