"""TinyConfig: a tiny autoencoder's config.json, checked. Read by `AutoencoderTiny`; the names of
the keys are those of the diffusers folder format.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.networks.config_reader import MOST_LAYERS, ConfigReader
from engine.networks.layers.activation_names import ACTIVATION_NAMES


@dataclass(frozen=True, kw_only=True)
class TinyConfig:
    """The shape of a tiny autoencoder. width: of all layers. encoder_blocks, decoder_blocks: how
    many blocks each resolution has, the encoder's from the finest, the decoder's from the coarsest;
    encoder_blocks is None where there is no encoder."""

    in_channels: int
    out_channels: int
    latent_channels: int
    width: int
    encoder_blocks: tuple[int, ...] | None
    decoder_blocks: tuple[int, ...]
    act_fn: str
    upsampling: int
    scaling_factor: float
    shift_factor: float

    @classmethod
    def from_dict(cls, config: Mapping[str, Any]) -> TinyConfig:
        """Read the content of config.json. Raises ConfigError, which names the key and the value,
        for a required key that is missing and for a setting that is not implemented.
        """
        read = ConfigReader(config, "AutoencoderTiny")
        # How latents are packed into bytes, and what follows from other keys.
        read.without_effect("latent_magnitude", "latent_shift", "block_out_channels")
        read.without_effect("force_upcast")
        read.only("upsample_fn", "nearest")
        has_encoder = not read.is_null("num_encoder_blocks")
        encoder_blocks = read.integers("num_encoder_blocks") if has_encoder else None
        decoder_blocks = read.integers("num_decoder_blocks")
        for key, counts in (
            ("num_encoder_blocks", encoder_blocks or ()),
            ("num_decoder_blocks", decoder_blocks),
        ):
            if max(counts, default=0) > MOST_LAYERS:
                read.refuse(key, counts, f"a list of numbers up to {MOST_LAYERS}")
        width = _one_width(read, "decoder_block_out_channels", len(decoder_blocks))
        if encoder_blocks is None:
            read.without_effect("encoder_block_out_channels")
        else:
            key = "encoder_block_out_channels"
            other = _one_width(read, key, len(encoder_blocks))
            if other != width:
                read.refuse(key, other, f"{width}, the decoder's")
        parsed = cls(
            in_channels=read.integer("in_channels", 3),
            out_channels=read.integer("out_channels", 3),
            latent_channels=read.integer("latent_channels", 4),
            width=width,
            encoder_blocks=encoder_blocks,
            decoder_blocks=decoder_blocks,
            act_fn=read.choice("act_fn", ACTIVATION_NAMES, "relu"),
            upsampling=read.integer("upsampling_scaling_factor", 2),
            scaling_factor=read.positive("scaling_factor", 1.0),
            shift_factor=read.optional_number("shift_factor") or 0.0,
        )
        read.finish()
        return parsed


def _one_width(read: ConfigReader, key: str, levels: int) -> int:
    widths = read.integers(key)
    if len(widths) != levels or len(set(widths)) > 1:
        read.refuse(key, list(widths), f"the same width for each of {levels} levels")
    return widths[0]
