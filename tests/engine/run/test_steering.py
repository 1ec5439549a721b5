"""Steering: edits in mid-run, branches, variations and early ends, each of which its record makes
again from nothing, over every scheduler."""

from __future__ import annotations

import math
import threading
from dataclasses import replace

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

import engine
from engine import Control, Edit, Encoded, Finished, Request, RequestError, Step
from engine.request.conditions import conditions, edited
from engine.request.request import MAX_SEED
from engine.run.branch import branched, part_at
from engine.run.generate import _varied
from tests import tiny

REQUEST = Request(
    "a red apple, 3d", "grey", width=64, height=64, steps=4, guidance_scale=5.0, seed=3
)
CURVE = ((0.0, 1.0), (0.4, 8.0), (1.0, 3.0))
EVERY_SCHEDULER = pytest.mark.parametrize("scheduler", engine.schedulers.names())


def run(pipeline, request, control=None, start=None) -> Finished:
    *_, last = engine.generate(pipeline, request, control, start)
    assert isinstance(last, Finished)
    return last


def steered(pipeline, request, acts, start=None) -> list:
    """The events of a run in which `acts` (by evaluation) were done with its control after it."""
    control, events = Control(), []
    for event in engine.generate(pipeline, request, control, start):
        events.append(event)
        if isinstance(event, Step) and event.index in acts:
            acts[event.index](control)
    return events


def pictures(finished: Finished) -> list[bytes]:
    return [image.tobytes() for image in finished.images]


def latents(finished: Finished) -> torch.Tensor:
    return finished.timeline[-1].latents


def replays(pipeline, finished: Finished) -> bool:
    """Whether the record makes the same again from nothing, latents, pictures and record."""
    again = run(pipeline, finished.record.request)
    return (
        torch.equal(latents(again), latents(finished))
        and pictures(again) == pictures(finished)
        and again.record.request == finished.record.request
        and again.record.executed_steps == finished.record.executed_steps
    )


@pytest.fixture
def evaluations(tiny_pipeline, monkeypatch) -> list[float]:
    """The timesteps that the tiny pipeline is asked to evaluate."""
    asked, predict = [], tiny_pipeline.predict

    def counted(model_input, timestep, *rest):
        asked.append(timestep)
        return predict(model_input, timestep, *rest)

    monkeypatch.setattr(tiny_pipeline, "predict", counted)
    return asked


@pytest.fixture(scope="module")
def ddpm(tmp_path_factory):
    folder = tiny.save_ddpm(tmp_path_factory.mktemp("steering") / "ddpm", tiny.DDPM_CIFAR)
    return engine.load(folder, device="cpu", dtype="float32")


# What acts on an evaluation, without any network

TOTAL = 6
steps = st.integers(0, TOTAL + 1)
scales = st.sampled_from([0.0, 1.0, 3.0, 5.0])
words = st.sampled_from(["", "an owl", "a cat"])
curves = st.sampled_from([(), ((0.0, 1.0), (1.0, 5.0)), ((0.2, 5.0), (0.6, 1.0))])
intervals = st.sampled_from([(0.0, 1.0), (0.0, 0.5), (0.4, 1.0), (0.3, 0.3)])
amounts = st.fixed_dictionaries({"amount": st.floats(0, 1), "seed": st.integers(0, 3)})
settings = {
    "prompt": words,
    "negative_prompt": words,
    "guidance_scale": scales,
    "guidance_rescale": st.sampled_from([0.0, 0.5]),
    "guidance_curve": curves,
    "guidance_easing": st.sampled_from(["linear", "cosine"]),
    "guidance_interval": intervals,
    "scheduler_options": st.sampled_from([{}, {"solver_order": 3}]),
    "eta": st.sampled_from([0.0, 0.5]),
}
set_edits = st.one_of(
    *(st.builds(Edit, steps, st.just(name), value) for name, value in settings.items()),
    st.builds(Edit, steps, st.just("vary"), amounts),
)
runs = st.builds(Request, edits=st.lists(set_edits, max_size=4).map(tuple), **settings)


@given(runs, runs, st.integers(1, TOTAL))
def test_a_branch_does_the_old_before_its_step_and_the_new_from_there_on(request, origin, fork):
    branch = branched(request, origin, fork, TOTAL)
    for index in range(TOTAL):
        done = conditions(branch, index, TOTAL)
        assert done.same_work(conditions(request if index >= fork else origin, index, TOTAL))
    assert branched(branch, origin, fork, TOTAL) == branch
    assert part_at(branch, origin, TOTAL) >= fork
    assert Request.from_json(branch.to_json()) == branch


@given(runs, set_edits)
def test_an_edit_holds_from_its_step_on_and_is_kept_only_if_it_changes_something(request, edit):
    assume(edit.step < TOTAL and edit.field not in ("vary", "guidance_curve", "guidance_easing"))
    changed = edited(request, [edit])
    for index in range(edit.step):
        assert conditions(changed, index, TOTAL) == conditions(request, index, TOTAL)
    now = conditions(changed, edit.step, TOTAL)
    if edit.field != "guidance_interval":
        assert getattr(now.request, edit.field) == edit.value
    assert edited(changed, [edit]) is changed
    if changed == request:
        assert now == conditions(request, edit.step, TOTAL)


