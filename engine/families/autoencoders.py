"""Autoencoders by themselves: they take the place of a model's own, or make previews."""

from __future__ import annotations

from engine.families.family import Family

ORIGINAL_SIGN = "decoder.conv_out.weight"
"""In both layouts of a VAE."""
CURRENT_SIGN = "decoder.mid_block.resnets.0.conv1.weight"

VAE = Family(
    name="vae",
    label="VAE",
    classes=("AutoencoderKL",),
    is_part=True,
    parts=("vae",),
    latent_channels=4,
    signs=(ORIGINAL_SIGN, CURRENT_SIGN),
)

TINY_AUTOENCODER = Family(
    name="tiny-autoencoder",
    label="Tiny autoencoder",
    classes=("AutoencoderTiny",),
    is_part=True,
    parts=("tiny",),
    latent_channels=4,
    signs=(
        "3.conv.0.weight",
        "taesd_decoder.3.conv.0.weight",
        "decoder.layers.2.conv.0.weight",
    ),
)
