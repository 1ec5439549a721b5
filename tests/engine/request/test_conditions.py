"""What acts on an evaluation, and what an edit or a branch changes of it, without any network."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine import Edit, Request
from engine.request.conditions import conditions, edited
from engine.run.branch import branched, part_at
from tests.engine.run.running import (
    REQUEST,
)

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
