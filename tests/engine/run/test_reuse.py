"""What evaluations take over from those before them: how much less is done, that runs stay exact in
themselves, and how near the image stays to the exact one.
"""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

import engine
from engine import Control, Finished, Request, Step
from engine.request.economy import ECONOMIES
from engine.request.request import Edit

REQUEST = Request(
    "a red apple", steps=9, guidance_scale=4.0, seed=5, width=16, height=16, scheduler="ddim"
)
"""Of a seed with which these random weights turn the guidance little."""
BOTH = {"feature_reuse": 3, "guidance_reuse": 1.0}


def steps(pipeline, request, **options):
    return [e for e in engine.generate(pipeline, request, **options) if isinstance(e, Step)]


def latents(made):
    return made[-1].snapshot.latents


class Counted:
    """How often the middle of the network runs, and for how many halves each call is."""

    def __init__(self, unet, monkeypatch):
        self.deep, self.halves = 0, []
        middle, whole = unet.mid_block.forward, unet.forward

        def through_middle(*inputs, **options):
            self.deep += 1
            return middle(*inputs, **options)

        def call(sample, timestep, text, *inputs, **options):
            self.halves.append(len(text))
            return whole(sample, timestep, text, *inputs, **options)

        monkeypatch.setattr(unet.mid_block, "forward", through_middle)
        monkeypatch.setattr(unet, "forward", call)


def test_the_deep_layers_run_in_every_nth_evaluation(tiny_pipeline, monkeypatch):
    counted = Counted(tiny_pipeline.unet, monkeypatch)
    steps(tiny_pipeline, REQUEST)
    assert counted.deep == 9
    for reuse, deep in ((2, 5), (3, 3), (5, 2), (10, 1)):
        counted.deep = 0
        steps(tiny_pipeline, replace(REQUEST, feature_reuse=reuse))
        assert counted.deep == deep


def test_the_unconditional_half_is_left_out_where_guidance_is_steady(tiny_pipeline, monkeypatch):
    counted = Counted(tiny_pipeline.unet, monkeypatch)
    made = steps(tiny_pipeline, replace(REQUEST, guidance_reuse=1.0))
    # It takes two evaluations to see how far the guidance turns, and after one that did without the
    # next one looks again.
    assert counted.halves[:2] == [2, 2]
    assert all(a + b > 2 for a, b in pairwise(counted.halves))
    assert counted.halves.count(1) >= 3
    for step in made:  # the slider still acts on each of them
        for scale in (1.0, 4.0, 9.0):
            assert torch.isfinite(engine.reguide(tiny_pipeline, step.snapshot, scale)).all()
        assert torch.equal(
            engine.reguide(tiny_pipeline, step.snapshot, 4.0), step.snapshot.denoised
        )
    counted.halves.clear()
    steps(tiny_pipeline, replace(REQUEST, guidance_reuse=1e-9))
    assert counted.halves == [2] * 9


def test_other_words_are_not_told_what_was_made_under_these(tiny_pipeline, monkeypatch):
    counted = Counted(tiny_pipeline.unet, monkeypatch)
    turn = Edit(4, "prompt", "an owl")
    steps(tiny_pipeline, replace(REQUEST, edits=(turn,), feature_reuse=10))
    assert counted.deep == 2
    counted.halves.clear()
    steps(tiny_pipeline, replace(REQUEST, edits=(turn,), guidance_reuse=1.0))
    assert counted.halves[4:6] == [2, 2]
    assert 1 in counted.halves[6:]


@pytest.mark.parametrize("scheduler", engine.schedulers.names())
def test_a_run_goes_on_from_any_snapshot_bit_for_bit(tiny_pipeline, scheduler):
    request = replace(REQUEST, scheduler=scheduler, **BOTH)
    made = steps(tiny_pipeline, request)
    for step in made[:-1]:
        assert torch.equal(
            latents(steps(tiny_pipeline, request, start=step.snapshot)), latents(made)
        )


def test_an_image_is_the_same_alone_and_among_others(tiny_pipeline):
    request = replace(REQUEST, count=3, **BOTH)
    together = latents(steps(tiny_pipeline, request))
    for index in range(3):
        alone = replace(request, count=1, seed=request.seed + index)
        assert torch.equal(latents(steps(tiny_pipeline, alone)), together[index : index + 1])


def test_what_is_taken_over_can_change_at_a_branch_and_is_in_the_record(tiny_pipeline):
    exact = steps(tiny_pipeline, REQUEST)
    *_, finished = engine.generate(tiny_pipeline, replace(REQUEST, **BOTH), start=exact[3].snapshot)
    assert isinstance(finished, Finished)
    assert {(e.step, e.field, e.value) for e in finished.record.edits} == {
        (4, "feature_reuse", 3),
        (4, "guidance_reuse", 1.0),
    }
    again = steps(tiny_pipeline, finished.record.request)
    assert torch.equal(latents(again), finished.timeline[-1].latents)
    *_, whole = engine.generate(tiny_pipeline, replace(REQUEST, **BOTH))
    read = engine.Record.from_json(whole.record.to_json())
    assert (read.request.feature_reuse, read.request.guidance_reuse) == (3, 1.0)


def test_what_is_left_to_the_next_evaluation_counts_in_the_timeline(tiny_pipeline):
    exact, economical = engine.Timeline(), engine.Timeline()
    steps(tiny_pipeline, REQUEST, timeline=exact)
    made = steps(tiny_pipeline, replace(REQUEST, feature_reuse=3), timeline=economical)
    deep = {one.deep.data_ptr(): one.deep for s in made for one in s.snapshot.reused}
    assert len(deep) == 3  # those that are taken over are shared, not copied
    expected = sum(tensor.untyped_storage().nbytes() for tensor in deep.values())
    assert economical.size - exact.size == pytest.approx(expected, rel=0.2)


def test_steering_acts_on_the_next_step(tiny_pipeline):
    control = Control()
    events = engine.generate(tiny_pipeline, replace(REQUEST, **BOTH), control)
    seen = []
    for event in events:
        if isinstance(event, Step):
            seen.append(event.guidance_scale)
            control.set_guidance_scale(8.0)
    assert seen == [4.0] + [8.0] * 8


def test_the_levels_go_from_exact_to_fast(bundled):
    """Each level stays nearer to the exact images than the next: with much more guidance than the
    model's own by their mean, for of one image two levels may come equally near."""
    means = np.mean([_distances(bundled, 5.0, seed) for seed in (1, 7, 2, 3)], axis=0).tolist()
    assert means == sorted(means, reverse=True)


@pytest.mark.parametrize("seed", [1, 7])
def test_with_its_own_guidance_what_a_level_is_called_is_true(bundled, seed):
    distances = _distances(bundled, bundled.default_request.guidance_scale, seed)
    assert distances == sorted(distances, reverse=True)
    assert distances[-1] > 30


def _distances(pipeline, guidance, seed):
    """Of each level but the exact one, in dB from the exact image."""
    request = Request("a red apple, 3d", steps=20, guidance_scale=guidance, seed=seed)
    exact = _image(pipeline, request)
    assert np.array_equal(_image(pipeline, replace(request, **ECONOMIES[0].fields)), exact)
    return [
        _decibels(_image(pipeline, replace(request, **level.fields)), exact)
        for level in ECONOMIES[1:]
    ]


def _image(pipeline, request):
    *_, finished = engine.generate(pipeline, request)
    return np.asarray(finished.images[0], np.float64)


def _decibels(one, other):
    return 10 * math.log10(255**2 / ((one - other) ** 2).mean())
