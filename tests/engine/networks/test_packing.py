"""Packed weights: the same results, and the weight is there again when it is asked for."""

from __future__ import annotations

import pytest
import torch

from engine.hardware.device import _cpu_multiplies_bfloat16
from engine.networks.layers import packing
from engine.networks.layers.int8 import Quantized
from engine.networks.layers.linear import Linear
from engine.networks.layers.packing import pack, unpack

CPU = torch.device("cpu")


@pytest.fixture
def layer():
    torch.manual_seed(0)
    return Linear(48, 80).bfloat16().requires_grad_(False)


pytestmark = pytest.mark.skipif(
    not _cpu_multiplies_bfloat16(), reason="this processor multiplies no bfloat16"
)


def test_this_torch_packs():
    """Its private operations may change; then networks go on without, and this tells."""
    assert packing._works()


@pytest.mark.parametrize("biased", [True, False])
@pytest.mark.parametrize("shape", [(48,), (7, 48), (2, 300, 48)])
def test_it_comes_out_alike(layer, biased, shape):
    if not biased:
        layer.bias = None
    tokens = torch.randn(shape, generator=torch.Generator().manual_seed(0)).bfloat16()
    exact, weight = layer(tokens), layer.weight.clone()
    pack(layer, CPU, torch.bfloat16)
    assert torch.equal(layer.weight, weight)  # until it is used
    for _ in range(2):
        assert torch.allclose(layer(tokens), exact, rtol=0.01, atol=1e-3)
        assert layer.weight.is_mkldnn and layer.weight.shape == weight.shape
    assert torch.equal(layer.plain_weight, weight)
    unpack(layer)
    assert torch.equal(layer.weight, weight)
    assert torch.equal(layer(tokens), exact)


def test_8_bits_are_made_of_a_packed_weight(layer):
    plain = Quantized(layer.weight, layer.bias)
    pack(layer, CPU, torch.bfloat16)
    layer(torch.zeros(3, 48).bfloat16())
    assert layer.weight.is_mkldnn
    assert torch.equal(layer.in_int8.scales, plain.scales)


def test_what_is_wider_or_elsewhere_is_left(layer):
    pack(layer, torch.device("cuda"), torch.bfloat16)
    assert not layer.packs
    pack(layer, CPU, torch.float32)  # its weight is half as wide as it works
    assert not layer.packs


def test_a_torch_that_cannot_is_no_trouble(layer, monkeypatch):
    monkeypatch.setattr(packing, "_works", lambda: False)
    pack(layer, CPU, torch.bfloat16)
    assert not layer.packs
