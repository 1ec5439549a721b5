"""Conv3x3: a convolution of 3 by 3 that does large pictures in the way that is the quickest here.
Used by the residual blocks, the upsamplers and the autoencoders.
"""

from __future__ import annotations

from collections.abc import Callable
from weakref import WeakKeyDictionary

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.networks.int8 import Quantizable, wanted
from engine.networks.winograd import DOUBLED, FOUR, SIX, Algorithm, Scratch, convolve
from engine.tuning import Tuner

LARGE = 10**9
"""Multiplications below which a convolution is done as always: there is too little to gain, and a
small model gives the same bits everywhere."""
WIDE = 1024
"""Pixels of the result below which it is done as always, too: what is made of the filters each time
costs more there than it saves."""
MANY = 40_000_000
"""Weights from which on a network in float32 on a CPU is laid out with the channels last, and read
as the file has them: a smaller one gains little, and keeps the bits of diffusers."""

_SCRATCH: WeakKeyDictionary[Tuner, Scratch] = WeakKeyDictionary()


class Conv3x3(nn.Conv2d, Quantizable):
    """Padding 1, stride 1. Without a tuner it is nn.Conv2d. tuner, scratch: see `tune`."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 3, padding=1)
        self.tuner: Tuner | None = None
        self.scratch: Scratch | None = None

    def forward(self, input: Tensor) -> Tensor:
        """(B, in_channels, h, w) to (B, out_channels, h, w)."""
        if wanted(input, self.weight):
            return self.in_int8.filtered(input).to(input.dtype)
        tuner = self._tuner_for(input, 1)
        if tuner is None:
            return self._direct(input)
        ways: dict[str, Callable[[], Tensor]] = {"direct": lambda: self._direct(input)}
        if input.dtype == torch.float32:
            ways |= {
                "tiles of 4": lambda: self._winograd(input, FOUR),
                "tiles of 6": lambda: self._winograd(input, SIX),
            }
        return tuner.run(self._work("convolution", input), ways)

    def _direct(self, input: Tensor) -> Tensor:
        return F.conv2d(input, self.weight.to(input.dtype), self.bias, padding=1)

    def doubled(self, input: Tensor, size: tuple[int, int]) -> Tensor:
        """The same after every pixel was repeated: (B, in_channels, h, w) to (B, out_channels,
        *size), which is twice the height and width, or one less."""

        def direct() -> Tensor:
            return self._direct(F.interpolate(input, size=size))

        if wanted(input, self.weight):
            return self.in_int8.filtered(input, size).to(input.dtype)
        twice = (2 * input.shape[2], 2 * input.shape[3])
        tuner = self._tuner_for(input, 4) if size == twice else None
        if tuner is None:
            return direct()
        ways: dict[str, Callable[[], Tensor]] = {
            "direct": direct,
            "phases": lambda: self._phases(input),
        }
        if input.dtype == torch.float32:
            ways["tiles of 2"] = lambda: self._winograd(input, DOUBLED)
        return tuner.run(self._work("doubling convolution", input), ways)

    def _tuner_for(self, input: Tensor, growth: int) -> Tuner | None:
        batch, channels, height, width = input.shape
        pixels = batch * height * width * growth
        is_large = pixels * channels * 9 * self.out_channels >= LARGE and pixels >= WIDE
        return self.tuner if input.device.type == "cpu" and is_large else None

    def _work(self, kind: str, input: Tensor) -> str:
        order = "last" if input.is_contiguous(memory_format=torch.channels_last) else "first"
        shape = "x".join(str(side) for side in (*input.shape, self.out_channels))
        return f"{kind} {shape} {str(input.dtype).removeprefix('torch.')} channels {order}"

    def _winograd(self, input: Tensor, algorithm: Algorithm) -> Tensor:
        assert self.scratch is not None
        return convolve(input, self.weight.to(input.dtype), self.bias, algorithm, self.scratch)

    def _phases(self, input: Tensor) -> Tensor:
        """Each of the four pixels that one becomes sees only 2 by 2 different ones: a convolution
        of 2 by 2 with sums of the filter's taps, four ninths of the multiplications."""
        batch, _, height, width = input.shape
        order = torch.channels_last
        out = input.new_empty(batch, self.out_channels, 2 * height, 2 * width).to(
            memory_format=order
        )
        rows = _taps(self.weight.float(), 2)
        for down in (0, 1):
            for across in (0, 1):
                weight = _taps(rows[down], 3)[across].to(input.dtype, memory_format=order)
                padded = F.pad(input, (1 - across, across, 1 - down, down))
                out[:, :, down::2, across::2] = F.conv2d(padded, weight, self.bias)
        return out


def _taps(weight: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """Three taps as the two that the first and the second pixel of a pair have there."""
    first, middle, last = weight.split(1, dim)
    return torch.cat([first, middle + last], dim), torch.cat([first + middle, last], dim)


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
    convolutions find their quickest way there. Those that share a tuner, such as the UNet and the
    VAE of one model, share the memory that they work with as well."""
    dtype = next(network.parameters()).dtype
    network.to(memory_format=order_of(network, device, dtype))  # type: ignore[call-overload]
    scratch = _SCRATCH.setdefault(tuner, Scratch())
    for module in network.modules():
        if isinstance(module, Conv3x3):
            module.tuner, module.scratch = tuner, scratch
