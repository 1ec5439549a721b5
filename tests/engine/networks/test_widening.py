"""Weights that rest as the file has them: they settle once, and are in memory once."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from engine.hardware.tuning import Tuner
from engine.networks.layers import convolution
from engine.networks.layers.convolution import tune
from engine.networks.layers.linear import Linear
from engine.networks.layers.widening import settle
from engine.weights import strict
from engine.weights.header import read_header
from engine.weights.strict import load_strictly
from engine.weights.tensors import Tensors

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def large(monkeypatch):
    monkeypatch.setattr(strict, "is_large", lambda network: True)


def loaded(layer, folder, dtype, stored=torch.float16) -> tuple[dict[str, Tensor], Any]:
    """The weights of a file, and a layer with them."""
    torch.manual_seed(0)
    path = folder / "model.safetensors"
    weights = {key: tensor.to(stored) for key, tensor in layer().state_dict().items()}
    save_file({f"0.{key}": tensor for key, tensor in weights.items()}, path)
    tensors = Tensors.of(path, path, [read_header(path)])
    return weights, load_strictly(lambda: nn.Sequential(layer()), tensors, CPU, dtype)[0]


def mapped() -> int:
    """Bytes of files that are in this process's memory."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("RssFile"))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_what_has_settled_is_in_memory_once(tmp_path):
    _, layer = loaded(lambda: Linear(4096, 8192), tmp_path, torch.bfloat16)  # 64 MB
    before = mapped()
    assert layer.weight.sum().isfinite()
    assert mapped() - before > 60 * 2**20
    layer(torch.zeros(1, 4096).bfloat16())
    assert layer.weight.dtype == torch.bfloat16
    assert mapped() - before < 20 * 2**20  # of the libraries that multiply


@pytest.mark.parametrize("stored", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_a_weight_rests_until_it_works_and_is_no_wider_then(tmp_path, stored, dtype):
    weights, layer = loaded(lambda: Linear(256, 256), tmp_path, dtype, stored)
    assert layer.weight.dtype == stored
    assert layer.bias.dtype == dtype
    tokens = torch.linspace(-1, 1, 512).view(2, 256).to(dtype)
    with torch.inference_mode():
        found = layer(tokens)
    exact = torch.nn.functional.linear(tokens, *(weights[k].to(dtype) for k in ("weight", "bias")))
    assert torch.equal(found, exact)
    assert layer.weight.dtype == min(dtype, stored, key=lambda one: one.itemsize)
    assert not layer.weight.is_inference()


def test_filters_that_rest_are_laid_out_when_they_work(tmp_path, monkeypatch):
    monkeypatch.setattr(convolution, "is_large", lambda network: True)
    weights, layer = loaded(lambda: convolution.Conv3x3(64, 128), tmp_path, torch.float32)
    tune(layer, CPU, Tuner())
    assert layer.weight.is_contiguous()
    sample = torch.linspace(-1, 1, 64 * 64).view(1, 64, 8, 8)
    found = layer(sample)
    assert layer.weight.is_contiguous(memory_format=torch.channels_last)
    assert layer.weight.dtype == torch.float16
    bias, weight = (weights[key].float() for key in ("bias", "weight"))
    exact = torch.nn.functional.conv2d(sample, weight, bias, padding=1)
    assert torch.allclose(found, exact, atol=1e-4)


def test_a_small_weight_does_not_rest(tmp_path):
    _, layer = loaded(lambda: Linear(8, 8), tmp_path, torch.bfloat16)
    assert layer.weight.dtype == torch.bfloat16
    assert layer.resting is None


@pytest.mark.parametrize("make", [lambda: Linear(256, 256), lambda: convolution.Conv3x3(64, 128)])
def test_8_bits_are_made_of_the_same_numbers_whatever_was_before(tmp_path, make):
    _, rested = loaded(make, tmp_path, torch.bfloat16)
    _, settled = loaded(make, tmp_path, torch.bfloat16)
    settled.settle()
    scales = [layer.in_int8.scales for layer in (rested, settled)]
    assert torch.equal(*scales)


@pytest.mark.parametrize("stored", [torch.float16, torch.float32])
def test_all_can_be_settled_before_they_are_moved(tmp_path, stored):
    weights, layer = loaded(lambda: Linear(256, 256), tmp_path, torch.bfloat16, stored)
    settle(layer)
    assert torch.equal(layer.weight, weights["weight"].bfloat16())
    assert layer.resting is None
