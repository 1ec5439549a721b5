"""Attention as products of matrices, against torch's own in float64, for any shape."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from engine.hardware.tuning import Tuner
from engine.networks.layers import attention_products, tuned
from engine.networks.layers.attention import Attention
from engine.networks.layers.attention_products import attend
from engine.networks.layers.convolution import tune

COUNTS = st.integers(1, 90)


def drawn(seed: int, *shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def off(found: Tensor, exact: Tensor) -> float:
    return float((found.double() - exact).norm() / exact.norm())


@given(
    batch=st.integers(1, 2),
    heads=st.integers(1, 3),
    queries=COUNTS,
    keys=COUNTS,
    width=st.integers(1, 70),
    scores=st.sampled_from([1, 100, 2**21]),
    seed=st.integers(0, 2**32 - 1),
)
@settings(deadline=None, max_examples=80)
def test_it_is_attention(batch, heads, queries, keys, width, scores, seed):
    query = drawn(seed, batch, heads, queries, width)
    key, value = drawn(seed + 1, 2, batch, heads, keys, width)
    exact = F.scaled_dot_product_attention(query.double(), key.double(), value.double())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attention_products, "SCORES", scores)  # one query at a time, some, all
        made = attend(query, key, value)
    assert made.shape == exact.shape and made.dtype == query.dtype
    assert torch.allclose(made.double(), exact, atol=1e-5)


@pytest.mark.parametrize("spread", [1, 2, 3])
def test_large_scores_keep_their_digits(spread):
    """In bfloat16 it comes nearly as close as the kernel that has its scores in float32. Without
    the guess of the largest score it would be twice as far off."""
    query, key, value = (drawn(i, 1, 4, 512, 40) * s for i, s in enumerate((spread, spread, 1)))
    query, key, value = query.bfloat16(), key.bfloat16(), value.bfloat16()
    exact = F.scaled_dot_product_attention(query.double(), key.double(), value.double())
    rounded = torch.softmax(query @ key.mT * 40**-0.5, 3) @ value
    made = off(attend(query, key, value), exact)
    assert made < 0.01
    if spread > 1:
        assert made < off(rounded, exact) / 1.7


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("score", [30.0, 300.0, 3e5])
def test_a_guess_may_be_as_wrong_as_can_be(dtype, score):
    """One key that is not sampled has all the weight, so much that no exponential reaches there."""
    query, key = torch.full((1, 1, 3, 4), score), torch.zeros(1, 1, 500, 4)
    value = drawn(0, 1, 1, 500, 4).to(dtype)
    key[0, 0, 123] = 0.5
    made = attend(query.to(dtype), key.to(dtype), value)
    assert torch.allclose(made, value[:, :, 123:124].expand(-1, -1, 3, -1), rtol=1e-2)


def test_what_is_no_number_stays_none():
    query, key, value = drawn(0, 3, 1, 2, 40, 8)
    query[0, 0, 3] = torch.nan
    made = attend(query, key, value)
    assert made[0, 0, 3].isnan().all()
    exact = F.scaled_dot_product_attention(query, key, value)
    assert torch.allclose(made, exact, atol=1e-5, equal_nan=True)


def test_a_large_attention_is_tuned_and_comes_out_alike(monkeypatch):
    layer = Attention(64, 64, 2, bias=False).bfloat16().requires_grad_(False)
    tokens = drawn(0, 2, 96, 64).bfloat16()
    plain = layer(tokens, tokens)
    asked = []

    class Recorder(Tuner):
        def run(self, work, ways):
            asked.append(work)
            return ways["products"]()

    tune(layer, torch.device("cpu"), Recorder())
    assert torch.equal(layer(tokens, tokens), plain) and not asked  # it is too small
    monkeypatch.setattr(tuned, "LARGE", 1)
    assert off(layer(tokens, tokens), plain.double()) < 0.01
    assert asked == ["attention 2x2x96x32x96"]
    wide = layer.float()
    wide(tokens.float(), tokens.float())
    assert len(asked) == 1  # in float32 there is one way
