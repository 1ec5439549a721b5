"""Convolutions of 3 by 3 with a fraction of the multiplications: Winograd's minimal filtering
(Lavin and Gray, arXiv:1509.09308). Called by `engine.networks.layers.convolution` on a CPU.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

STRIP = 256
"""Tiles that are worked on at once: enough for quick products, few enough for the cache."""
STRIP_NUMBERS = 2**22
"""What the transformed tiles of a strip may hold, whatever the number of channels."""
KEPT_NUMBERS = 2**24
"""Scratch memory that is kept from one call to the next."""

Rows = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Algorithm:
    """A minimal filtering in one direction; in two, it is applied to rows and to columns.

    inputs (m, k) turns k pixels of a tile into m factors, filters (m, 3) does so with the filter,
    outputs (p, m) turns the m products into p pixels of the result. From tile to tile the input
    moves on by `step` pixels, the first tile begins one pixel outside.
    """

    inputs: Rows
    filters: Rows
    outputs: Rows
    step: int

    @property
    def factors(self) -> int:
        return len(self.inputs)

    @cached_property
    def input_matrix(self) -> Tensor:
        return torch.tensor(self.inputs)

    @cached_property
    def output_matrix(self) -> Tensor:
        return torch.tensor(self.outputs)

    @cached_property
    def filter_matrix(self) -> Tensor:
        """(m m, 9): both directions of a filter at once."""
        filters = torch.tensor(self.filters, dtype=torch.float64)
        return torch.kron(filters, filters).float()


FOUR = Algorithm(
    inputs=(
        (4, 0, -5, 0, 1, 0),
        (0, -4, -4, 1, 1, 0),
        (0, 4, -4, -1, 1, 0),
        (0, -2, -1, 2, 1, 0),
        (0, 2, -1, -2, 1, 0),
        (0, 4, 0, -5, 0, 1.0),
    ),
    filters=(
        (1 / 4, 0, 0),
        (-1 / 6, -1 / 6, -1 / 6),
        (-1 / 6, 1 / 6, -1 / 6),
        (1 / 24, 1 / 12, 1 / 6),
        (1 / 24, -1 / 12, 1 / 6),
        (0, 0, 1),
    ),
    outputs=(
        (1, 1, 1, 1, 1, 0),
        (0, 1, -1, 2, -2, 0),
        (0, 1, 1, 4, 4, 0),
        (0, 1, -1, 8, -8, 1.0),
    ),
    step=4,
)
"""F(4, 3): four pixels from six products, at the points 0, ±1, ±2 and infinity."""

SIX = Algorithm(
    inputs=(
        (1, 0, -21 / 4, 0, 21 / 4, 0, -1, 0),
        (0, 1, 1, -17 / 4, -17 / 4, 1, 1, 0),
        (0, -1, 1, 17 / 4, -17 / 4, -1, 1, 0),
        (0, 1 / 2, 1 / 4, -5 / 2, -5 / 4, 2, 1, 0),
        (0, -1 / 2, 1 / 4, 5 / 2, -5 / 4, -2, 1, 0),
        (0, 2, 4, -5 / 2, -5, 1 / 2, 1, 0),
        (0, -2, 4, 5 / 2, -5, -1 / 2, 1, 0),
        (0, -1, 0, 21 / 4, 0, -21 / 4, 0, 1),
    ),
    filters=(
        (1, 0, 0),
        (-2 / 9, -2 / 9, -2 / 9),
        (-2 / 9, 2 / 9, -2 / 9),
        (1 / 90, 1 / 45, 2 / 45),
        (1 / 90, -1 / 45, 2 / 45),
        (32 / 45, 16 / 45, 8 / 45),
        (32 / 45, -16 / 45, 8 / 45),
        (0, 0, 1),
    ),
    outputs=(
        (1, 1, 1, 1, 1, 1, 1, 0),
        (0, 1, -1, 2, -2, 1 / 2, -1 / 2, 0),
        (0, 1, 1, 4, 4, 1 / 4, 1 / 4, 0),
        (0, 1, -1, 8, -8, 1 / 8, -1 / 8, 0),
        (0, 1, 1, 16, 16, 1 / 16, 1 / 16, 0),
        (0, 1, -1, 32, -32, 1 / 32, -1 / 32, 1),
    ),
    step=6,
)
"""F(6, 3): six pixels from eight products, with ±1/2 besides; some ten times the rounding of FOUR.
"""

DOUBLED = Algorithm(
    inputs=(
        (1, -1, 0, 0),
        (0, 1, 0, 0),
        (0, 1, -1, 0),
        (0, 1, -1, 0),
        (0, 0, 1, 0),
        (0, 0, 1, -1.0),
    ),
    filters=((1, 0, 0), (1, 1, 1), (0, 1, 1), (1, 1, 0), (1, 1, 1), (0, 0, 1)),
    outputs=(
        (1, 1, 0, 0, 0, 0),
        (0, 0, 0, 1, 1, 0),
        (0, 1, -1, 0, 0, 0),
        (0, 0, 0, 0, 1, -1.0),
    ),
    step=2,
)
"""A picture with every pixel repeated, then filtered: each of the two pixels that one becomes sees
only two different ones, by two taps that are sums of the filter's, which is F(2, 2) for either."""


