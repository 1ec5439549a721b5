"""AutoencoderTiny: a distilled autoencoder that makes pictures of latents in a fraction of the
time (TAESD, github.com/madebyollin/taesd). Loaded by `engine.weights`, used by previews, and in
place of the VAE by models that ship with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.networks.autoencoder.tiny_autoencoder_config import TinyConfig
from engine.networks.layers.activation import ACTIVATIONS
from engine.networks.poll import Poll, no_poll

BEND = 3.0
"""Latents beyond this are bent back, smoothly: the decoder has seen none."""


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
