"""Half and double the resolution, with a 3 by 3 convolution. Used by the blocks of all networks."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class Downsample2D(nn.Module):
    """Halve height and width. padding 1 pads all around and rounds up; padding 0 pads below and on
    the right only and rounds down."""

    def __init__(self, channels: int, padding: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=2, padding=padding)
        self.pads_below = padding == 0

    def forward(self, hidden: Tensor) -> Tensor:
        if self.pads_below:
            hidden = F.pad(hidden, (0, 1, 0, 1))
        return self.conv(hidden)  # (B, C, h/2, w/2)


class Upsample2D(nn.Module):
    """Repeat pixels up to a size, then smooth by convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, hidden: Tensor, height: int, width: int) -> Tensor:
        return self.conv(F.interpolate(hidden, size=(height, width)))  # (B, C, height, width)
