"""AutoencoderTiny: a distilled autoencoder that makes pictures of latents in a fraction of the
time (TAESD, github.com/madebyollin/taesd). Loaded by `engine.weights`, used by previews, and in
place of the VAE by models that ship with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.networks.activation import ACTIVATIONS
from engine.networks.config_reader import ConfigReader
from engine.networks.poll import Poll, no_poll

BEND = 3.0
"""Latents beyond this are bent back, smoothly: the decoder has seen none."""


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
            act_fn=read.choice("act_fn", ACTIVATIONS, "relu"),
            upsampling=read.integer("upsampling_scaling_factor", 2),
            scaling_factor=read.positive("scaling_factor", 1.0),
            shift_factor=read.optional_number("shift_factor") or 0.0,
        )
        read.finish()
        return parsed


class AutoencoderTiny(nn.Module):
    """Its parameters have the names of the diffusers folder format.

    config: the content of config.json. Raises ConfigError if it asks for what is not implemented.

    scaling_factor, shift_factor, latent_channels, factor: as those of `AutoencoderKL`.
    sample_size: None, for it has none; force_upcast: False.
    """

    sample_size = None
    force_upcast = False

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        self.config = c = TinyConfig.from_dict(config)
        self.scaling_factor = c.scaling_factor
        self.shift_factor = c.shift_factor
        self.latent_channels = c.latent_channels
        self.factor = c.upsampling ** (len(c.decoder_blocks) - 1)
        self.encoder = None if c.encoder_blocks is None else _Layers(_encoder(c, c.encoder_blocks))
        self.decoder = _Layers(_decoder(c))

    @property
    def dtype(self) -> torch.dtype:
        return next(self.decoder.parameters()).dtype

    def encode(self, pixels: Tensor, poll: Poll = no_poll) -> Tensor:
        """The latents, (B, latent_channels, h, w), not yet scaled. pixels: (B, in_channels, H, W)
        in -1 to 1."""
        if self.encoder is None:
            raise ValueError("This tiny autoencoder has no encoder.")
        return self.encoder((pixels + 1) / 2, poll)

    def decode(self, latents: Tensor, poll: Poll = no_poll) -> Tensor:
        """The picture, (B, out_channels, h * factor, w * factor), about -1 to 1 but not clamped.
        latents: (B, latent_channels, h, w), already divided by scaling_factor and shifted."""
        return 2 * self.decoder(torch.tanh(latents / BEND) * BEND, poll) - 1


class _Layers(nn.Module):
    """One layer after the other; their place is part of their name."""

    def __init__(self, layers: list[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, hidden: Tensor, poll: Poll) -> Tensor:
        for layer in self.layers:
            poll()
            hidden = layer(hidden)
        return hidden


class _Block(nn.Module):
    """Three convolutions around a shortcut, which end in no value below 0."""

    def __init__(self, width: int, act_fn: str) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            _conv(width, width),
            _Activation(act_fn),
            _conv(width, width),
            _Activation(act_fn),
            _conv(width, width),
        )

    def forward(self, hidden: Tensor) -> Tensor:
        return F.relu(self.conv(hidden) + hidden)  # (B, width, h, w)


class _Activation(nn.Module):
    def __init__(self, act_fn: str) -> None:
        super().__init__()
        self.function = ACTIVATIONS[act_fn]

    def forward(self, hidden: Tensor) -> Tensor:
        return self.function(hidden)


def _encoder(config: TinyConfig, counts: tuple[int, ...]) -> list[nn.Module]:
    width, layers = config.width, []
    for level, count in enumerate(counts):
        if level == 0:
            layers.append(_conv(config.in_channels, width))
        else:
            layers.append(nn.Conv2d(width, width, 3, stride=2, padding=1, bias=False))
        layers += [_Block(width, config.act_fn) for _ in range(count)]
    return [*layers, _conv(width, config.latent_channels)]


def _decoder(config: TinyConfig) -> list[nn.Module]:
    width = config.width
    layers = [_conv(config.latent_channels, width), _Activation(config.act_fn)]
    *coarser, finest = config.decoder_blocks
    for count in coarser:
        layers += [_Block(width, config.act_fn) for _ in range(count)]
        layers += [nn.Upsample(scale_factor=config.upsampling), _conv(width, width, bias=False)]
    layers += [_Block(width, config.act_fn) for _ in range(finest)]
    return [*layers, _conv(width, config.out_channels)]


def _conv(in_channels: int, out_channels: int, bias: bool = True) -> nn.Conv2d:
    return nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=bias)


def _one_width(read: ConfigReader, key: str, levels: int) -> int:
    widths = read.integers(key)
    if len(widths) != levels or len(set(widths)) > 1:
        read.refuse(key, list(widths), f"the same width for each of {levels} levels")
    return widths[0]
