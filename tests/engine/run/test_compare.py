"""Runs side by side: each as it would be alone, with the work that they share done once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module

import pytest
import torch

import engine
from engine import (
    Axis,
    Cancelled,
    Control,
    Edit,
    Encoded,
    EngineError,
    Finished,
    Grid,
    Request,
    Step,
    Timeline,
)

REQUEST = Request(
    "a red apple, 3d", "grey", width=64, height=64, steps=5, guidance_scale=5.0, seed=3,
    scheduler="unipc",
)  # fmt: skip
LATE = replace(REQUEST, guidance_interval=(0.4, 1.0))


def vary(step: int, amount: float, seed: int = 0) -> Edit:
    return Edit(step, "vary", {"amount": amount, "seed": seed})


class Counting:
    """A pipeline that counts its evaluations and decodes."""

    def __init__(self, pipeline):
        self._pipeline = pipeline
        self.evaluations = self.decodes = 0

    def __getattr__(self, name):
        return getattr(self._pipeline, name)

    def denoiser(self, x, t, conditioning, call):
        self.evaluations += 1
        return self._pipeline.denoiser(x, t, conditioning, call)

    @property
    def codec(self):
        return self

    def decode(self, *args):
        self.decodes += 1
        return self._pipeline.codec.decode(*args)


@pytest.fixture
def pipeline(tiny_pipeline) -> Counting:
    return Counting(tiny_pipeline)


Act = Callable[[Control], object]


def alone(pipeline, request, start=None, act: Act | None = None, at: int | None = None) -> list:
    """The events of a single run; `act` is done with its control after evaluation `at`."""
    control, events = Control(), []
    for event in engine.generate(pipeline, request, control, start):
        events.append(event)
        if act and isinstance(event, Step) and event.index == at:
            act(control)
    return events


def side_by_side(
    pipeline, requests, start=None, timelines=None, act: Act | None = None, at: int | None = None
) -> list[list]:
    """The same of each of them, in one comparison."""
    controls = [Control() for _ in requests]
    told: list[list] = [[] for _ in requests]
    for number, event in engine.compare(pipeline, requests, controls, start, timelines):
        told[number].append(event)
        if act and isinstance(event, Step) and event.index == at:
            act(controls[number])
    return told


def assert_alike(told: list, single: list) -> None:
    """That two runs had the same events, snapshots, pictures and records."""
    assert [type(event) for event in told] == [type(event) for event in single]
    for one, other in zip(told, single, strict=True):
        if isinstance(other, Encoded):
            assert one == other
        if isinstance(other, Step):
            for name in ("index", "total", "timestep", "guidance_scale"):
                assert getattr(one, name) == getattr(other, name)
            assert_snapshots_alike(one.snapshot, other.snapshot)
    end, expected = told[-1], single[-1]
    for mine, theirs in zip(end.timeline, expected.timeline, strict=True):
        assert_snapshots_alike(mine, theirs)
    if isinstance(expected, Finished):
        assert end.record == expected.record
        assert [image.tobytes() for image in end.images] == [
            image.tobytes() for image in expected.images
        ]


def assert_snapshots_alike(one, other) -> None:
    assert torch.equal(one.latents, other.latents)
    assert torch.equal(one.denoised, other.denoised)
    for name in ("index", "request", "branches", "guidance_scale", "guidance_rescale"):
        assert getattr(one, name) == getattr(other, name)


CASES = {
    "scales that begin at two fifths": (
        [replace(LATE, guidance_scale=scale) for scale in (1.5, 4.0, 7.0)],
        2 + 3 * 3,
    ),
    "identical": ([REQUEST] * 3, 5),
    "nothing in common": ([replace(REQUEST, seed=seed) for seed in (3, 4)], 10),
    "prompts that change on the way": (
        [
            REQUEST,
            replace(REQUEST, edits=(Edit(3, "prompt", "an owl"),)),
            replace(REQUEST, edits=(Edit(3, "prompt", "an owl"), Edit(4, "prompt", "fog"))),
            replace(REQUEST, edits=(Edit(3, "prompt", "a cat"),)),
        ],
        5 + 2 + 1 + 2,
    ),
    "what does nothing without guidance": (
        [replace(REQUEST, guidance_scale=1.0, negative_prompt=word) for word in ("", "fog")],
        5,
    ),
    "intervals that end apart": (
        [replace(REQUEST, guidance_interval=(0.0, end)) for end in (0.5, 1.0)],
        3 + 2 * 2,
    ),
    "edits behind the end": (
        [replace(REQUEST, edits=(Edit(step, "prompt", "fog"),)) for step in (5, 6)],
        5,
    ),
    "one that ends early": (
        [replace(REQUEST, edits=(Edit(3, "finish", True),)), REQUEST],
        5,
    ),
    "one that ends at once": (
        [REQUEST, replace(REQUEST, edits=(Edit(0, "finish", True),))],
        5,
    ),
    "variations": (
        [REQUEST, *(replace(REQUEST, edits=(vary(2, 0.4, seed),)) for seed in (0, 1))],
        5 + 3 + 3,
    ),
    "schedulers, some of them with noise": (
        [
            replace(REQUEST, scheduler=name, guidance_scale=scale, guidance_interval=(0.6, 1.0))
            for name in ("euler_ancestral", "dpmpp_2m_sde", "heun")
            for scale in (3.0, 5.0)
        ],
        2 * (3 + 2 * 2) + 6 + 2 * 3,
    ),
    "a batch": ([replace(LATE, count=2, guidance_scale=scale) for scale in (2.0, 4.0)], 2 + 2 * 3),
}


@pytest.mark.parametrize(("requests", "evaluations"), CASES.values(), ids=CASES)
def test_each_run_is_as_it_would_be_alone_and_shared_work_is_done_once(
    pipeline, requests, evaluations
):
    told = side_by_side(pipeline, requests)
    assert pipeline.evaluations == evaluations
    images = [b"".join(image.tobytes() for image in events[-1].images) for events in told]
    assert pipeline.decodes == len(set(images))
    for events, request in zip(told, requests, strict=True):
        assert_alike(events, alone(pipeline, request))


STARTS = {
    "variations and the branch itself": (
        [replace(REQUEST, edits=(vary(3, 0.4, seed),)) for seed in range(3)] + [REQUEST],
        4 * 2,
    ),
    "the same branch twice": ([replace(REQUEST, guidance_scale=9.0)] * 2, 2),
    "branches that part later": (
        [
            REQUEST,
            replace(REQUEST, edits=(Edit(4, "prompt", "fog"),)),
            replace(REQUEST, guidance_scale=9.0),
            replace(REQUEST, guidance_scale=9.0, edits=(Edit(4, "prompt", "fog"),)),
        ],
        2 * (1 + 2),
    ),
}


@pytest.mark.parametrize(("requests", "evaluations"), STARTS.values(), ids=STARTS)
def test_branches_side_by_side_are_as_they_would_be_alone(pipeline, requests, evaluations):
    start = alone(pipeline, REQUEST)[-1].timeline[2]
    pipeline.evaluations = 0
    told = side_by_side(pipeline, requests, start)
    assert pipeline.evaluations == evaluations
    for events, request in zip(told, requests, strict=True):
        assert_alike(events, alone(pipeline, request, start))
        again = alone(pipeline, events[-1].record.request)[-1]
        assert again.images[0].tobytes() == events[-1].images[0].tobytes()


def test_one_step_of_each_in_turn(pipeline):
    requests = [replace(LATE, guidance_scale=scale) for scale in (2.0, 4.0, 6.0)]
    steps = [
        (event.index, number)
        for number, event in engine.compare(pipeline, requests)
        if isinstance(event, Step)
    ]
    assert [index for index, _ in steps] == [index for index in range(5) for _ in requests]
    assert sorted(steps) == [(index, number) for index in range(5) for number in range(3)]


def test_a_prompt_is_encoded_once_for_a_whole_grid(tiny_pipeline, monkeypatch):
    texts, encode = 0, tiny_pipeline.text.encoder.forward

    def counted(*args, **kwargs):
        nonlocal texts
        texts += 1
        return encode(*args, **kwargs)

    monkeypatch.setattr(tiny_pipeline.text.encoder, "forward", counted)
    grid = Grid((Axis.parse("seed", "0..3"), Axis.parse("guidance", "2,4")))
    unread = replace(REQUEST, prompt="a word of this test", negative_prompt="another", steps=1)
    told = side_by_side(tiny_pipeline, grid.requests(unread))
    assert all(isinstance(events[-1], Finished) for events in told)
    assert texts == 2


# Steered alike


LIVE = {
    "a prompt before they part": (
        lambda control: control.set_prompt("an owl"),
        0,
        [replace(LATE, guidance_scale=scale) for scale in (2.0, 4.0)],
    ),
    "a prompt after they parted": (
        lambda control: control.set_prompt("an owl", negative="blue"),
        3,
        [replace(LATE, guidance_scale=scale) for scale in (2.0, 4.0)],
    ),
    "a scale that makes them one": (
        lambda control: control.set_guidance_scale(9.0),
        0,
        [replace(LATE, guidance_scale=scale) for scale in (2.0, 4.0)],
    ),
    "a scale that parts them": (
        lambda control: (control.set_guidance_scale(9.0), control.set_prompt("an owl")),
        2,
        [
            replace(REQUEST, guidance_scale=1.0, negative_prompt=word, scheduler="euler_ancestral")
            for word in ("", "fog", "rain", "fog")
        ],
    ),
    "an early end in common": (
        lambda control: control.finish(),
        0,
        [replace(LATE, guidance_scale=scale) for scale in (2.0, 4.0)],
    ),
    "an early end": (
        lambda control: control.finish(),
        3,
        [replace(LATE, guidance_scale=scale) for scale in (2.0, 4.0)],
    ),
    "a stop in common": (
        lambda control: control.cancel(),
        0,
        [replace(LATE, guidance_scale=scale) for scale in (2.0, 4.0)],
    ),
    "a stop": (
        lambda control: control.cancel(),
        3,
        [replace(LATE, guidance_scale=scale) for scale in (2.0, 4.0)],
    ),
}


@pytest.mark.parametrize(("act", "at", "requests"), LIVE.values(), ids=LIVE)
def test_what_is_steered_in_all_of_them_is_in_each_as_if_it_were_alone(pipeline, act, at, requests):
    told = side_by_side(pipeline, requests, act=act, at=at)
    for events, request in zip(told, requests, strict=True):
        assert_alike(events, alone(pipeline, request, act=act, at=at))


def test_steering_what_is_shared_costs_no_evaluation(pipeline):
    requests = [replace(LATE, guidance_scale=scale) for scale in (2.0, 4.0)]
    side_by_side(pipeline, requests, act=lambda control: control.set_prompt("an owl"), at=0)
    assert pipeline.evaluations == 2 + 2 * 3


def test_cancelling_before_the_start_ends_all(pipeline):
    controls = [Control() for _ in range(3)]
    for control in controls:
        control.cancel()
    requests = [replace(REQUEST, seed=seed) for seed in (1, 2, 2)]
    told = list(engine.compare(pipeline, requests, controls))
    assert sorted(number for number, _ in told) == [0, 1, 2]
    assert all(isinstance(event, Cancelled) and event.at == 0 for _, event in told)
    assert pipeline.evaluations == 0


# What goes wrong


def test_a_run_that_fails_leaves_the_others(pipeline):
    requests = [
        REQUEST,
        replace(REQUEST, scheduler="no such"),
        replace(REQUEST, width=60),
        replace(REQUEST, eta=0.5),
        replace(REQUEST, edits=(Edit(3, "scheduler_options", {"use_karras_sigmas": True}),)),
    ]
    told = side_by_side(pipeline, requests)
    assert isinstance(told[0][-1], Finished)
    messages = ("no such", "width: 60", "eta: ", "scheduler_options: ")
    for events, message in zip(told[1:], messages, strict=True):
        assert isinstance(events[-1], EngineError)
        assert message in str(events[-1])
        assert not any(isinstance(event, EngineError) for event in events[:-1])
    assert [len(events) for events in told] == [7, 1, 1, 1, 5]
    assert pipeline.evaluations == 5  # the last had three in common with the first


def test_runs_that_fail_together_all_say_so(pipeline, monkeypatch):
    def full(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(pipeline._pipeline.unet, "forward", full)
    told = side_by_side(pipeline, [REQUEST, REQUEST, replace(REQUEST, seed=9)])
    assert all(isinstance(events[-1], engine.OutOfMemory) for events in told)


def test_a_snapshot_of_another_run_is_an_error_of_that_cell(pipeline):
    start = alone(pipeline, REQUEST)[-1].timeline[2]
    told = side_by_side(pipeline, [replace(REQUEST, seed=4), REQUEST], start)
    assert "start: " in str(told[0][-1])
    assert isinstance(told[1][-1], Finished)


def test_nothing_to_compare_is_nothing(pipeline):
    assert side_by_side(pipeline, []) == []


@pytest.mark.parametrize("events", [1, 3, 8, 12])
def test_closing_it_closes_all_runs(pipeline, monkeypatch, events):
    opened = []  # which also keeps them from being closed by nobody having them any more

    def watched(*args):
        opened.append(engine.generate(*args))
        return opened[-1]

    monkeypatch.setattr(import_module("engine.run.compare"), "generate", watched)
    runs = engine.compare(pipeline, [replace(LATE, guidance_scale=s) for s in (2.0, 4.0, 6.0)])
    for _ in range(events):
        next(runs)
    assert len(opened) == (1 if events < 7 else 3)
    assert all(run.gi_frame for run in opened)
    runs.close()
    assert not any(run.gi_frame for run in opened)
    assert isinstance(alone(pipeline, REQUEST)[-1], Finished)


# Timelines


def test_snapshots_go_to_the_timelines_that_are_given(pipeline):
    timelines = [Timeline() for _ in range(3)]
    requests = [replace(LATE, guidance_scale=scale) for scale in (2.0, 4.0, 4.0)]
    told = side_by_side(pipeline, requests, timelines=timelines)
    for events, timeline in zip(told, timelines, strict=True):
        assert events[-1].timeline is timeline
        assert [snapshot.index for snapshot in timeline] == [0, 1, 2, 3, 4]
    # Where they have steps in common, the tensors are the same ones.
    first, second, third = (timeline[1] for timeline in timelines)
    assert first.state.sample is second.state.sample is third.state.sample
    assert first.request != second.request == third.request


def test_one_can_branch_from_a_step_that_was_shared(pipeline):
    requests = [replace(LATE, guidance_scale=scale) for scale in (2.0, 4.0)]
    told = side_by_side(pipeline, requests)
    start = told[1][-1].timeline[0]
    branch = alone(pipeline, replace(requests[1], prompt="an owl"), start)[-1]
    assert branch.record.edits == (Edit(1, "prompt", "an owl"),)
    assert branch.record.branches == (1,)
    again = alone(pipeline, branch.record.request)[-1]
    assert again.images[0].tobytes() == branch.images[0].tobytes()
