"""Winograd's convolutions against torch's own in float64, for any shape; and the doubling ones."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from engine.networks.layers.convolution import Conv3x3
from engine.networks.layers.winograd import DOUBLED, FOUR, SIX, Scratch, convolve

SIDES = st.integers(1, 40)


def drawn(seed: int, *shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("algorithm", "bound"), [(FOUR, 2e-5), (SIX, 1e-4), (DOUBLED, 1e-5)])
@given(
    batch=st.integers(1, 3),
    channels=st.integers(1, 9),
    filters=st.integers(1, 9),
    height=SIDES,
    width=SIDES,
    last=st.booleans(),
    biased=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
@settings(deadline=None, max_examples=60)
def test_it_is_the_convolution(
    algorithm, bound, batch, channels, filters, height, width, last, biased, seed
):
    sample = drawn(seed, batch, channels, height, width)
    weight = drawn(seed + 1, filters, channels, 3, 3)
    bias = drawn(seed + 2, filters) if biased else None
    if last:
        sample = sample.to(memory_format=torch.channels_last)
        weight = weight.to(memory_format=torch.channels_last)
    seen = sample.double()
    if algorithm is DOUBLED:
        seen = F.interpolate(seen, scale_factor=2)
    exact = F.conv2d(seen, weight.double(), None if bias is None else bias.double(), padding=1)
    scratch = Scratch()
    for _ in range(2):  # the second time with the scratch of the first
        made = convolve(sample, weight, bias, algorithm, scratch)
        assert made.shape == exact.shape
        assert (made - exact).abs().max() <= bound * max(1.0, float(exact.abs().max()))


def test_strips_and_pictures_do_not_mix():
    """Large enough for several strips, the last one shorter."""
    sample, weight = drawn(0, 2, 5, 70, 90), drawn(1, 7, 5, 3, 3)
    exact = F.conv2d(sample.double(), weight.double(), padding=1)
    for algorithm in (FOUR, SIX):
        made = convolve(sample, weight, None, algorithm, Scratch())
        assert (made - exact).abs().max() < 1e-4 * exact.abs().max()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_transposed_is_the_doubling_convolution(dtype):
    layer = Conv3x3(6, 4).to(dtype)
    layer.requires_grad_(False)
    sample = drawn(0, 2, 6, 5, 7).to(dtype)
    exact = F.conv2d(
        F.interpolate(sample.double(), scale_factor=2),
        layer.weight.double(),
        layer.bias.double(),
        padding=1,
    )
    bound = 1e-6 if dtype == torch.float32 else 2e-2
    assert (layer._transposed(sample) - exact).abs().max() < bound * exact.abs().max()