@pytest.mark.parametrize(
    ("change", "scales", "guided"),
    [
        ({}, [5, 5, 5, 5, 5], "yyyyy"),
        ({"guidance_scale": 1.0}, [1, 1, 1, 1, 1], "....."),
        ({"guidance_scale": 0.0}, [0, 0, 0, 0, 0], "yyyyy"),
        ({"guidance_interval": (0.2, 0.6)}, [5, 5, 5, 5, 5], ".yy.."),
        ({"guidance_interval": (0.5, 0.5)}, [5, 5, 5, 5, 5], "....."),
        ({"guidance_curve": ((0, 1), (1, 9))}, [1, 3, 5, 7, 9], ".yyyy"),
        (
            {"guidance_curve": ((0, 1), (1, 9)), "edits": (Edit(2, "guidance_scale", 1.0),)},
            [1, 3, 1, 1, 1],
            ".y...",
        ),
        (
            {
                "edits": (
                    Edit(1, "guidance_curve", ((0, 1), (1, 9))),
                    Edit(3, "guidance_interval", (0.0, 0.7)),
                    Edit(4, "guidance_curve", ()),
                )
            },
            [5, 3, 5, 7, 5],
            "yyyy.",
        ),
    ],
    ids=str,
)
def test_the_scale_of_every_evaluation(change, scales, guided):
    now = [conditions(replace(REQUEST, **change), index, 5) for index in range(5)]
    assert [one.guidance_scale for one in now] == scales
    assert "".join("y" if one.guided else "." for one in now) == guided


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


# Branches


@EVERY_SCHEDULER
def test_a_branch_from_any_step_does_only_what_remains_and_replays(
    tiny_pipeline, evaluations, scheduler
):
    request = replace(REQUEST, scheduler=scheduler)
    parent = run(tiny_pipeline, request)
    change = replace(request, guidance_scale=9.0, prompt="an owl")
    for snapshot in parent.timeline:
        fork, total = snapshot.state.index, snapshot.state.total
        evaluations.clear()
        branch = run(tiny_pipeline, change, start=snapshot)
        assert len(evaluations) == total - fork
        if fork == total:
            assert pictures(branch) == pictures(parent)
            continue
        assert not torch.equal(latents(branch), latents(parent))
        assert branch.record.branches == (fork,)
        assert branch.record.edits == (
            Edit(fork, "prompt", "an owl"),
            Edit(fork, "guidance_scale", 9.0),
        )
        assert replays(tiny_pipeline, branch)


@pytest.mark.parametrize(
    ("parent", "change", "edits"),
    [
        ({}, {"guidance_scale": 9.0}, [("guidance_scale", 9.0)]),
        ({}, {"guidance_rescale": 0.7}, [("guidance_rescale", 0.7)]),
        ({}, {"prompt": ""}, [("prompt", "")]),
        ({}, {"negative_prompt": "blue"}, [("negative_prompt", "blue")]),
        ({}, {"guidance_curve": CURVE}, [("guidance_curve", CURVE)]),
        ({}, {"guidance_interval": (0.0, 0.1)}, [("guidance_interval", (0.0, 0.1))]),
        # What only acts later is no edit: the request itself leads there.
        ({}, {"guidance_interval": (0.0, 0.7)}, []),
        ({}, {"edits": (Edit(3, "prompt", "an owl"),)}, [("prompt", "an owl")]),
        ({"guidance_interval": (0.5, 1.0)}, {"guidance_scale": 9.0}, []),
        ({"guidance_curve": CURVE}, {"guidance_curve": ()}, [("guidance_curve", ())]),
        (
            {"guidance_curve": CURVE},
            {"guidance_easing": "cosine"},
            [("guidance_easing", "cosine")],
        ),
        (
            {"guidance_curve": CURVE},
            {"guidance_scale": 2.0, "guidance_curve": ()},
            [("guidance_scale", 2.0)],
        ),
        (
            {"guidance_curve": CURVE},
            {"guidance_scale": 8.0, "prompt": "an owl"},
            [("prompt", "an owl"), ("guidance_scale", 8.0), ("guidance_curve", CURVE)],
        ),
        (
            {"edits": (Edit(1, "guidance_scale", 2.0), Edit(3, "prompt", "fog"))},
            {"edits": ()},
            [("guidance_scale", 2.0), ("guidance_scale", 5.0)],
        ),
    ],
    ids=str,
)
def test_whatever_changes_at_a_branch_its_record_says_and_replays(
    tiny_pipeline, parent, change, edits
):
    origin = replace(REQUEST, scheduler="unipc", **parent)
    changed = replace(origin, **change)
    whole = run(tiny_pipeline, origin)
    branch = run(tiny_pipeline, changed, start=whole.timeline[1])
    assert [(edit.field, edit.value) for edit in branch.record.edits] == edits
    assert branch.record.branches == (2,)
    assert not torch.equal(latents(branch), latents(whole))
    assert replays(tiny_pipeline, branch)


