"""The two halves of an autoencoder: pixels to latents, and latents to pixels (arXiv:2112.10752,
after arXiv:2012.09841). Used by `AutoencoderKL`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise

from torch import Tensor, nn

from engine.networks.autoencoder.autoencoder_kl_config import VAEConfig
from engine.networks.layers.activation import silu_over
from engine.networks.layers.attention import SpatialAttention
from engine.networks.layers.resampling import Downsample2D, Upsample2D
from engine.networks.layers.resnet import ResnetBlock2D, ResnetOptions
from engine.networks.poll import Poll
from engine.networks.unet.unet_blocks import UNetMidBlock2D

EPS = 1e-6


class Encoder(nn.Module):
    """Halves the resolution between levels; ends in mean and log variance of the latents."""

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        widths = config.block_out_channels
        self.conv_in = nn.Conv2d(config.in_channels, widths[0], 3, padding=1)
        self.down_blocks = nn.ModuleList(
            DownEncoderBlock2D(before, width, config, downsample=i < len(widths) - 1)
            for i, (before, width) in enumerate(pairwise((widths[0], *widths)))
        )
        self.mid_block = _mid_block(config)
        self.conv_norm_out = nn.GroupNorm(config.norm_num_groups, widths[-1], EPS)
        self.conv_out = nn.Conv2d(widths[-1], 2 * config.latent_channels, 3, padding=1)

    def forward(self, pixels: Tensor, poll: Poll) -> Tensor:
        """(B, in_channels, H, W) to (B, 2 latent_channels, h, w)."""
        hidden = self.conv_in(pixels)  # (B, widths[0], H, W)
        for block in self.down_blocks:
            hidden = block(hidden, poll)  # (B, width, half the height, half the width)
        hidden = self.mid_block(hidden, time=None, text=None, poll=poll)
        poll()
        return self.conv_out(silu_over(self.conv_norm_out(hidden)))


class Decoder(nn.Module):
    """Doubles the resolution between levels, the coarsest first."""

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        widths = config.block_out_channels[::-1]
        self.conv_in = nn.Conv2d(config.latent_channels, widths[0], 3, padding=1)
        self.mid_block = _mid_block(config)
        self.up_blocks = nn.ModuleList(
            UpDecoderBlock2D(before, width, config, upsample=i < len(widths) - 1)
            for i, (before, width) in enumerate(pairwise((widths[0], *widths)))
        )
        self.conv_norm_out = nn.GroupNorm(config.norm_num_groups, widths[-1], EPS)
        self.conv_out = nn.Conv2d(widths[-1], config.out_channels, 3, padding=1)

    def forward(self, latents: Tensor, poll: Poll) -> Tensor:
        """(B, latent_channels, h, w) to (B, out_channels, H, W)."""
        hidden = self.conv_in(latents)  # (B, widths[0], h, w)
        hidden = self.mid_block(hidden, time=None, text=None, poll=poll)
        for block in self.up_blocks:
            # Here, and not in the block, whose input would lie in memory as long as it works.
            assert isinstance(block, UpDecoderBlock2D)
            for layer in block.layers(poll):
                poll()
                hidden = layer(hidden)  # at last (B, width, twice the height, twice the width)
        poll()
        return self.conv_out(silu_over(self.conv_norm_out(hidden)))


class DownEncoderBlock2D(nn.Module):
    """Residual blocks; then half the resolution, if downsample."""

    def __init__(
        self, in_channels: int, out_channels: int, config: VAEConfig, downsample: bool
    ) -> None:
        super().__init__()
        widths = [in_channels] + [out_channels] * (config.layers_per_block - 1)
        options = _resnet_options(config)
        self.resnets = nn.ModuleList(ResnetBlock2D(c, out_channels, options) for c in widths)
        self.downsamplers = nn.ModuleList([Downsample2D(out_channels, 0)] if downsample else [])

    def forward(self, hidden: Tensor, poll: Poll) -> Tensor:
        for resnet in self.resnets:
            poll()
            hidden = resnet(hidden, poll=poll)  # (B, out_channels, h, w)
        for downsampler in self.downsamplers:
            hidden = downsampler(hidden)  # (B, out_channels, h/2, w/2)
        return hidden


class UpDecoderBlock2D(nn.Module):
    """One residual block more than on the way down; then twice the resolution, if upsample."""

    def __init__(
        self, in_channels: int, out_channels: int, config: VAEConfig, upsample: bool
    ) -> None:
        super().__init__()
        widths = [in_channels] + [out_channels] * config.layers_per_block
        options = _resnet_options(config)
        self.resnets = nn.ModuleList(ResnetBlock2D(c, out_channels, options) for c in widths)
        self.upsamplers = nn.ModuleList([Upsample2D(out_channels)] if upsample else [])

    def layers(self, poll: Poll) -> Iterator[Callable[[Tensor], Tensor]]:
        """One after the other: (B, C, h, w) to (B, out_channels, h, w), and (B, out_channels, 2 h,
        2 w) by the upsampler."""
        for resnet in self.resnets:
            yield partial(resnet, poll=poll)
        yield from self.upsamplers


def _mid_block(config: VAEConfig) -> UNetMidBlock2D:
    width = config.block_out_channels[-1]

    def make_attention(_layer: int) -> nn.Module:
        return SpatialAttention(width, 1, config.norm_num_groups, EPS)

    attention = make_attention if config.mid_block_add_attention else None
    return UNetMidBlock2D(width, 1, _resnet_options(config), attention)


def _resnet_options(config: VAEConfig) -> ResnetOptions:
    return ResnetOptions(
        time_channels=None, groups=config.norm_num_groups, eps=EPS, act_fn=config.act_fn
    )
