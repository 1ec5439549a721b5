"""What a person does to a run under way, and what a branch is: the same on both engines."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

import engine
from engine.request.request import Edit
from tests.contract.conftest import STEPS, UnderTest


def run_to(
    under_test: UnderTest, control: engine.Control, act: Any, after: int, **more: Any
) -> list[Any]:
    """All events of a run, in which `act` is called after so many steps."""
    events = []
    if after == 0:
        act()
    request = more.pop("request", None) or under_test.request()
    for event in under_test.door.generate(under_test.pipeline, request, control, **more):
        events.append(event)
        if isinstance(event, engine.Step) and event.index + 1 == after:
            act()
    return events


@pytest.fixture
def control() -> engine.Control:
    return engine.Control()


@pytest.mark.parametrize("after", [0, 1, 2])
def test_cancelling_ends_the_run_without_an_image(
    engine_under_test: UnderTest, control: engine.Control, after: int
) -> None:
    events = run_to(engine_under_test, control, control.cancel, after)
    assert isinstance(events[-1], engine.Cancelled)
    assert events[-1].at == after == len(engine_under_test.steps(events))
    assert [snapshot.index for snapshot in events[-1].timeline] == list(range(after))


@pytest.mark.parametrize(("after", "made"), [(0, 1), (1, 1), (2, 2)])
def test_finishing_makes_an_image_of_what_is_there(
    engine_under_test: UnderTest, control: engine.Control, after: int, made: int
) -> None:
    events = run_to(engine_under_test, control, control.finish, after)
    assert isinstance(events[-1], engine.Finished)
    assert events[-1].record.executed_steps == made == len(engine_under_test.steps(events))
    assert [edit.field for edit in events[-1].record.request.edits] == ["finish"]


@pytest.mark.parametrize("act", ["resume", "cancel"])
def test_pausing_holds_the_run_before_its_next_step(
    engine_under_test: UnderTest, control: engine.Control, act: str
) -> None:
    order: list[str] = []

    def go_on() -> None:
        order.append(act)
        getattr(control, act)()

    def hold() -> None:
        control.pause()
        threading.Timer(0.15, go_on).start()

    events = run_to(engine_under_test, control, hold, 1)
    assert order == [act]
    last = engine.Finished if act == "resume" else engine.Cancelled
    assert isinstance(events[-1], last)
    assert len(engine_under_test.steps(events)) == (STEPS if act == "resume" else 1)


@pytest.mark.parametrize(
    ("field", "value"),
    [("guidance_scale", 9.0), ("guidance_rescale", 0.25), ("negative_prompt", "rain")],
)
def test_what_is_set_acts_from_the_next_step_on_and_is_logged(
    engine_under_test: UnderTest, control: engine.Control, field: str, value: Any
) -> None:
    events = run_to(engine_under_test, control, lambda: control.set(field, value), 2)
    steps = engine_under_test.steps(events)
    logged = (Edit(2, field, value),)
    assert [step.snapshot.request.edits for step in steps] == [(), (), logged, logged]
    assert events[-1].record.request.edits == logged
    if field == "guidance_scale":
        assert [step.guidance_scale for step in steps[2:]] == [value, value]
        assert value not in [step.guidance_scale for step in steps[:2]]


def test_what_cannot_be_set_is_refused_where_it_is_set(control: engine.Control) -> None:
    for field, value in (("steps", 9), ("guidance_scale", -1.0), ("no such field", 1)):
        with pytest.raises(engine.RequestError):
            control.set(field, value)


def test_what_changes_nothing_is_not_logged(
    engine_under_test: UnderTest, control: engine.Control
) -> None:
    scale = engine_under_test.request().guidance_scale
    events = run_to(engine_under_test, control, lambda: control.set("guidance_scale", scale), 1)
    assert events[-1].record.request.edits == ()


def test_a_new_prompt_is_read_before_the_next_step(
    engine_under_test: UnderTest, control: engine.Control
) -> None:
    events = run_to(engine_under_test, control, lambda: control.set_prompt("a cat", "rain"), 2)
    names = [type(event).__name__ for event in events]
    assert names == ["Encoded", "Step", "Step", "Encoded", "Step", "Step", "Finished"]
    edits = events[-1].record.request.edits
    assert {(edit.step, edit.field, edit.value) for edit in edits} == {
        (2, "prompt", "a cat"),
        (2, "negative_prompt", "rain"),
    }


def test_edits_of_a_request_are_done_again(
    engine_under_test: UnderTest, control: engine.Control
) -> None:
    steered = run_to(engine_under_test, control, lambda: control.set("guidance_scale", 9.0), 2)
    again = engine_under_test.run(steered[-1].record.request)
    assert again[-1].images[0].tobytes() == steered[-1].images[0].tobytes()
    assert again[-1].record.request == steered[-1].record.request


class TestBranches:
    @pytest.fixture
    def origin(self, engine_under_test: UnderTest) -> list[Any]:
        return engine_under_test.run()

    def test_an_identical_request_comes_to_the_same(
        self, engine_under_test: UnderTest, origin: list[Any]
    ) -> None:
        start = origin[-1].timeline.at(1)
        branch = engine_under_test.run(start=start)
        steps = engine_under_test.steps(branch)
        assert [step.index for step in steps] == [2, 3]
        last = engine_under_test.steps(origin)[-1].snapshot
        assert np.array_equal(np.asarray(steps[-1].snapshot.latents), np.asarray(last.latents))
        assert branch[-1].record.branches == ()
        assert branch[-1].record.request == origin[-1].record.request
        assert branch[-1].images[0].tobytes() == origin[-1].images[0].tobytes()

    def test_another_guidance_is_a_branch(
        self, engine_under_test: UnderTest, origin: list[Any]
    ) -> None:
        start = origin[-1].timeline.at(1)
        request = engine_under_test.request(guidance_scale=9.0)
        branch = engine_under_test.run(request, start=start)
        record = branch[-1].record
        assert record.branches == (2,)
        assert record.request == engine_under_test.request(edits=(Edit(2, "guidance_scale", 9.0),))
        assert record.executed_steps == STEPS
        assert branch[-1].timeline.at(1) is None
        assert {one.branches for one in branch[-1].timeline} == {(2,)}

    def test_a_branch_of_a_branch_remembers_both(
        self, engine_under_test: UnderTest, origin: list[Any]
    ) -> None:
        first = engine_under_test.run(
            engine_under_test.request(guidance_scale=9.0), start=origin[-1].timeline.at(0)
        )
        second = engine_under_test.run(
            engine_under_test.request(guidance_scale=5.0), start=first[-1].timeline.at(2)
        )
        assert second[-1].record.branches == (1, 3)

    def test_fresh_noise_is_an_edit_where_it_is_left(
        self, engine_under_test: UnderTest, origin: list[Any]
    ) -> None:
        vary = Edit(2, "vary", {"amount": 0.3, "seed": 5})
        request = engine_under_test.request(edits=(vary,))
        branch = engine_under_test.run(request, start=origin[-1].timeline.at(1))
        assert branch[-1].record.request.edits == (vary,)

    def test_another_seed_is_none(self, engine_under_test: UnderTest, origin: list[Any]) -> None:
        with pytest.raises(engine.RequestError, match="seed"):
            engine_under_test.run(
                engine_under_test.request(seed=8), start=origin[-1].timeline.at(1)
            )
