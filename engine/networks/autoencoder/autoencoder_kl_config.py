"""VAEConfig: an autoencoder's config.json, checked. Read by `AutoencoderKL`; the names of the keys
are those of the diffusers folder format.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.networks.config_reader import MOST_LAYERS, ConfigReader
from engine.networks.layers.activation_names import ACTIVATION_NAMES


@dataclass(frozen=True, kw_only=True)
class VAEConfig:
    """The shape of an autoencoder. block_out_channels: the finest level first. The latents that a
    UNet sees are (encoded - shift_factor) * scaling_factor."""

    in_channels: int
    out_channels: int
    latent_channels: int
    block_out_channels: tuple[int, ...]
    layers_per_block: int
    act_fn: str
    norm_num_groups: int
    mid_block_add_attention: bool
    use_quant_conv: bool
    use_post_quant_conv: bool
    sample_size: int | None
    scaling_factor: float
    shift_factor: float
    force_upcast: bool

    @classmethod
    def from_dict(cls, config: Mapping[str, Any]) -> VAEConfig:
        """Read the content of config.json. Raises ConfigError, which names the key and the value,
        for a required key that is missing and for a setting that is not implemented.
        """
        read = ConfigReader(config, "AutoencoderKL")
        read.only("latents_mean", None)
        read.only("latents_std", None)
        channels = read.integers("block_out_channels")
        read.choices("down_block_types", ("DownEncoderBlock2D",), len(channels))
        read.choices("up_block_types", ("UpDecoderBlock2D",), len(channels))
        groups = read.integer("norm_num_groups", 32)
        if any(count % groups for count in channels):
            read.refuse("norm_num_groups", groups, f"a divisor of all of {channels}")
        parsed = cls(
            in_channels=read.integer("in_channels"),
            out_channels=read.integer("out_channels"),
            latent_channels=read.integer("latent_channels"),
            block_out_channels=channels,
            layers_per_block=read.integer("layers_per_block", 1, MOST_LAYERS),
            act_fn=read.choice("act_fn", ACTIVATION_NAMES, "silu"),
            norm_num_groups=groups,
            mid_block_add_attention=read.flag("mid_block_add_attention", True),
            use_quant_conv=read.flag("use_quant_conv", True),
            use_post_quant_conv=read.flag("use_post_quant_conv", True),
            sample_size=read.square_side("sample_size"),
            scaling_factor=read.positive("scaling_factor", 0.18215),
            shift_factor=read.optional_number("shift_factor") or 0.0,
            force_upcast=read.flag("force_upcast", True),
        )
        read.finish()
        return parsed
