"""Conv3x3: a convolution of 3 by 3 that does large pictures in the way that is the quickest here.
Used by the residual blocks, the upsamplers and the autoencoders.
"""

from __future__ import annotations

from collections.abc import Callable
from weakref import WeakKeyDictionary

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.hardware.tuning import Tuner
from engine.networks.layers.int8 import Quantizable, wanted
from engine.networks.layers.tuned import Tuned
from engine.networks.layers.widening import Widening
from engine.networks.layers.winograd import DOUBLED, FOUR, SIX, Algorithm, Scratch, convolve

WIDE = 1024
"""Pixels of the result below which it is done as always: what is made of the filters each time
costs more there than it saves."""
MANY = 40_000_000
"""Weights from which on a network in float32 on a CPU is laid out with the channels last, and read
as the file has them: a smaller one gains little, and keeps the bits of diffusers."""

REACHED = ((0, 0, 1), (0, 1, 1), (1, 1, 0), (1, 0, 0))
"""By which taps of a filter a pixel reaches the four of twice the size that it takes part in."""

_SCRATCH: WeakKeyDictionary[Tuner, Scratch] = WeakKeyDictionary()


class Conv3x3(nn.Conv2d, Quantizable, Tuned):
    """Padding 1, stride 1. Without a tuner it is nn.Conv2d."""

    _sums: Tensor | None = None

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 3, padding=1)

    def forward(self, input: Tensor) -> Tensor:
        """(B, in_channels, h, w) to (B, out_channels, h, w)."""
        if wanted(input, self.weight):
            return self.in_int8.filtered(input).to(input.dtype)
        tuner = self._tuner(input, 1)
        if tuner is None:
            return self._direct(input)
        ways: dict[str, Callable[[], Tensor]] = {"direct": lambda: self._direct(input)}
        if input.dtype == torch.float32:
            ways |= {
                "tiles of 4": lambda: self._winograd(input, FOUR, tuner),
                "tiles of 6": lambda: self._winograd(input, SIX, tuner),
            }
        return tuner.run(self._work("convolution", input), ways)

    def _direct(self, input: Tensor) -> Tensor:
        return F.conv2d(input, self.weight_in(input.dtype), self.bias, padding=1)

    def doubled(self, input: Tensor, size: tuple[int, int]) -> Tensor:
        """The same after every pixel was repeated: (B, in_channels, h, w) to (B, out_channels,
        *size), which is twice the height and width, or one less."""

        def direct() -> Tensor:
            return self._direct(F.interpolate(input, size=size))

        if wanted(input, self.weight):
            return self.in_int8.filtered(input, size).to(input.dtype)
        twice = (2 * input.shape[2], 2 * input.shape[3])
        tuner = self._tuner(input, 4) if size == twice else None
        if tuner is None:
            return direct()
        ways: dict[str, Callable[[], Tensor]] = {"direct": direct}
        if input.dtype == torch.float32:
            ways["tiles of 2"] = lambda: self._winograd(input, DOUBLED, tuner)
        else:
            ways["transposed"] = lambda: self._transposed(input)
        return tuner.run(self._work("doubling convolution", input), ways)

    def _tuner(self, input: Tensor, growth: int) -> Tuner | None:
        batch, channels, height, width = input.shape
        pixels = batch * height * width * growth
        if pixels < WIDE:
            return None
        return self.tuner_for(input, pixels * channels * 9 * self.out_channels)

    def _work(self, kind: str, input: Tensor) -> str:
        order = "last" if input.is_contiguous(memory_format=torch.channels_last) else "first"
        shape = "x".join(str(side) for side in (*input.shape, self.out_channels))
        return f"{kind} {shape} {str(input.dtype).removeprefix('torch.')} channels {order}"

    def _winograd(self, input: Tensor, algorithm: Algorithm, tuner: Tuner) -> Tensor:
        # The networks of one model, which share a tuner, work in the same memory.
        scratch = _SCRATCH.setdefault(tuner, Scratch())
        return convolve(input, self.weight_in(input.dtype), self.bias, algorithm, scratch)

    def _transposed(self, input: Tensor) -> Tensor:
        """Each of the four pixels that one becomes sees only 2 by 2 different ones, by sums of the
        filter's taps: a transposed convolution of 4 by 4, with four ninths of the multiplications.
        """
        if self._sums is None:
            sums = _summed(self.weight_in(input.dtype))
            self._sums = sums.contiguous(memory_format=torch.channels_last)
        return F.conv_transpose2d(input, self._sums, self.bias, stride=2, padding=1)


def _summed(weight: Tensor) -> Tensor:
    """(O, C, 3, 3) to (C, O, 4, 4)."""
    reached = torch.tensor(REACHED, dtype=weight.dtype)
    taps = weight.permute(2, 3, 1, 0).flatten(0, 1)  # (9, C, O)
    sums = torch.kron(reached, reached) @ taps.flatten(1)  # (16, C O)
    return sums.view(4, 4, *taps.shape[1:]).permute(2, 3, 0, 1)


def order_of(network: nn.Module, device: torch.device, dtype: torch.dtype) -> torch.memory_format:
    """How the filters of that network lie best in memory on that device."""
    if dtype != torch.float32 or (device.type == "cpu" and is_large(network)):
        return torch.channels_last
    return torch.preserve_format


def is_large(network: nn.Module) -> bool:
    """Whether it has MANY weights."""
    return sum(parameter.numel() for parameter in network.parameters()) >= MANY


def tune(network: nn.Module, device: torch.device, tuner: Tuner) -> None:
    """Lay the network's weights out as the device that it will work on reads them best, and let its
    layers find their quickest way there."""
    dtype = next(network.parameters()).dtype
    order = order_of(network, device, dtype)
    for layer in network.modules():
        if isinstance(layer, Tuned):
            layer.tuner = tuner
        if not isinstance(layer, Widening) or layer.resting is None:
            for parameter in layer.parameters(recurse=False):
                if parameter.dim() == 4:
                    parameter.data = parameter.data.to(memory_format=order)
