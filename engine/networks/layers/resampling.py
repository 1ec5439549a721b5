"""Half and double the resolution: by a 3 by 3 convolution, or by a fixed filter without weights.
Used by the blocks of all networks.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.networks.layers.convolution import Conv3x3
from engine.networks.layers.widening import WideningConv2d

FIR = (1.0, 3.0, 3.0, 1.0)
"""The binomial low-pass filter of StyleGAN2 (arXiv:1912.04958) and of NCSN++ (arXiv:2011.13456)."""


class Downsample2D(nn.Module):
    """Halve height and width. padding 1 pads all around and rounds up; padding 0 pads below and on
    the right only and rounds down."""

    def __init__(self, channels: int, padding: int) -> None:
        super().__init__()
        self.conv = WideningConv2d(channels, channels, 3, stride=2, padding=padding)
        self.pads_below = padding == 0

    def forward(self, hidden: Tensor, time: Tensor | None = None) -> Tensor:
        """(B, C, h, w) to (B, C, h/2, w/2). There is no time in it: blocks call it like a
        DownsamplingResnet, which stands in the same place."""
        if self.pads_below:
            hidden = F.pad(hidden, (0, 1, 0, 1))
        return self.conv(hidden)


class Upsample2D(nn.Module):
    """Repeat pixels up to a size, then smooth by convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = Conv3x3(channels, channels)

    def forward(
        self, hidden: Tensor, size: tuple[int, int] | None = None, time: Tensor | None = None
    ) -> Tensor:
        """(B, C, h, w) to (B, C, *size); size None: twice what came in. There is no time in it:
        blocks call it like an UpsamplingResnet, which stands in the same place."""
        return self.conv.doubled(hidden, size or (2 * hidden.shape[2], 2 * hidden.shape[3]))


def halve(hidden: Tensor) -> Tensor:
    """The mean of every 2 by 2 pixels: (B, C, h/2, w/2)."""
    return F.avg_pool2d(hidden, 2)


def fir_halve(hidden: Tensor) -> Tensor:
    """Smoothed with FIR, then every second pixel: (B, C, h/2, w/2)."""
    channels = hidden.shape[1]
    return F.conv2d(hidden, _fir(hidden), stride=2, padding=1, groups=channels)


def fir_double(hidden: Tensor) -> Tensor:
    """Pixels moved apart, the gaps filled with FIR: (B, C, 2 h, 2 w)."""
    channels = hidden.shape[1]
    return F.conv_transpose2d(hidden, 4 * _fir(hidden), stride=2, padding=1, groups=channels)


def _fir(like: Tensor) -> Tensor:
    """FIR in both directions for every channel, of sum 1: (C, 1, 4, 4)."""
    line = torch.stack([like.new_full((), tap) for tap in FIR])  # filled there, not copied there
    kernel = torch.outer(line, line) / line.sum() ** 2
    return kernel.expand(like.shape[1], 1, -1, -1)
