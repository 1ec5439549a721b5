"""ResnetBlock2D: norm, activation, convolution, twice, beside a shortcut (arXiv:1603.05027), with
the timestep added in between. Used by the blocks of all networks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.networks.layers.activation import ACTIVATIONS, ACTIVATIONS_OVER
from engine.networks.layers.convolution import Conv3x3
from engine.networks.layers.linear import Conv1x1
from engine.networks.layers.resampling import halve
from engine.networks.layers.widening import WideningLinear
from engine.networks.poll import Poll, no_poll

Resample = Callable[[Tensor], Tensor]
"""(B, C, h, w) to another height and width."""


@dataclass(frozen=True, kw_only=True)
class ResnetOptions:
    """What the residual blocks of one network have in common.

    time_channels: the width of the timestep embedding; None for blocks that see no timestep.
    groups, eps: of the group norms; groups None: a quarter of the width, 32 at most.
    act_fn: a name from ACTIVATIONS.
    scale_shift: the timestep scales and shifts the second norm (arXiv:2105.05233, section 3)
        rather than being added before it.
    output_scale: what the sum of block and shortcut is divided by.
    """

    time_channels: int | None
    groups: int | None
    eps: float
    act_fn: str
    scale_shift: bool = False
    output_scale: float = 1.0


class ResnetBlock2D(nn.Module):
    """Two convolutions beside a shortcut, which is a 1 by 1 convolution where the width changes, or
    anyway if conv_shortcut."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        options: ResnetOptions,
        conv_shortcut: bool = False,
    ) -> None:
        super().__init__()
        self.norm1 = group_norm(in_channels, options.groups, options.eps)
        self.conv1 = Conv3x3(in_channels, out_channels)
        self.time_emb_proj = None
        if options.time_channels is not None:
            time_width = 2 * out_channels if options.scale_shift else out_channels
            self.time_emb_proj = WideningLinear(options.time_channels, time_width)
        self.norm2 = group_norm(out_channels, options.groups, options.eps)
        self.conv2 = Conv3x3(out_channels, out_channels)
        self.conv_shortcut = None
        if in_channels != out_channels or conv_shortcut:
            self.conv_shortcut = Conv1x1(in_channels, out_channels)
        self.activation = ACTIVATIONS[options.act_fn]
        self.activation_over = ACTIVATIONS_OVER[options.act_fn]
        self.scale_shift = options.scale_shift
        self.output_scale = options.output_scale

    def forward(self, hidden: Tensor, time: Tensor | None = None, poll: Poll = no_poll) -> Tensor:
        """hidden (B, in_channels, h, w), time (B, time_channels): (B, out_channels, h, w)."""
        return self.resampled(hidden, time, lambda picture: picture, poll)

    def resampled(
        self, hidden: Tensor, time: Tensor | None, resample: Resample, poll: Poll = no_poll
    ) -> Tensor:
        """Like `forward`, with the resolution changed on both ways before the first convolution."""
        before = hidden
        hidden = resample(self.activation_over(self.norm1(hidden)))
        hidden = self.conv1(hidden)  # (B, out_channels, h, w)
        hidden = self._normed_with_time(hidden, time)
        poll()
        hidden = self.conv2(self.activation_over(hidden))
        # The shortcut comes last, for it need not lie in memory beside the rest.
        shortcut = resample(before)
        if self.conv_shortcut is not None:
            shortcut = self.conv_shortcut(shortcut)  # (B, out_channels, h, w)
        hidden = hidden.add_(shortcut)
        return hidden if self.output_scale == 1.0 else hidden / self.output_scale

    def _normed_with_time(self, hidden: Tensor, time: Tensor | None) -> Tensor:
        if self.time_emb_proj is None:
            return self.norm2(hidden)
        assert time is not None, "this block was built for a network with timesteps"
        bias = self.time_emb_proj(self.activation(time))[:, :, None, None]  # (B, C or 2 C, 1, 1)
        if not self.scale_shift:
            return self.norm2(hidden + bias)
        scale, shift = torch.chunk(bias, 2, dim=1)  # (B, C, 1, 1) each
        return torch.addcmul(shift, self.norm2(hidden), 1 + scale)


class DownsamplingResnet(ResnetBlock2D):
    """A residual block that halves the resolution on its way."""

    def forward(self, hidden: Tensor, time: Tensor | None = None, poll: Poll = no_poll) -> Tensor:
        """(B, in_channels, h, w) to (B, out_channels, h/2, w/2)."""
        return self.resampled(hidden, time, halve, poll)


class UpsamplingResnet(ResnetBlock2D):
    """A residual block that repeats pixels up to a size on its way."""

    def forward(
        self,
        hidden: Tensor,
        time: Tensor | None = None,
        poll: Poll = no_poll,
        size: tuple[int, int] | None = None,
    ) -> Tensor:
        """(B, in_channels, h, w) to (B, out_channels, *size); size None: twice what came in."""
        target = size or (2 * hidden.shape[2], 2 * hidden.shape[3])
        return self.resampled(
            hidden, time, lambda picture: F.interpolate(picture, size=target), poll
        )


def group_norm(channels: int, groups: int | None, eps: float) -> nn.GroupNorm:
    """groups None: a quarter of the width, 32 at most."""
    return nn.GroupNorm(groups or min(channels // 4, 32), channels, eps)
