"""Widening: layers whose weights may lie in memory half as wide as they work, and are widened each
time. Asked about by `engine.weights.strict`; those that can work in 8 bits as well are in
`engine.networks.linear` and `engine.networks.convolution`.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class Widening(nn.Module):
    """A layer that does so with what is called its weight."""

    weight: Tensor

    @property
    def plain_weight(self) -> Tensor:
        """As it is whatever the order in which it lies in memory."""
        return self.weight


class WideningLinear(nn.Linear, Widening):
    def forward(self, input: Tensor) -> Tensor:
        """(…, in_features) to (…, out_features)."""
        return F.linear(input, self.weight.to(input.dtype), self.bias)


class WideningConv2d(nn.Conv2d, Widening):
    def forward(self, input: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, out_channels, h, w)."""
        return self._conv_forward(input, self.weight.to(input.dtype), self.bias)


class WideningEmbedding(nn.Embedding, Widening):
    """Its vectors are as wide as they lie there: what they are added to widens them."""