class Scratch(threading.local):
    """Memory for what lies between input and output, kept for the next call of the same thread."""

    def __init__(self) -> None:
        self._kept: dict[str, Tensor] = {}

    def take(self, name: str, *shape: int) -> Tensor:
        """Numbers of that shape, float32, with whatever was there."""
        numbers = 1
        for side in shape:
            numbers *= side
        if numbers > KEPT_NUMBERS:
            return torch.empty(shape)
        if name not in self._kept or self._kept[name].numel() < numbers:
            self._kept[name] = torch.empty(numbers)
        return self._kept[name][:numbers].view(shape)


def convolve(
    sample: Tensor, weight: Tensor, bias: Tensor | None, algorithm: Algorithm, scratch: Scratch
) -> Tensor:
    """A convolution with padding 1, without gradients: sample (B, C, h, w), weight (O, C, 3, 3),
    bias (O,), all float32 on the CPU, to (B, O, h, w), or twice the height and width for DOUBLED,
    with the channels last in memory."""
    batch, channels, height, width = sample.shape
    filters = weight.shape[0]
    inputs, outputs = algorithm.input_matrix, algorithm.output_matrix
    step, (m, k), p = algorithm.step, inputs.shape, outputs.shape[0]
    down, across = -(-height // step), -(-width // step)  # tiles
    strip = min(STRIP, max(1, STRIP_NUMBERS // (m * m * max(channels, filters))))
    rows = min(max(1, round(strip / across)), down)
    factors = _filter_factors(weight, algorithm, scratch)  # (m m, C, O)
    pixels = sample.permute(0, 2, 3, 1)  # (B, h, w, C)
    out = torch.empty(batch, height * p // step, width * p // step, filters)
    bias = out.new_zeros(filters) if bias is None else bias
    wide = across * step + k - step
    padded = scratch.take("padded", rows * step + k - step, wide, channels)
    padded[:, 0].zero_()
    padded[:, width + 1 :].zero_()
    for picture in range(batch):
        for row in range(0, down, rows):
            n = min(rows, down - row)
            tiles = n * across
            _fill(padded[: n * step + k - step], pixels[picture], row * step - 1)
            # Along the columns of each row of tiles, which lie `step` rows of pixels apart.
            strips = padded.as_strided(
                (n, k, wide * channels), (step * wide * channels, wide * channels, 1)
            )
            columns = scratch.take("columns", n, m, wide * channels)
            torch.bmm(inputs.expand(n, m, k), strips, out=columns)
            # Along the rows, once the pixels of all tiles stand side by side.
            gathered = scratch.take("gathered", k, m, n, across, channels)
            gathered.copy_(
                columns.as_strided(
                    (k, m, n, across, channels),
                    (channels, wide * channels, m * wide * channels, step * channels, 1),
                )
            )
            tile_factors = scratch.take("tiles", m, m * tiles * channels)
            torch.mm(inputs, gathered.view(k, -1), out=tile_factors)
            products = scratch.take("products", m * m, tiles, filters)
            torch.bmm(tile_factors.view(m * m, tiles, channels), factors, out=products)
            # And back in both directions.
            halfway = scratch.take("halfway", p, m * tiles * filters)
            torch.mm(outputs, products.view(m, -1), out=halfway)
            result = scratch.take("result", p, p, tiles * filters)
            torch.bmm(outputs.expand(p, p, m), halfway.view(p, m, -1), out=result)
            # (p across, p down, n, across, O) as it lies; a picture has its rows first.
            picked = result.view(p, p, n, across, filters).permute(2, 1, 3, 0, 4)
            _place(picked, bias, out[picture, row * p : (row + n) * p])
    return out.permute(0, 3, 1, 2)


def _filter_factors(weight: Tensor, algorithm: Algorithm, scratch: Scratch) -> Tensor:
    """(m m, C, O), made anew each time: kept, they would take four to seven times the memory of the
    weights, and making them costs little beside a picture of any size."""
    filters, channels = weight.shape[:2]
    taps = weight.permute(3, 2, 0, 1).reshape(9, filters * channels)  # across, down
    m = algorithm.factors
    factors = scratch.take("filters", m * m, filters * channels)
    torch.mm(algorithm.filter_matrix, taps, out=factors)
    return factors.view(m * m, filters, channels).transpose(1, 2)


def _fill(strip: Tensor, pixels: Tensor, top: int) -> None:
    """The rows of the picture (h, w, C) from `top` on into (rows, width, C), with zeros above and
    below it; the columns beside it stay as they are."""
    height, width, _ = pixels.shape
    first, last = max(top, 0), min(top + strip.shape[0], height)
    strip[: first - top].zero_()
    strip[first - top : last - top, 1 : width + 1].copy_(pixels[first:last])
    strip[last - top :].zero_()


def _place(tiles: Tensor, bias: Tensor, out: Tensor) -> None:
    """Tiles (n, p, across, p, O) and bias into rows of a picture (h, w, O), which may end within
    the last tiles."""
    n, p, across, _, filters = tiles.shape
    if out.shape[:2] == (n * p, across * p):
        torch.add(tiles, bias, out=out.view(n, p, across, p, filters))
        return
    height, width, _ = out.shape
    out.copy_(torch.add(tiles, bias).reshape(n * p, across * p, filters)[:height, :width])
