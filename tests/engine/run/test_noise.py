"""Variations: noise that is mixed anew on the way, over every scheduler."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import engine
from engine import RequestError
from engine.request.request import MAX_SEED
from engine.run.noise import varied
from tests.engine.run.running import (
    EVERY_SCHEDULER,
    REQUEST,
    latents,
    pictures,
    replays,
    run,
    vary,
)


@EVERY_SCHEDULER
def test_a_variation_at_any_step_is_itself_at_0_and_replays(tiny_pipeline, evaluations, scheduler):
    request = replace(REQUEST, scheduler=scheduler)
    parent = run(tiny_pipeline, request)
    first = parent.timeline[0]
    for fork in range(first.state.total):
        start = parent.timeline[fork - 1] if fork else None
        still = run(tiny_pipeline, replace(request, edits=(vary(fork, 0.0),)), start=start)
        assert torch.equal(latents(still), latents(parent))
        assert pictures(still) == pictures(parent)
        varied = replace(request, edits=(vary(fork, 0.3),))
        if fork not in first.scheduler.entries:
            with pytest.raises(RequestError, match=r"edits: .*in the middle of a step"):
                run(tiny_pipeline, varied, start=start)
            continue
        evaluations.clear()
        variation = run(tiny_pipeline, varied, start=start)
        assert len(evaluations) == first.state.total - fork
        assert not torch.equal(latents(variation), latents(parent))
        assert variation.record.edits == varied.edits
        assert variation.record.branches == ((fork,) if fork else ())
        assert replays(tiny_pipeline, variation)


@pytest.mark.parametrize("scheduler", ["unipc", "euler_ancestral"])
def test_a_variation_of_a_batch_is_one_of_each_image(tiny_pipeline, scheduler):
    # The run's own seed as well, at the first step: its noise must not be turned towards itself.
    edits = (vary(0, 0.7, seed=REQUEST.seed), vary(2, 0.3))
    request = replace(REQUEST, scheduler=scheduler, count=3, edits=edits, guidance_rescale=0.5)
    batch = run(tiny_pipeline, request)
    for index in range(3):
        alone = run(tiny_pipeline, batch.record.of_image(index).request)
        assert torch.equal(latents(alone), latents(batch)[index : index + 1])
        assert pictures(alone) == [pictures(batch)[index]]
    start = batch.timeline[0].before.sample
    lengths = start.flatten(1).norm(dim=1) / batch.timeline[0].scheduler.init_noise_sigma
    assert lengths.tolist() == pytest.approx([16.0] * 3, rel=0.2)  # the root of 256 values


def test_variations_of_other_seeds_and_amounts_are_others(tiny_pipeline):
    snapshot = run(tiny_pipeline, REQUEST).timeline[1]
    edits = [(vary(2, 0.3, 1),), (vary(2, 0.3, 2),), (vary(2, 0.6, 1),), (vary(2, 1.0, 1),)]
    edits.append((vary(2, 0.3, 1), vary(2, 0.3, 2)))
    ends = [run(tiny_pipeline, replace(REQUEST, edits=e), start=snapshot) for e in edits]
    assert len({bytes(latents(end).numpy()) for end in ends}) == len(edits)
    assert all(replays(tiny_pipeline, end) for end in ends)


def test_a_variation_shows_the_same_step_when_it_is_guided_anew(tiny_pipeline):
    snapshot = run(tiny_pipeline, replace(REQUEST, edits=(vary(2, 0.5),))).timeline[2]
    assert torch.equal(engine.reguide(tiny_pipeline, snapshot, 5.0), snapshot.denoised)


@given(
    seed=st.integers(0, MAX_SEED - 1),
    noise_seed=st.integers(0, 2**32 - 1),
    amount=st.floats(0, 1),
    index=st.integers(0, 5),
    spread=st.sampled_from([0.0, 1e-3, 1.0, 30.0]),
    known=st.booleans(),
)
def test_mixed_noise_keeps_its_length_and_turns_by_the_amount(
    seed, noise_seed, amount, index, spread, known
):
    scheduler = engine.schedulers.create("euler", {}, 6)
    generator = torch.Generator().manual_seed(noise_seed)
    image = torch.randn((2, 4, 8, 8), generator=generator) if known else None
    noise = torch.randn((2, 4, 8, 8), generator=generator) * spread
    sample = noise if image is None else image + noise
    held = sample if image is None else sample - image
    mixed = varied(sample, image, scheduler, index, amount, seed)
    mixed = mixed if image is None else mixed - image
    for before, after in zip(held.double(), mixed.double(), strict=True):
        scale = float(before.norm())
        assert float(after.norm()) == pytest.approx(scale, rel=1e-3, abs=1e-4)
        cosine = float((before * after).sum()) / max(scale**2, 1e-12)
        if spread >= 1:
            assert cosine == pytest.approx(math.cos(amount * math.pi / 2), abs=1e-4)
    alone = varied(
        sample[1:], None if image is None else image[1:], scheduler, index, amount, seed + 1
    )
    assert torch.equal(alone if image is None else alone - image[1:], mixed[1:])
