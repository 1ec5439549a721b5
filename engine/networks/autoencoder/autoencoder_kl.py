"""AutoencoderKL: pixels to latents and back (arXiv:2112.10752). Loaded by `engine.weights`, used by
the Stable Diffusion pipeline and by previews.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from engine.networks.autoencoder.autoencoder_kl_config import VAEConfig
from engine.networks.autoencoder.vae_blocks import Decoder, Encoder
from engine.networks.poll import Poll, no_poll

LOG_VARIANCE_RANGE = (-30.0, 20.0)


class AutoencoderKL(nn.Module):
    """The autoencoder of Stable Diffusion. Its parameters have the names of the diffusers folder
    format; older files name those of the attention differently.

    config: the content of config.json. Raises ConfigError if it asks for what is not implemented.

    scaling_factor, shift_factor: the latents that a UNet sees are
        (encoded - shift_factor) * scaling_factor.
    latent_channels: channels of the latents. factor: pixels along one side of a latent.
    sample_size: side in pixels that it was trained at, or None.
    force_upcast: its author found that float16 overflows.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        self.config = VAEConfig.from_dict(config)
        self.scaling_factor = self.config.scaling_factor
        self.shift_factor = self.config.shift_factor
        self.latent_channels = self.config.latent_channels
        self.factor = 2 ** (len(self.config.block_out_channels) - 1)
        self.sample_size = self.config.sample_size
        self.force_upcast = self.config.force_upcast

        self.encoder = Encoder(self.config)
        self.decoder = Decoder(self.config)
        moments = 2 * self.latent_channels
        self.quant_conv = nn.Conv2d(moments, moments, 1) if self.config.use_quant_conv else None
        self.post_quant_conv = (
            nn.Conv2d(self.latent_channels, self.latent_channels, 1)
            if self.config.use_post_quant_conv
            else None
        )

    @property
    def dtype(self) -> torch.dtype:
        return self.encoder.conv_in.weight.dtype

    def encode(self, pixels: Tensor, poll: Poll = no_poll) -> tuple[Tensor, Tensor]:
        """The mean and the log variance of the latents, (B, latent_channels, h, w) each, not yet
        scaled. pixels: (B, in_channels, H, W) in -1 to 1. poll: see `engine.networks.poll`."""
        moments = self.encoder(pixels, poll)  # (B, 2 latent_channels, h, w)
        if self.quant_conv is not None:
            moments = self.quant_conv(moments)
        mean, log_variance = moments.chunk(2, dim=1)
        return mean, log_variance.clamp(*LOG_VARIANCE_RANGE)

    def decode(self, latents: Tensor, poll: Poll = no_poll) -> Tensor:
        """The picture, (B, out_channels, h * factor, w * factor), about -1 to 1 but not clamped.
        latents: (B, latent_channels, h, w), already divided by scaling_factor and shifted."""
        if self.post_quant_conv is not None:
            latents = self.post_quant_conv(latents)
        return self.decoder(latents, poll)
