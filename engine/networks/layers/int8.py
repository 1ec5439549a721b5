"""Int8: the products of large layers in 8-bit whole numbers, which processors that are made for it
multiply some four times as fast as float32 (quantized weights and inputs; Jacob et al.,
arXiv:1712.05877). Asked for by `engine.generate` around an evaluation, asked about by the layers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.networks.layers.widening import Widening

LARGE = 2**24
"""Multiplications below which a product is done as always: rounding its inputs costs more than is
gained."""
LEVELS = 253
"""Steps from the least to the largest of the inputs, out of 255: zero must be one of them."""
ROUNDING = 1.5 * 2**23
"""Added to a number of float32, it leaves the nearest whole number in the lowest bits."""
FINEST = torch.finfo(torch.float32).tiny
HALFWAY = 128
TOLERANCE = 0.05
"""Of the trial at the first use: how far a product may lie from the exact one, relative to the
largest value."""

_asked: ContextVar[bool] = ContextVar("int8", default=False)


@contextmanager
def int8(asked: bool) -> Iterator[None]:
    """Layers that are called meanwhile in this thread multiply in 8 bits, where they can and it
    pays; or not."""
    token = _asked.set(asked)
    try:
        yield
    finally:
        _asked.reset(token)


def asked() -> bool:
    """Whether this thread is within an `int8(True)`."""
    return _asked.get()


def available(device: torch.device) -> bool:
    """Whether it is a processor with instructions for it, and this torch has the operations."""
    return device.type == "cpu" and _works()


@cache
def _works() -> bool:
    if not torch.backends.mkldnn.is_available() or not _has_instructions():
        return False
    drawn = torch.Generator().manual_seed(0)
    inputs = torch.randn(64, 64, generator=drawn)
    weight = torch.randn(32, 64, generator=drawn)
    try:
        product = Quantized(weight, None).product(inputs)
        filtered = Quantized(weight.view(32, 64, 1, 1), None).filtered(inputs.view(1, 64, 8, 8))
    except (RuntimeError, AttributeError, TypeError):  # private operations, which may change
        return False
    exact = F.conv2d(inputs.view(1, 64, 8, 8), weight.view(32, 64, 1, 1))
    return _alike(product, inputs @ weight.T) and _alike(filtered, exact)


def _has_instructions() -> bool:
    # Without them a product of 8 bits takes longer than one of 32, or saturates.
    if hasattr(torch.cpu, "get_capabilities"):
        found = torch.cpu.get_capabilities()
        return bool(found.get("avx512_vnni") or found.get("avx_vnni"))
    return torch.cpu._is_vnni_supported()


def _alike(rough: Tensor, exact: Tensor) -> bool:
    return bool((rough - exact).abs().max() <= TOLERANCE * exact.abs().max())


def wanted(inputs: Tensor, weight: Tensor) -> bool:
    """Whether a layer with this weight, the first dim of which counts its outputs, is to multiply
    these inputs in 8 bits: (…, features), or (B, C, h, w) for a filter."""
    if torch.compiler.is_compiling() or not asked():
        return False
    times = inputs.numel() // inputs.shape[1 if weight.dim() == 4 else -1]
    return times * weight.numel() >= LARGE and available(inputs.device)


class Quantized:
    """A layer's weight (O, I), or (O, I, k, k) of a filter, in 8 bits, with one scale an output;
    bias (O,). The inputs are rounded to 8 bits from the least to the largest of a call."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        weight = weight.float()
        largest = weight.flatten(1).abs().amax(dim=1).clamp_min(FINEST)  # (O,)
        self.scales = largest / 127
        shape = (-1,) + (1,) * (weight.dim() - 1)
        rounded = (weight / self.scales.view(shape)).round().to(torch.int8)
        self.zeros = torch.zeros(len(weight), dtype=torch.int32)
        self.bias = None if bias is None else bias.float()
        if weight.dim() == 2:
            self.packed = torch.ops.onednn.qlinear_prepack(rounded, None)
        else:
            self.around = [weight.shape[2] // 2] * 2
            self.packed = torch.ops.onednn.qconv_prepack(
                rounded, self.scales, 1.0, HALFWAY, [1, 1], self.around, [1, 1], 1, None
            )

    def product(self, inputs: Tensor) -> Tensor:
        """(…, I) to (…, O), float32."""
        rounded = Rounded.of(inputs)
        return torch.ops.onednn.qlinear_pointwise(
            *(rounded.numbers, rounded.scale, rounded.zero, self.packed, self.scales, self.zeros),
            *(self.bias, 1.0, 0, torch.float32, "none", [], ""),
        )

    def filtered(self, inputs: Tensor, size: tuple[int, int] | None = None) -> Tensor:
        """(B, I, h, w) to (B, O, h, w), float32, with the channels last; size: the pixels are
        repeated up to it first."""
        rounded = Rounded.of(inputs.permute(0, 2, 3, 1))
        numbers = rounded.numbers.permute(0, 3, 1, 2)
        if size is not None:
            numbers = F.interpolate(numbers, size=size)
        return torch.ops.onednn.qconv2d_pointwise(
            *(numbers, rounded.scale, rounded.zero, self.packed, self.scales, self.zeros),
            *(self.bias, [1, 1], self.around, [1, 1], 1),
            *(1.0, 0, torch.float32, "none", [], ""),
        )


class Quantizable(Widening):
    """A layer that has its weight in 8 bits as well, once they were wanted."""

    bias: Tensor | None
    _quantized: Quantized | None = None

    @property
    def in_int8(self) -> Quantized:
        """The same numbers, whether the layer worked otherwise before or still rests."""
        if self._quantized is None:
            self.settle()
            self._quantized = Quantized(self.plain_weight, self.bias)
        return self._quantized


@dataclass(frozen=True, eq=False)
class Rounded:
    """numbers: uint8 in the shape of the inputs, which are about (numbers - zero) * scale."""

    numbers: Tensor
    scale: float
    zero: int

    @classmethod
    def of(cls, inputs: Tensor) -> Rounded:
        inputs = inputs.float().contiguous()
        least, largest = (float(end) for end in torch.aminmax(inputs))
        if not math.isfinite(largest - least):  # as they would, these make all that follows NaN
            return cls(torch.zeros_like(inputs, dtype=torch.uint8), math.nan, HALFWAY)
        least, largest = min(least, 0.0), max(largest, 0.0)
        scale = max((largest - least) / LEVELS, FINEST)
        zero = max(round(-least / scale), 1)
        bits = torch.add(torch.tensor(ROUNDING + zero), inputs, alpha=1 / scale).view(torch.int32)
        return cls(bits.to(torch.uint8), scale, zero)
