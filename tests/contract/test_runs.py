"""What a run tells, in which order, and what it leaves."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import numpy as np
import pytest

import engine
from engine.run.runner import RunPlan
from tests.contract.conftest import SIDE, STEPS, UnderTest


def names(events: list[Any]) -> list[str]:
    return [type(event).__name__ for event in events]


def test_a_run_is_read_stepped_and_finished(engine_under_test: UnderTest) -> None:
    events = engine_under_test.run()
    assert names(events) == ["Encoded", *["Step"] * STEPS, "Finished"]
    first, *steps, last = events
    assert first.token_count > 0
    assert (first.truncated, first.negative_truncated) == ("", "")
    assert [(step.index, step.total) for step in steps] == [(i, STEPS) for i in range(STEPS)]
    assert {step.guidance_scale for step in steps} == {engine_under_test.request().guidance_scale}
    assert all(step.seconds >= 0 for step in steps)
    assert [image.size for image in last.images] == [(SIDE, SIDE)]
    assert last.images[0].mode == "RGB"


def test_the_record_says_what_was_done(engine_under_test: UnderTest) -> None:
    request, pipeline = engine_under_test.request(), engine_under_test.pipeline
    (*_, finished) = engine_under_test.run(request)
    record = finished.record
    assert (record.request, record.executed_steps, record.branches) == (request, STEPS, ())
    assert (record.checkpoint, record.sha256) == (pipeline.name, pipeline.checkpoint_sha256())
    assert record.device == "cpu"
    assert record.versions["safelight"]


def test_every_step_leaves_a_snapshot(engine_under_test: UnderTest) -> None:
    events = engine_under_test.run()
    timeline = events[-1].timeline
    assert [snapshot.index for snapshot in timeline] == list(range(STEPS))
    for step in engine_under_test.steps(events):
        snapshot = step.snapshot
        assert timeline.at(step.index) is snapshot
        assert (snapshot.state.index, snapshot.state.total) == (step.index + 1, STEPS)
        assert snapshot.unconditional is not None
        assert snapshot.scheduler.entries
        assert snapshot.input_scale > 0
        assert snapshot.request == events[-1].record.request


def test_a_timeline_gives_the_step_or_the_nearest_before(engine_under_test: UnderTest) -> None:
    door = engine_under_test.door
    timeline = door.Timeline(2**30)
    for step in engine_under_test.steps(engine_under_test.run())[1::2]:
        timeline.add(step.snapshot)
    assert timeline.at(0) is None
    assert [timeline.at(index).index for index in range(1, 9)] == [1, 1, 3, 3, 3, 3, 3, 3]
    bare = timeline.size
    assert bare > 0
    for index, beside in ((1, 300), (1, 200), (3, 500), (2, 900)):  # 2 is not there
        timeline.weigh(index, beside)
    assert timeline.size == bare + 700


def test_without_guidance_there_is_one_prediction(engine_under_test: UnderTest) -> None:
    events = engine_under_test.run(engine_under_test.request(guidance_scale=1.0))
    steps = engine_under_test.steps(events)
    assert {step.snapshot.unconditional for step in steps} == {None}


def test_several_images_at_once(engine_under_test: UnderTest) -> None:
    (*_, finished) = engine_under_test.run(engine_under_test.request(count=3, steps=1))
    assert len(finished.images) == 3


def test_the_same_request_gives_the_same_image(engine_under_test: UnderTest) -> None:
    images = [engine_under_test.run()[-1].images[0].tobytes() for _ in range(2)]
    assert images[0] == images[1]
    other = engine_under_test.run(engine_under_test.request(seed=8))[-1].images[0]
    assert other.tobytes() != images[0]


@pytest.mark.parametrize(
    ("fields", "error", "named"),
    [
        ({"width": SIDE + 1}, engine.RequestError, "width"),
        ({"height": 8200}, engine.RequestError, "height"),
        ({"scheduler": "no such scheduler"}, engine.SchedulerError, "no such scheduler"),
        ({"class_label": 3}, engine.RequestError, "class_label"),
    ],
)
def test_what_does_not_suit_the_model_is_told_before_any_work(
    engine_under_test: UnderTest, fields: dict[str, Any], error: type[Exception], named: str
) -> None:
    request = engine_under_test.request(**fields)
    with pytest.raises(error, match=named):
        next(engine_under_test.door.generate(engine_under_test.pipeline, request))


def test_a_run_that_is_closed_leaves_the_model_as_it_was(engine_under_test: UnderTest) -> None:
    door, pipeline = engine_under_test.door, engine_under_test.pipeline
    with closing(door.generate(pipeline, engine_under_test.request())) as events:
        assert names([next(events), next(events)]) == ["Encoded", "Step"]
    assert list(events) == []
    assert names(engine_under_test.run())[-1] == "Finished"


class TestSideBySide:
    def test_each_run_has_its_own_events(self, engine_under_test: UnderTest) -> None:
        door, pipeline = engine_under_test.door, engine_under_test.pipeline
        requests = [engine_under_test.request(seed=seed, steps=2) for seed in (1, 2)]
        timelines = [door.Timeline(2**30) for _ in requests]
        plan = RunPlan(tuple(requests))
        events = list(door.LocalRunner(pipeline).run(plan, None, timelines))
        for number, request in enumerate(requests):
            own = [event for told, event in events if told == number]
            assert names(own) == ["Encoded", "Step", "Step", "Finished"]
            assert own[-1].record.request == request
            assert own[-1].timeline is timelines[number]
            assert [snapshot.index for snapshot in timelines[number]] == [0, 1]

    def test_one_that_fails_leaves_the_others(self, engine_under_test: UnderTest) -> None:
        door, pipeline = engine_under_test.door, engine_under_test.pipeline
        requests = engine_under_test.request(width=SIDE + 1), engine_under_test.request(steps=1)
        events = list(door.LocalRunner(pipeline).run(RunPlan(requests)))
        failed = [event for told, event in events if told == 0]
        assert [type(error) for error in failed] == [engine.RequestError]
        assert names([event for told, event in events if told == 1])[-1] == "Finished"

    def test_a_single_run_that_fails_is_told_too(self, engine_under_test: UnderTest) -> None:
        runner = engine_under_test.door.LocalRunner(engine_under_test.pipeline)
        plan = RunPlan((engine_under_test.request(width=SIDE + 1),))
        ((number, error),) = runner.run(plan)
        assert (number, type(error)) == (0, engine.RequestError)

    def test_each_is_steered_by_its_own_control(self, engine_under_test: UnderTest) -> None:
        runner = engine_under_test.door.LocalRunner(engine_under_test.pipeline)
        controls = engine.Control(), engine.Control()
        plan = RunPlan(tuple(engine_under_test.request(seed=seed) for seed in (1, 2)))
        with closing(runner.run(plan, controls)) as events:
            ends = {}
            for number, event in events:
                if isinstance(event, engine.Step) and (number, event.index) == (0, 0):
                    controls[0].cancel()
                ends[number] = type(event).__name__
        assert ends == {0: "Cancelled", 1: "Finished"}


class TestPictures:
    @pytest.fixture
    def snapshot(self, engine_under_test: UnderTest) -> Any:
        return engine_under_test.steps(engine_under_test.run())[1].snapshot

    @pytest.mark.parametrize("kind", ["auto", "linear", "vae"])
    def test_are_bytes_of_rgb(self, engine_under_test: UnderTest, snapshot: Any, kind: str) -> None:
        door, pipeline = engine_under_test.door, engine_under_test.pipeline
        made = door.previewed(pipeline, snapshot.denoised, kind)
        assert made.pixels.dtype == np.uint8
        assert made.pixels.ndim == 3 and made.pixels.shape[2] == 3
        assert made.kind in ("vae", "tiny", "linear", "image")
        if kind == "vae":
            assert made.pixels.shape == (SIDE, SIDE, 3)
            assert (door.preview(pipeline, snapshot.denoised, kind) == made.pixels).all()

    def test_of_the_noisy_latents_too(self, engine_under_test: UnderTest, snapshot: Any) -> None:
        noisy = snapshot.latents * snapshot.input_scale
        made = engine_under_test.door.previewed(engine_under_test.pipeline, noisy, kind="linear")
        assert made.pixels.dtype == np.uint8 and made.pixels.shape[2] == 3

    def test_of_an_unknown_kind_there_are_none(
        self, engine_under_test: UnderTest, snapshot: Any
    ) -> None:
        with pytest.raises(engine.EngineError, match="sketch"):
            engine_under_test.door.previewed(
                engine_under_test.pipeline, snapshot.denoised, "sketch"
            )

    def test_in_full_can_be_given_up(self, engine_under_test: UnderTest, snapshot: Any) -> None:
        def poll() -> None:
            raise KeyError("something else is looked at")

        with pytest.raises(KeyError):
            engine_under_test.door.previewed(
                engine_under_test.pipeline, snapshot.denoised, "vae", poll=poll
            )

    @pytest.mark.parametrize("rescale", [None, 0.0, 0.5])
    def test_under_another_guidance(
        self, engine_under_test: UnderTest, snapshot: Any, rescale: float | None
    ) -> None:
        door, pipeline = engine_under_test.door, engine_under_test.pipeline
        with door.core_left_free():
            latents = door.reguide(pipeline, snapshot, 9.0, rescale)
        assert latents.shape == snapshot.denoised.shape
        assert latents.dtype == snapshot.denoised.dtype
        assert door.previewed(pipeline, latents, "vae").pixels.shape == (SIDE, SIDE, 3)
