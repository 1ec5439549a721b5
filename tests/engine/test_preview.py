"""Previews: right in size and range, close to the real decode, honest about what is not there."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import engine


@pytest.fixture(scope="module")
def finished(bundled):
    *_, last = engine.generate(bundled, engine.Request("a red apple, 3d", steps=8, seed=1))
    return last


def test_the_vae_preview_of_the_last_latents_is_the_image(bundled, finished):
    picture = engine.preview(bundled, finished.timeline[-1].latents, kind="vae")
    assert picture.dtype == np.uint8
    assert np.array_equal(picture, np.asarray(finished.images[0]))


def test_the_linear_preview_resembles_the_image_at_the_latents_size(bundled, finished):
    small = engine.preview(bundled, finished.timeline[-1].latents, kind="linear")
    assert small.shape == (16, 16, 3)
    target = np.asarray(finished.images[0].resize((16, 16), Image.Resampling.BOX), np.float64)
    spread = target.std()
    error = np.sqrt(((small - target) ** 2).mean())
    assert error < 0.5 * spread
    for channel in range(3):
        assert np.corrcoef(small[..., channel].ravel(), target[..., channel].ravel())[0, 1] > 0.8


def test_a_batch_becomes_one_grid(bundled, finished):
    latents = finished.timeline[-1].latents
    grid = engine.preview(bundled, latents.repeat(3, 1, 1, 1), kind="linear")
    one = engine.preview(bundled, latents[0], kind="linear")
    assert grid.shape == (32, 32, 3)
    assert np.array_equal(grid[:16, :16], one)
    assert np.array_equal(grid[16:, :16], one)
    assert not grid[16:, 16:].any()


def test_auto_takes_what_the_measured_pace_allows(bundled, finished, monkeypatch):
    latents = finished.timeline[-1].latents
    monkeypatch.setattr(bundled.pace, "evaluation", 0.1)
    monkeypatch.setattr(bundled.pace, "decode_per_element", 1e-9)
    assert engine.preview(bundled, latents).shape == (128, 128, 3)
    monkeypatch.setattr(bundled.pace, "decode_per_element", 1.0)
    assert engine.preview(bundled, latents).shape == (16, 16, 3)


@pytest.mark.parametrize("kind", ["tiny", "no such kind"])
def test_a_kind_that_is_not_there_is_an_error(bundled, finished, kind):
    with pytest.raises(engine.EngineError, match="vae"):
        engine.preview(bundled, finished.timeline[-1].latents, kind=kind)
