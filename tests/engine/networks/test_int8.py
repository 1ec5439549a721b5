"""Products in 8 bits: how near they come to the exact ones, where they are done and where not, and
that runs with them are as steady as others.
"""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine import Finished, Request, Step
from engine.networks.layers import int8 as module
from engine.networks.layers.context import Context
from engine.networks.layers.convolution import Conv3x3
from engine.networks.layers.int8 import Quantized, available, int8, wanted
from engine.networks.layers.linear import Conv1x1, Linear
from engine.placement.compilation import Compilation

needs_instructions = pytest.mark.skipif(
    not available(torch.device("cpu")), reason="this processor has no instructions for 8 bits"
)
REQUEST = Request(
    "a red apple", steps=7, guidance_scale=4.0, seed=3, width=32, height=32, scheduler="ddim"
)


@pytest.fixture
def every_size(monkeypatch):
    """Small products are done in 8 bits, too."""
    monkeypatch.setattr(module, "LARGE", 0)


def apart(rough, exact):
    """The error's share of the exact values, as root mean squares."""
    return float((rough - exact).norm() / exact.norm().clamp_min(1e-30))


def made(pipeline, request, **options):
    return [e for e in engine.generate(pipeline, request, **options) if isinstance(e, Step)]


@needs_instructions
@settings(max_examples=60, deadline=None)
@given(
    tokens=st.integers(1, 70),
    inside=st.integers(1, 130),
    outside=st.integers(1, 70),
    size=st.sampled_from([1e-12, 1e-3, 1.0, 1e6, 1e18]),
    shift=st.sampled_from([-3.0, 0.0, 3.0]),
    has_bias=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_a_product_is_right_to_two_in_a_hundred(
    tokens, inside, outside, size, shift, has_bias, seed
):
    drawn = torch.Generator().manual_seed(seed)
    inputs = size * (torch.randn(tokens, inside, generator=drawn) + shift)
    weight = torch.randn(outside, inside, generator=drawn)
    bias = size * torch.randn(outside, generator=drawn) if has_bias else None
    rough = Quantized(weight, bias).product(inputs)
    exact = F.linear(inputs, weight, bias)
    # Of what is added up, not of the sum: that may cancel.
    added = size * (1 + abs(shift)) * inside**0.5
    assert (rough - exact).norm() <= 0.03 * added * (tokens * outside) ** 0.5
    assert rough.shape == exact.shape


@needs_instructions
@pytest.mark.parametrize("kernel", [1, 3])
def test_a_filter_is_as_near_also_where_pixels_are_repeated_first(kernel):
    drawn = torch.Generator().manual_seed(0)
    inputs = torch.randn(2, 24, 10, 12, generator=drawn).relu()
    weight, bias = torch.randn(40, 24, kernel, kernel, generator=drawn), torch.ones(40)
    quantized = Quantized(weight, bias)
    exact = F.conv2d(inputs, weight, bias, padding=kernel // 2)
    assert apart(quantized.filtered(inputs), exact) < 0.02
    doubled = F.conv2d(F.interpolate(inputs, size=(20, 23)), weight, bias, padding=kernel // 2)
    assert apart(quantized.filtered(inputs, (20, 23)), doubled) < 0.02


@needs_instructions
@pytest.mark.parametrize("value", [0.0, 5.0, -5.0])
def test_equal_inputs_come_out_right(value):
    weight = torch.randn(8, 16, generator=torch.Generator().manual_seed(0))
    inputs = torch.full((4, 16), value)
    assert torch.allclose(
        Quantized(weight, None).product(inputs), inputs @ weight.T, atol=0.02 * abs(value) * 16**0.5
    )


@needs_instructions
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_stays_none(value):
    inputs = torch.ones(4, 16)
    inputs[1, 2] = value
    assert not torch.isfinite(Quantized(torch.ones(8, 16), torch.ones(8)).product(inputs)).any()


@needs_instructions
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_layers_do_it_where_it_is_asked_for_and_nowhere_else(dtype, every_size):
    tokens = torch.randn(2, 9, 32, generator=torch.Generator().manual_seed(0)).to(dtype)
    picture = tokens.transpose(1, 2).unflatten(2, (3, 3))
    for layer, inputs in (
        (Linear(32, 16), tokens),
        (Conv1x1(32, 16), picture),
        (Conv3x3(32, 16), picture),
    ):
        layer = layer.to(dtype).requires_grad_(False)
        exact = layer(inputs)
        with int8(True):
            rough = layer(inputs)
            with int8(False):
                assert torch.equal(layer(inputs), exact)
            elsewhere = []
            other = threading.Thread(target=lambda: elsewhere.append(layer(inputs)))  # noqa: B023
            other.start()
            other.join()
        assert torch.equal(elsewhere[0], exact)
        assert torch.equal(layer(inputs), exact)
        assert rough.dtype == dtype
        assert not torch.equal(rough, exact)
        assert apart(rough.float(), exact.float()) < 0.03


@needs_instructions
def test_repeated_pixels_are_filtered_in_8_bits_as_well(every_size):
    picture = torch.randn(2, 32, 3, 3, generator=torch.Generator().manual_seed(0))
    layer = Conv3x3(32, 16).requires_grad_(False)
    exact = layer.doubled(picture, (6, 6))
    with int8(True):
        rough = layer.doubled(picture, (6, 6))
    assert 0 < apart(rough, exact) < 0.03


def test_small_products_are_done_as_always():
    with int8(True):
        assert not wanted(torch.ones(10, 64), torch.ones(64, 64))
        assert wanted(torch.ones(2**14, 64), torch.ones(64, 64)) == available(torch.device("cpu"))
        assert not wanted(torch.ones(2**14, 64, device="meta"), torch.ones(64, 64))
    assert not wanted(torch.ones(2**14, 64), torch.ones(64, 64))


@needs_instructions
def test_keys_and_values_of_a_prompt_are_exact_whoever_reads_them_first(every_size):
    to_k, to_v = Linear(8, 16), Linear(8, 16)
    text = torch.randn(2, 5, 8)
    with int8(True), torch.no_grad():
        keys, values = Context(text).keys_and_values(to_k, to_v)
    assert torch.equal(keys, to_k(text))
    assert torch.equal(values, to_v(text))


@needs_instructions
def test_a_run_stays_near_the_exact_one_and_goes_on_bit_for_bit(tiny_pipeline, every_size):
    request = replace(REQUEST, int8=True)
    exact, rough = made(tiny_pipeline, REQUEST), made(tiny_pipeline, request)
    last = rough[-1].snapshot.latents
    assert 0 < apart(last, exact[-1].snapshot.latents) < 0.3  # its random layers magnify errors
    for step in rough[:-1]:
        again = made(tiny_pipeline, request, start=step.snapshot)
        assert torch.equal(again[-1].snapshot.latents, last)
    assert torch.equal(
        made(tiny_pipeline, REQUEST)[-1].snapshot.latents, exact[-1].snapshot.latents
    )
    alone = made(tiny_pipeline, replace(request, seed=4))[-1].snapshot.latents
    both = made(tiny_pipeline, replace(request, count=2))[-1].snapshot.latents
    assert torch.equal(both[1:], alone)


def test_a_record_says_where_it_could_not_be_done(tiny_pipeline, monkeypatch):
    request = replace(REQUEST, int8=True)
    monkeypatch.setattr(module, "_works", lambda: False)
    *_, finished = engine.generate(tiny_pipeline, request)
    assert isinstance(finished, Finished)
    assert "no int8 on this CPU: all in full precision" in finished.record.notes
    assert finished.record.request.int8
    assert torch.equal(
        finished.timeline[-1].latents, made(tiny_pipeline, REQUEST)[-1].snapshot.latents
    )
    *_, exact = engine.generate(tiny_pipeline, REQUEST)
    assert not any("int8" in note for note in exact.record.notes)
    monkeypatch.setattr(module, "_works", lambda: True)
    *_, told = engine.generate(tiny_pipeline, request)
    assert not any("int8" in note for note in told.record.notes)


def test_what_is_compiled_steps_aside():
    compilation = Compilation()

    def refuse(*_):
        raise AssertionError

    compilation._compiled = refuse
    with int8(True):
        assert compilation.run(torch.nn.Identity(), torch.ones(2)).sum() == 2


def test_only_yes_and_no_are_answers():
    with pytest.raises(engine.RequestError, match="int8: must be true or false, not 1"):
        Request(int8=1)  # type: ignore[arg-type]
    assert Request.from_json(Request(int8=True).to_json()).int8
