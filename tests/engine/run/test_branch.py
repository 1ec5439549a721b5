"""Branches from any step, each of which its record makes again from nothing, over every
scheduler."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

import engine
from engine import Edit, RequestError
from tests.engine.run.running import (
    CURVE,
    EVERY_SCHEDULER,
    REQUEST,
    latents,
    pictures,
    replays,
    run,
    steered,
)


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