def test_a_branch_of_a_steered_branch_names_its_whole_path(tiny_pipeline, evaluations):
    request = replace(REQUEST, scheduler="dpmpp_2m_sde", guidance_curve=CURVE)
    root = run(tiny_pipeline, request)
    acts = {1: lambda control: control.set_guidance_scale(4.0)}
    first = replace(request, prompt="an owl")
    *_, branch = steered(tiny_pipeline, first, acts, start=root.timeline[0])
    assert branch.record.branches == (1,)
    evaluations.clear()
    second = run(
        tiny_pipeline,
        replace(first, guidance_curve=(), guidance_scale=4.0, negative_prompt="fog"),
        start=branch.timeline[-2],
    )
    assert len(evaluations) == 1
    assert second.record.branches == (1, 3)
    assert second.record.edits == (
        Edit(1, "prompt", "an owl"),
        Edit(2, "guidance_scale", 4.0),
        Edit(3, "negative_prompt", "fog"),
    )
    assert replays(tiny_pipeline, second)
    back = run(tiny_pipeline, request, start=branch.timeline[-2])
    assert back.record.branches == (1, 3)
    assert replays(tiny_pipeline, back)


def test_a_branch_keeps_what_makes_the_way_to_its_step(tiny_pipeline):
    snapshot = run(tiny_pipeline, REQUEST).timeline[2]
    with pytest.raises(RequestError, match=r"start: .*seed 3.* 4\. Keep it"):
        run(tiny_pipeline, replace(REQUEST, seed=4), start=snapshot)


@pytest.mark.parametrize(
    ("scheduler", "change"),
    [
        ("unipc", {"scheduler_options": {"solver_order": 3}}),
        ("unipc", {"scheduler_options": {"predict_x0": False}}),
        ("dpmpp_2m", {"scheduler_options": {"algorithm_type": "sde-dpmsolver++"}}),
        ("dpmpp_2m", {"scheduler_options": {"solver_order": 1}, "prompt": "an owl"}),
        ("dpmpp_singlestep", {"scheduler_options": {"algorithm_type": "sde-dpmsolver++"}}),
        ("heun", {"scheduler_options": {"clip_sample": True, "clip_sample_range": 0.5}}),
        ("ddim", {"eta": 0.8}),
        ("ddpm", {"scheduler_options": {"variance_type": "fixed_large"}}),
    ],
    ids=str,
)
def test_options_on_the_same_step_grid_change_at_a_branch(tiny_pipeline, scheduler, change):
    request = replace(REQUEST, scheduler=scheduler)
    parent = run(tiny_pipeline, request)
    forks = []
    for snapshot in list(parent.timeline)[:-1]:
        if snapshot.state.index in snapshot.scheduler.entries:
            branch = run(tiny_pipeline, replace(request, **change), start=snapshot)
            forks.append(not torch.equal(latents(branch), latents(parent)))
            assert {edit.field for edit in branch.record.edits} == set(change)
            assert replays(tiny_pipeline, branch)
    assert any(forks)


@pytest.mark.parametrize(
    ("scheduler", "after", "change", "message"),
    [
        ("unipc", 2, {"use_karras_sigmas": True}, "scheduler_options: .*use_karras.*beginning"),
        ("unipc", 2, {"timestep_spacing": "trailing"}, "scheduler_options: .*step 3.*beginning"),
        ("ddim", 2, {"beta_end": 0.02}, "scheduler_options: .*noise levels.*beginning"),
        ("ddim", 2, {"no_such": 1}, "no option 'no_such'"),
        ("heun", 0, {"clip_sample": True}, "edits: .*step 1 .*heun is in the middle.*before or"),
        ("pndm", 0, {"set_alpha_to_one": True}, "edits: .*step 1 .*pndm is in the middle"),
    ],
)
def test_options_that_cannot_change_here_are_one_clear_error(
    tiny_pipeline, scheduler, after, change, message
):
    request = replace(REQUEST, scheduler=scheduler)
    snapshot = run(tiny_pipeline, request).timeline[after]
    with pytest.raises(engine.EngineError, match=message) as caught:
        run(tiny_pipeline, replace(request, scheduler_options=change), start=snapshot)
    assert "\n" not in str(caught.value)


# Variations


def vary(step: int, amount: float, seed: int = 0) -> Edit:
    return Edit(step, "vary", {"amount": amount, "seed": seed})


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
    mixed = _varied(sample, image, scheduler, index, amount, seed)
    mixed = mixed if image is None else mixed - image
    for before, after in zip(held.double(), mixed.double(), strict=True):
        scale = float(before.norm())
        assert float(after.norm()) == pytest.approx(scale, rel=1e-3, abs=1e-4)
        cosine = float((before * after).sum()) / max(scale**2, 1e-12)
        if spread >= 1:
            assert cosine == pytest.approx(math.cos(amount * math.pi / 2), abs=1e-4)
    alone = _varied(
        sample[1:], None if image is None else image[1:], scheduler, index, amount, seed + 1
    )
    assert torch.equal(alone if image is None else alone - image[1:], mixed[1:])


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
    predicted = tiny_pipeline.decode(finished.timeline[-1].denoised).pictures
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
