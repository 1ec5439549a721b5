"""Linear and Conv1x1: a product of each token, or of each pixel, with one matrix, the numbers of
which may lie there half as wide as they work. Used by the transformers, the residual blocks and the
text encoders.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from engine.networks.layers.int8 import Quantizable, wanted
from engine.networks.layers.packing import Packable


class Linear(nn.Linear, Packable, Quantizable):
    """nn.Linear, in 8 bits where `engine.networks.layers.int8` says so."""

    def forward(self, input: Tensor) -> Tensor:
        """(…, in_features) to (…, out_features)."""
        if wanted(input, self.weight):
            return self.in_int8.product(input).to(input.dtype)
        if self.packs:
            return self.packed_product(input)
        return F.linear(input, self.weight_in(input.dtype), self.bias)


class Conv1x1(nn.Conv2d, Quantizable):
    """A convolution of one pixel, likewise."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 1)

    def forward(self, input: Tensor) -> Tensor:
        """(B, in_channels, h, w) to (B, out_channels, h, w)."""
        if wanted(input, self.weight):
            return self.in_int8.filtered(input).to(input.dtype)
        return F.conv2d(input, self.weight_in(input.dtype), self.bias)
