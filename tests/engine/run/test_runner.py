"""The runner of this process: one run or several tell the events that `generate` yields, and a run
that fails tells why in their place.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

import engine
from engine import Control, Finished, LocalRunner, Request, RequestError, RunPlan, Step, Timeline

REQUEST = Request(
    "a red apple",
    "grey",
    width=64,
    height=64,
    steps=4,
    guidance_scale=5.0,
    seed=3,
    scheduler="ddim",
)


def same_events(told, expected) -> bool:
    """Asserts that the two lists of events are those of one run."""
    assert [type(event) for event in told] == [type(event) for event in expected]
    for one, other in zip(told, expected, strict=True):
        if isinstance(one, Step):
            assert torch.equal(one.snapshot.latents, other.snapshot.latents)
            assert one.snapshot.request == other.snapshot.request
            assert one.snapshot.branches == other.snapshot.branches
        elif isinstance(one, Finished):
            assert [image.tobytes() for image in one.images] == [
                image.tobytes() for image in other.images
            ]
            assert (one.record.request, one.record.branches) == (
                other.record.request,
                other.record.branches,
            )
    return True


@pytest.mark.parametrize("change", [{}, {"prompt": "a pear", "guidance_scale": 8.0}])
def test_a_single_run_tells_what_generate_yields(tiny_pipeline, change):
    request, runner = replace(REQUEST, **change), LocalRunner(tiny_pipeline)
    start = list(engine.generate(tiny_pipeline, REQUEST))[-1].timeline[1]
    for from_there in (None, start):
        timeline = Timeline()
        told = list(runner.run(RunPlan((request,), from_there), timelines=[timeline]))
        assert {number for number, _ in told} == {0}
        expected = list(engine.generate(tiny_pipeline, request, start=from_there))
        assert same_events([event for _, event in told], expected)
        assert told[-1][1].timeline is timeline
        assert len(timeline) == len(expected[-1].timeline)


def test_a_steered_run_tells_what_was_steered(tiny_pipeline):
    def steered(events, control):
        for event in events:
            yield event
            if isinstance(event, Step) and event.index == 1:
                control.set_guidance_scale(9.0)

    ours, theirs = Control(), Control()
    pairs = LocalRunner(tiny_pipeline).run(RunPlan((REQUEST,)), [ours])
    told = list(steered((event for _, event in pairs), ours))
    assert same_events(told, list(steered(engine.generate(tiny_pipeline, REQUEST, theirs), theirs)))
    assert [edit.value for edit in told[-1].record.request.edits] == [9.0]


def test_a_run_that_fails_leaves_the_others_alone(tiny_pipeline):
    bad = replace(REQUEST, width=63)
    told = list(LocalRunner(tiny_pipeline).run(RunPlan((bad, REQUEST))))
    assert isinstance(told[0][1], RequestError) and told[0][0] == 0
    expected = list(engine.generate(tiny_pipeline, REQUEST))
    assert same_events([event for number, event in told if number == 1], expected)


def test_a_closed_runner_lets_go_of_its_runs(tiny_pipeline):
    events = LocalRunner(tiny_pipeline).run(RunPlan((REQUEST, replace(REQUEST, seed=4))))
    next(events)
    assert tiny_pipeline.pace.previews.left is not None  # a run is under way
    events.close()
    assert tiny_pipeline.pace.previews.left is None
