"""Tables that turn the key names of older files into today's. Called by the loaders.

Worked example: a VAE saved in 2022 has `decoder.mid_block.attentions.0.query.weight`; today's name
is `decoder.mid_block.attentions.0.to_q.weight`, and the last part but one tells them apart.
"""

from __future__ import annotations

OLD_ATTENTION = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}
OLD_UNET = {"time_proj.W": "time_proj.weight"}
"""Files of 2022 hold the Fourier frequencies under both names."""


def current_vae_key(key: str) -> str:
    """The key with today's names of the VAE's attention layers."""
    return _current_attention(key)


def current_unet_key(key: str) -> str:
    """The key with today's names, for a UNet without text."""
    return OLD_UNET.get(key) or _current_attention(key)


def flat_clip_key(key: str) -> str | None:
    """A text encoder's key without the nesting of older transformers versions; None for the
    position numbers that those saved as if they were weights."""
    flat = key.removeprefix("text_model.")
    return None if flat == "embeddings.position_ids" else flat


def _current_attention(key: str) -> str:
    parts = key.split(".")
    if "attentions" in parts and len(parts) > 1:
        parts[-2] = OLD_ATTENTION.get(parts[-2], parts[-2])
    return ".".join(parts)
