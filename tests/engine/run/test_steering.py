"""Steering: edits in mid-run and early ends, each of which its record makes again from nothing,
over every scheduler."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
import torch

import engine
from engine import Control, Edit, Encoded, Finished, Request, RequestError, Step
from tests import tiny
from tests.engine.run.running import (
    CURVE,
    EVERY_SCHEDULER,
    REQUEST,
    latents,
    pictures,
    replays,
    run,
    steered,
    vary,
)


@pytest.fixture(scope="module")
def ddpm(tmp_path_factory):
    folder = tiny.save_ddpm(tmp_path_factory.mktemp("steering") / "ddpm", tiny.DDPM_CIFAR)
    return engine.load(folder, device="cpu", dtype="float32")


# Live steering


@EVERY_SCHEDULER
def test_what_is_steered_in_mid_run_is_recorded_and_replays(tiny_pipeline, scheduler):
    acts = {
        0: lambda control: (control.set_guidance_scale(9.0), control.set_prompt("an owl")),
        1: lambda control: (control.set_guidance_rescale(0.7), control.set_prompt("fog", "blue")),
        2: lambda control: control.set_guidance_scale(1.0),
    }
    request = replace(REQUEST, scheduler=scheduler)
    *events, finished = steered(tiny_pipeline, request, acts)
    assert finished.record.edits == (
        Edit(1, "guidance_scale", 9.0),
        Edit(1, "prompt", "an owl"),
        Edit(2, "guidance_rescale", 0.7),
        Edit(2, "prompt", "fog"),
        Edit(2, "negative_prompt", "blue"),
        Edit(3, "guidance_scale", 1.0),
    )
    assert finished.record.branches == ()
    again = run(tiny_pipeline, finished.record.request)
    assert pictures(again) == pictures(finished)
    assert again.record == finished.record
    made = [event for event in events if isinstance(event, Step)]
    for step, repeated in zip(made, again.timeline, strict=True):
        assert torch.equal(step.snapshot.latents, repeated.latents)
        known = [edit for edit in finished.record.edits if edit.step <= step.index]
        assert list(step.snapshot.request.edits) == known
    assert [step.guidance_scale for step in made[:4]] == [5.0, 9.0, 9.0, 1.0]
    assert [step.snapshot.guidance_rescale for step in made[1:3]] == [0.0, 0.7]
    plain = run(tiny_pipeline, request)
    same = [
        torch.equal(one.latents, other.latents)
        for one, other in zip(plain.timeline, finished.timeline, strict=True)
    ]
    assert same[:2] == [True, False]


def test_setting_what_holds_is_no_edit(tiny_pipeline):
    def as_it_is(control):
        control.set_guidance_scale(5.0)
        control.set_guidance_rescale(0.0)
        control.set_prompt(REQUEST.prompt, negative=REQUEST.negative_prompt)

    events = steered(tiny_pipeline, REQUEST, {1: as_it_is, 3: as_it_is})
    assert events[-1].record.request == run(tiny_pipeline, REQUEST).record.request
    assert sum(isinstance(event, Encoded) for event in events) == 1


def test_a_scale_takes_the_curves_place_even_if_it_is_the_requests_own(tiny_pipeline):
    request = replace(REQUEST, scheduler="ddim", guidance_curve=((0, 1), (1, 7)))
    acts = {1: lambda control: control.set_guidance_scale(5.0)}
    *_, finished = steered(tiny_pipeline, request, acts)
    assert finished.record.edits == (Edit(2, "guidance_scale", 5.0),)
    assert [snapshot.guidance_scale for snapshot in finished.timeline] == [1.0, 3.0, 5.0, 5.0]
    assert replays(tiny_pipeline, finished)


@pytest.mark.parametrize("prompt", ["Apple " * 60, "", "แอปเปิลสีแดง", "\ud83d broken"])
def test_a_prompt_changed_in_mid_run_is_read_as_at_the_start(tiny_pipeline, prompt):
    events = steered(tiny_pipeline, REQUEST, {1: lambda control: control.set_prompt(prompt)})
    kinds = [type(event) for event in events]
    assert kinds == [Encoded, Step, Step, Encoded, Step, Step, Step, Finished]
    assert events[3] == next(engine.generate(tiny_pipeline, replace(REQUEST, prompt=prompt)))
    assert bool(events[3].truncated) == (len(prompt) > 100)
    assert events[-1].record.edits == (Edit(2, "prompt", prompt),)
    assert replays(tiny_pipeline, events[-1])


def test_a_negative_prompt_changed_in_mid_run_is_told_too(tiny_pipeline):
    long = "Apple " * 60
    acts = {
        1: lambda control: control.set_prompt(REQUEST.prompt, negative=long),
        2: lambda control: control.set_prompt(REQUEST.prompt, negative="Apple"),
    }
    events = steered(tiny_pipeline, REQUEST, acts)
    told = [event for event in events if isinstance(event, Encoded)]
    assert [bool(event.negative_truncated) for event in told] == [False, True, False]
    assert not any(event.truncated for event in told)
    (note,) = (note for note in events[-1].record.notes if "too long" in note)
    assert note.startswith("the negative prompt")
    assert replays(tiny_pipeline, events[-1])


# Finish with what is there


def finish_at(pipeline, index: int, request=REQUEST, start=None) -> list:
    return steered(pipeline, request, {index: lambda control: control.finish()}, start)


@EVERY_SCHEDULER
def test_finishing_makes_an_image_of_the_last_prediction_and_replays(tiny_pipeline, scheduler):
    events = finish_at(tiny_pipeline, 1, replace(REQUEST, scheduler=scheduler))
    finished = events[-1]
    assert [event.index for event in events if isinstance(event, Step)] == [0, 1]
    assert finished.record.edits == (Edit(2, "finish", True),)
    assert finished.record.executed_steps == 2
    predicted = tiny_pipeline.codec.decode(finished.timeline[-1].denoised).pictures
    assert pictures(finished) == [pixels.tobytes() for pixels in predicted]
    assert replays(tiny_pipeline, finished)


def test_finishing_acts_inside_a_network_call(tiny_pipeline, monkeypatch):
    control = Control()
    polls = 0
    poll = control.poll_evaluation

    def finish_at_the_fifth() -> None:
        nonlocal polls
        polls += 1
        if polls == 5:
            control.finish()
        poll()

    monkeypatch.setattr(control, "poll_evaluation", finish_at_the_fifth)
    *events, finished = engine.generate(tiny_pipeline, REQUEST, control)
    assert polls == 5
    assert len(events) == 2  # the prompt, and the only evaluation that was done
    assert finished.record.edits == (Edit(1, "finish", True),)
    assert finished.record.executed_steps == 1
    assert replays(tiny_pipeline, finished)


def test_finishing_before_the_first_evaluation_makes_that_one(tiny_pipeline):
    control = Control()
    control.set_guidance_scale(2.0)
    control.finish()
    *events, finished = engine.generate(tiny_pipeline, REQUEST, control)
    assert [type(event) for event in events] == [Encoded, Step]
    assert events[-1].guidance_scale == 2.0  # what was changed before holds for it
    assert finished.record.edits == (Edit(0, "guidance_scale", 2.0), Edit(0, "finish", True))
    assert finished.record.executed_steps == 1
    assert replays(tiny_pipeline, finished)
    # From there one can go on all the same.
    steered = replace(REQUEST, edits=(Edit(0, "guidance_scale", 2.0),))
    rest = run(tiny_pipeline, steered, start=finished.timeline[0])
    assert torch.equal(latents(rest), latents(run(tiny_pipeline, steered)))
    other = run(tiny_pipeline, replace(REQUEST, prompt="an owl"), start=finished.timeline[0])
    assert other.record.executed_steps == other.timeline[-1].state.total
    assert replays(tiny_pipeline, other)


def test_a_branch_can_be_finished_where_it_begins(tiny_pipeline):
    parent = run(tiny_pipeline, REQUEST)
    control = Control()
    control.finish()
    finished = run(tiny_pipeline, REQUEST, control, start=parent.timeline[2])
    assert finished.record.executed_steps == 3
    assert len(finished.timeline) == 0
    again = run(tiny_pipeline, finished.record.request)
    assert pictures(again) == pictures(finished)


def test_finishing_ends_a_pause(tiny_pipeline):
    def pause_then_finish(control):
        control.pause()
        threading.Timer(0.1, control.finish).start()

    *events, finished = steered(tiny_pipeline, REQUEST, {1: pause_then_finish})
    assert isinstance(finished, Finished)
    assert len(events) == 3
    assert replays(tiny_pipeline, finished)


def test_finishing_after_the_last_evaluation_changes_nothing(tiny_pipeline):
    finished = finish_at(tiny_pipeline, 4)[-1]
    assert finished.record == run(tiny_pipeline, REQUEST).record


def test_cancel_after_finish_still_cancels(tiny_pipeline):
    def both(control):
        control.finish()
        control.cancel()

    *_, last = steered(tiny_pipeline, REQUEST, {1: both})
    assert isinstance(last, engine.Cancelled)
    assert (last.at, len(last.timeline)) == (2, 2)


# Models without a prompt


def test_a_model_without_a_prompt_takes_what_does_not_guide(ddpm):
    request = Request(width=32, height=32, steps=4, seed=3, scheduler="ddim", count=2)
    parent = run(ddpm, request)
    for change in (
        {"edits": (vary(2, 0.4, 3),)},
        {"eta": 0.5},
        {"scheduler_options": {"clip_sample": False}},
    ):
        branch = run(ddpm, replace(request, **change), start=parent.timeline[1])
        assert branch.record.branches == (2,)
        assert not torch.equal(latents(branch), latents(parent))
        assert replays(ddpm, branch)
        alone = run(ddpm, branch.record.of_image(1).request)
        assert pictures(alone) == pictures(branch)[1:]
    finished = finish_at(ddpm, 1, request)[-1]
    assert finished.record.edits == (Edit(2, "finish", True),)
    assert replays(ddpm, finished)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("prompt", "a cat"),
        ("negative_prompt", "a dog"),
        ("guidance_rescale", 0.5),
        ("guidance_curve", CURVE),
        ("guidance_easing", "cosine"),
        ("guidance_interval", (0.0, 0.5)),
    ],
)
def test_a_model_without_a_prompt_refuses_to_be_guided(ddpm, field, value):
    with pytest.raises(RequestError, match=f"edits: {field} .*takes no prompt"):
        run(ddpm, Request(steps=2, edits=(Edit(1, field, value),)))
