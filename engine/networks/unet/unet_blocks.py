"""The three kinds of block that a UNet is made of: down, middle, up (arXiv:1505.04597). Used by the
UNets; with or without attention behind each residual block, as the caller chooses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from engine.networks.layers.context import Context
from engine.networks.layers.resnet import ResnetBlock2D, ResnetOptions
from engine.networks.poll import Poll

MakeAttention = Callable[[int], nn.Module]
"""Makes the attention behind layer i. It is called as attention(hidden, text, poll) and keeps the
shape of hidden: a Transformer2D or a SpatialAttention."""


@dataclass(eq=False)
class Skips:
    """What the blocks of one forward pass hand to each other beside the hidden states.

    hidden: put away on the way down and taken back on the way up.
    before_last: the hidden states before the last layer of the latest block on the way up.
    picture: the input at this block's resolution on the way down, and what the output is so far on
        the way up; only the skip blocks of `engine.networks.unet.unet_skip_blocks` look at it.
    """

    hidden: list[Tensor]
    before_last: Tensor | None = None
    picture: Tensor | None = None

    def take(self, batch: int) -> Tensor:
        """What was put away last, (B, C, h, w); what was one picture before it met several texts is
        repeated for each."""
        hidden = self.hidden.pop()
        # Copied, for a view that repeats itself has no order of its numbers that could be kept.
        return hidden if len(hidden) == batch else torch.cat([hidden] * batch)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of what will be taken back next."""
        _, _, height, width = self.hidden[-1].shape
        return height, width


class DownBlock2D(nn.Module):
    """`layers` residual blocks; then the downsampler, called as downsampler(hidden, time)."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        layers: int,
        resnet: ResnetOptions,
        make_attention: MakeAttention | None,
        downsampler: nn.Module | None,
    ) -> None:
        super().__init__()
        widths = [in_channels] + [out_channels] * (layers - 1)
        self.resnets = nn.ModuleList(ResnetBlock2D(c, out_channels, resnet) for c in widths)
        self.attentions = _attentions(make_attention, layers)
        self.downsamplers = nn.ModuleList([downsampler] if downsampler else [])

    def forward(
        self, hidden: Tensor, skips: Skips, time: Tensor, text: Tensor | Context | None, poll: Poll
    ) -> Tensor:
        """(B, in_channels, h, w) to (B, out_channels, h, w) or half of that; puts the output of
        every layer away."""
        for i, resnet in enumerate(self.resnets):
            poll()
            hidden = resnet(hidden, time, poll)
            if self.attentions:
                hidden = self.attentions[i](hidden, text, poll)
            skips.hidden.append(hidden)  # (B, out_channels, h, w)
        for downsampler in self.downsamplers:
            hidden = downsampler(hidden, time)  # (B, out_channels, h/2, w/2)
            skips.hidden.append(hidden)
        return hidden


class UNetMidBlock2D(nn.Module):
    """A residual block, then `layers` times attention and a residual block."""

    def __init__(
        self,
        channels: int,
        layers: int,
        resnet: ResnetOptions,
        make_attention: MakeAttention | None,
    ) -> None:
        super().__init__()
        self.resnets = nn.ModuleList(
            ResnetBlock2D(channels, channels, resnet) for _ in range(layers + 1)
        )
        self.attentions = _attentions(make_attention, layers)

    def forward(
        self, hidden: Tensor, time: Tensor | None, text: Tensor | Context | None, poll: Poll
    ) -> Tensor:
        """(B, channels, h, w) to the same."""
        for i, resnet in enumerate(self.resnets):
            poll()
            if i > 0 and self.attentions:
                hidden = self.attentions[i - 1](hidden, text, poll)
            hidden = resnet(hidden, time, poll)
        return hidden


class UpBlock2D(nn.Module):
    """A residual block for every one of skip_channels, which are the widths of what it takes back,
    in that order; then the upsampler, called as upsampler(hidden, time=time, size=size)."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        skip_channels: Sequence[int],
        resnet: ResnetOptions,
        make_attention: MakeAttention | None,
        upsampler: nn.Module | None,
    ) -> None:
        super().__init__()
        widths = [in_channels] + [out_channels] * (len(skip_channels) - 1)
        self.resnets = nn.ModuleList(
            ResnetBlock2D(width + skip, out_channels, resnet)
            for width, skip in zip(widths, skip_channels, strict=True)
        )
        self.attentions = _attentions(make_attention, len(skip_channels))
        self.upsamplers = nn.ModuleList([upsampler] if upsampler else [])

    def forward(
        self, hidden: Tensor, skips: Skips, time: Tensor, text: Tensor | Context | None, poll: Poll
    ) -> Tensor:
        """(B, in_channels, h, w) to (B, out_channels, h, w), or to the size of the skip that the
        next block will take: twice this one's, or one pixel less."""
        for i in range(len(self.resnets)):
            poll()
            skips.before_last = hidden
            hidden = self._layer(i, hidden, skips, time, text, poll)
        for upsampler in self.upsamplers:
            hidden = upsampler(hidden, time=time, size=skips.size)
        return hidden

    def last_layer(
        self, hidden: Tensor, skips: Skips, time: Tensor, text: Tensor | Context | None, poll: Poll
    ) -> Tensor:
        """The last layer alone, on what the others made once: `Skips.before_last`, (B, C, h, w), to
        (B, out_channels, h, w)."""
        poll()
        return self._layer(len(self.resnets) - 1, hidden, skips, time, text, poll)

    def _layer(
        self,
        i: int,
        hidden: Tensor,
        skips: Skips,
        time: Tensor,
        text: Tensor | Context | None,
        poll: Poll,
    ) -> Tensor:
        hidden = torch.cat([hidden, skips.take(len(hidden))], dim=1)  # (B, width + skip, h, w)
        hidden = self.resnets[i](hidden, time, poll)  # (B, out_channels, h, w)
        return self.attentions[i](hidden, text, poll) if self.attentions else hidden


def _attentions(make: MakeAttention | None, layers: int) -> nn.ModuleList:
    return nn.ModuleList([make(layer) for layer in range(layers)] if make else [])
