"""ResnetBlock2D: norm, activation, convolution, twice, beside a shortcut (arXiv:1603.05027), with
the timestep added in between. Used by the blocks of all networks.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from engine.networks.activation import ACTIVATIONS


@dataclass(frozen=True, kw_only=True)
class ResnetOptions:
    """What the residual blocks of one network have in common.

    time_channels: the width of the timestep embedding; None for blocks that see no timestep.
    groups, eps: of the group norms.
    act_fn: a name from ACTIVATIONS.
    scale_shift: the timestep scales and shifts the second norm (arXiv:2105.05233, section 3)
        rather than being added before it.
    output_scale: what the sum of block and shortcut is divided by.
    """

    time_channels: int | None
    groups: int
    eps: float
    act_fn: str
    scale_shift: bool = False
    output_scale: float = 1.0


class ResnetBlock2D(nn.Module):
    """Two convolutions beside a shortcut, which is a 1 by 1 convolution where the width changes."""

    def __init__(self, in_channels: int, out_channels: int, options: ResnetOptions) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(options.groups, in_channels, options.eps)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.time_emb_proj = None
        if options.time_channels is not None:
            time_width = 2 * out_channels if options.scale_shift else out_channels
            self.time_emb_proj = nn.Linear(options.time_channels, time_width)
        self.norm2 = nn.GroupNorm(options.groups, out_channels, options.eps)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.conv_shortcut = None
        if in_channels != out_channels:
            self.conv_shortcut = nn.Conv2d(in_channels, out_channels, 1)
        self.activation = ACTIVATIONS[options.act_fn]
        self.scale_shift = options.scale_shift
        self.output_scale = options.output_scale

    def forward(self, hidden: Tensor, time: Tensor | None = None) -> Tensor:
        """hidden (B, in_channels, h, w), time (B, time_channels): (B, out_channels, h, w)."""
        shortcut = hidden if self.conv_shortcut is None else self.conv_shortcut(hidden)
        hidden = self.conv1(self.activation(self.norm1(hidden)))  # (B, out_channels, h, w)
        hidden = self._normed_with_time(hidden, time)
        hidden = self.conv2(self.activation(hidden))
        return (shortcut + hidden) / self.output_scale

    def _normed_with_time(self, hidden: Tensor, time: Tensor | None) -> Tensor:
        if self.time_emb_proj is None:
            return self.norm2(hidden)
        assert time is not None, "this block was built for a network with timesteps"
        bias = self.time_emb_proj(self.activation(time))[:, :, None, None]  # (B, C or 2 C, 1, 1)
        if not self.scale_shift:
            return self.norm2(hidden + bias)
        scale, shift = torch.chunk(bias, 2, dim=1)  # (B, C, 1, 1) each
        return torch.addcmul(shift, self.norm2(hidden), 1 + scale)
