"""Widening: layers whose weights may lie in memory half as wide as they work, and are widened each
time; or rest as the file has them until they first work. Asked about by `engine.weights.strict`;
those that can work in 8 bits as well are in `engine.networks.layers.linear` and
`engine.networks.layers.convolution`.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.hardware.memory import small_pages


class Settled(NamedTuple):
    """dtype: of the work; order: how filters, which have four dimensions, lie in memory."""

    dtype: torch.dtype
    order: torch.memory_format


class Widening(nn.Module):
    """A layer that does so with what is called its weight."""

    weight: Tensor
    resting: Settled | None = None
    """While the weight is what the file has: what it is to become. To make it that takes new
    memory, which takes longer to come by than all the rest of loading."""

    def weight_in(self, dtype: torch.dtype) -> Tensor:
        """The weight in the dtype of the work."""
        self.settle()
        return self.weight.to(dtype)

    def settle(self) -> None:
        """Make a weight that rests what the work needs, but no wider than it is."""
        if self.resting is None:
            return
        kept = min(self.resting.dtype, self.weight.dtype, key=lambda one: one.itemsize)
        order = self.resting.order if self.weight.dim() == 4 else torch.preserve_format
        with small_pages(), torch.inference_mode(False), torch.no_grad():
            settled = self.weight.to(dtype=kept, memory_format=order)
            self.weight = nn.Parameter(settled, requires_grad=False)
        self.resting = None

    @property
    def plain_weight(self) -> Tensor:
        """As it is whatever the order in which it lies in memory."""
        return self.weight


class WideningLinear(nn.Linear, Widening):
    def forward(self, input: Tensor) -> Tensor:
        """(…, in_features) to (…, out_features)."""
        return F.linear(input, self.weight_in(input.dtype), self.bias)


class WideningConv2d(nn.Conv2d, Widening):
    def forward(self, input: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, out_channels, h, w)."""
        return self._conv_forward(input, self.weight_in(input.dtype), self.bias)


class WideningEmbedding(nn.Embedding, Widening):
    """Its vectors are as wide as they lie there; it never settles, for few of them ever work."""


def settle(network: nn.Module) -> None:
    """All weights of the network that rest, before they are moved or looked into."""
    for layer in network.modules():
        if isinstance(layer, Widening):
            layer.settle()
