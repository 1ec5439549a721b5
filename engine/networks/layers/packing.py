"""Packing: weights that lie in memory in the order in which oneDNN, the library behind torch's
products on a CPU, reads them. Else it brings them into that order at every call. Asked for by the
pipelines once a UNet is loaded.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor, nn

from engine.hardware.memory import small_pages
from engine.networks.layers.widening import Widening


class Packable(Widening):
    """A linear layer whose weight lies so from its first use on, if it packs. The weight is opaque
    then, except for its shape and dtype."""

    bias: Tensor | None
    packs = False

    @property
    def plain_weight(self) -> Tensor:
        return self.weight.to_dense() if self.weight.is_mkldnn else self.weight

    def packed_product(self, input: Tensor) -> Tensor:
        """What the layer makes of its input, (…, in_features), of the weight's dtype."""
        if not self.weight.is_mkldnn:
            plain = self.weight_in(input.dtype)
            with small_pages():
                packed = torch.ops.mkldnn._reorder_linear_weight(plain)
            self.weight = nn.Parameter(packed, requires_grad=False)
        return torch.ops.mkldnn._linear_pointwise(input, self.weight, self.bias, "none", [], "")

    def unpack(self) -> None:
        self.weight, self.packs = nn.Parameter(self.plain_weight, requires_grad=False), False


def pack(network: nn.Module, device: torch.device, dtype: torch.dtype) -> None:
    """Let the network's layers pack, if it works on a CPU in bfloat16 and this torch can: the
    results are the same. In float32, large networks lie there half as wide as they work."""
    layers = [layer for layer in network.modules() if isinstance(layer, Packable)]
    if layers and device.type == "cpu" and dtype == torch.bfloat16 and _works():
        for layer in layers:
            layer.packs = True


def unpack(network: nn.Module) -> None:
    """Lay them as they were: torch.compile cannot look into what is opaque."""
    for layer in network.modules():
        if isinstance(layer, Packable) and layer.packs:
            layer.unpack()


class _Linear(nn.Linear, Packable):
    pass


@cache
def _works() -> bool:
    if not torch.backends.mkldnn.is_available():
        return False
    layer = _Linear(64, 32).bfloat16().requires_grad_(False)
    tokens, weight = torch.linspace(-1, 1, 512).view(8, 64).bfloat16(), layer.weight.clone()
    exact = layer(tokens)
    try:
        close = torch.allclose(layer.packed_product(tokens), exact, atol=0.02)
        return close and torch.equal(layer.plain_weight, weight)
    except (RuntimeError, AttributeError, TypeError):  # private operations, which may change
        return False
