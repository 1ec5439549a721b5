"""The blocks of NCSN++ (Song et al., arXiv:2011.13456, appendix H): beside the hidden states they
carry the picture itself, read at every resolution on the way down and built up on the way up. Used
by `UNet2DModel`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.networks.layers.context import Context
from engine.networks.layers.resampling import fir_double, fir_halve
from engine.networks.layers.resnet import ResnetBlock2D, ResnetOptions, group_norm
from engine.networks.poll import Poll
from engine.networks.unet.unet_blocks import DownBlock2D, MakeAttention, Skips

PICTURE_CHANNELS = 3
"""These blocks know colour pictures only."""
OUTPUT_SCALE = math.sqrt(2)
"""What they divide every sum of block and shortcut by, attention included."""


class SkipDownBlock2D(DownBlock2D):
    """`layers` residual blocks; then, if downsample, half the resolution, where the picture is
    added. Of `resnet`, the groups and the scale of the output are the block's own."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        layers: int,
        resnet: ResnetOptions,
        make_attention: MakeAttention | None,
        downsample: bool,
    ) -> None:
        resnet = _own(resnet)
        super().__init__(in_channels, out_channels, layers, resnet, make_attention, None)
        self.resnet_down, self.skip_conv = None, None
        if downsample:
            self.resnet_down = ResnetBlock2D(out_channels, out_channels, resnet, conv_shortcut=True)
            self.skip_conv = nn.Conv2d(PICTURE_CHANNELS, out_channels, 1)

    def forward(
        self, hidden: Tensor, skips: Skips, time: Tensor, text: Tensor | Context | None, poll: Poll
    ) -> Tensor:
        """(B, in_channels, h, w) to (B, out_channels, h, w) or half of that; puts the output of
        every layer away, and the picture halved."""
        hidden = super().forward(hidden, skips, time, text, poll)  # (B, out_channels, h, w)
        if self.resnet_down is None or self.skip_conv is None:
            return hidden
        assert skips.picture is not None
        skips.picture = fir_halve(skips.picture)  # (B, 3, h/2, w/2)
        hidden = self.resnet_down.resampled(hidden, time, fir_halve)
        hidden = hidden + self.skip_conv(skips.picture)  # (B, out_channels, h/2, w/2)
        skips.hidden.append(hidden)
        return hidden


class SkipUpBlock2D(nn.Module):
    """A residual block for every one of skip_channels, and one attention behind the last; then its
    share of the picture, and twice the resolution, if upsample. Of `resnet`, the groups and the
    scale of the output are the block's own."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        skip_channels: Sequence[int],
        resnet: ResnetOptions,
        make_attention: MakeAttention | None,
        upsample: bool,
    ) -> None:
        super().__init__()
        resnet = _own(resnet)
        widths = [in_channels] + [out_channels] * (len(skip_channels) - 1)
        self.resnets = nn.ModuleList(
            ResnetBlock2D(width + skip, out_channels, resnet)
            for width, skip in zip(widths, skip_channels, strict=True)
        )
        self.attentions = nn.ModuleList([make_attention(0)] if make_attention else [])
        self.resnet_up, self.skip_norm, self.skip_conv = None, None, None
        if upsample:
            self.resnet_up = ResnetBlock2D(out_channels, out_channels, resnet, conv_shortcut=True)
            self.skip_norm = group_norm(out_channels, resnet.groups, resnet.eps)
            self.skip_conv = nn.Conv2d(out_channels, PICTURE_CHANNELS, 3, padding=1)

    def forward(
        self, hidden: Tensor, skips: Skips, time: Tensor, text: Tensor | Context | None, poll: Poll
    ) -> Tensor:
        """(B, in_channels, h, w) to (B, out_channels, h, w) or twice that."""
        for resnet in self.resnets:
            poll()
            hidden = torch.cat([hidden, skips.hidden.pop()], dim=1)  # (B, width + skip, h, w)
            hidden = resnet(hidden, time, poll)  # (B, out_channels, h, w)
        for attention in self.attentions:
            hidden = attention(hidden, text, poll)
        picture = None if skips.picture is None else fir_double(skips.picture)  # (B, 3, h, w)
        if self.resnet_up is not None and self.skip_norm is not None and self.skip_conv is not None:
            share = self.skip_conv(F.silu(self.skip_norm(hidden)))  # (B, 3, h, w)
            picture = share if picture is None else picture + share
            hidden = self.resnet_up.resampled(hidden, time, fir_double)
        skips.picture = picture
        return hidden


def _own(resnet: ResnetOptions) -> ResnetOptions:
    return replace(resnet, groups=None, output_scale=OUTPUT_SCALE)
