"""Control: any live setting is set from any thread, checked where it is set; the latest wins."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from engine import Control, Edit, RequestError
from engine.request.request import STEERABLE

VALUES = {
    "guidance_scale": 9.0,
    "guidance_rescale": 0.5,
    "prompt": "a red apple",
    "negative_prompt": "fog",
}


@pytest.mark.parametrize("field", STEERABLE)
def test_any_live_setting_is_set_once(field):
    control = Control()
    control.set(field, VALUES[field])
    assert control.take_edits(3) == (Edit(3, field, VALUES[field]),)
    assert control.take_edits(4) == ()


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("seed", 3, "'seed' cannot change at any step; guidance_scale, .* can"),
        ("eta", 0.5, "'eta' cannot change at any step"),
        ("finish", True, "'finish' cannot change at any step"),
        ("nothing", 1, "'nothing' cannot change at any step"),
        ("guidance_scale", "high", "guidance_scale: 'high' is not a finite number"),
        ("guidance_rescale", None, "guidance_rescale needs a number from 0 to 1, not None"),
        ("prompt", 7, "prompt: must be text, not 7"),
    ],
)
def test_what_cannot_be_set_is_refused_where_it_is_set(field, value, message):
    control = Control()
    with pytest.raises(RequestError, match=message):
        control.set(field, value)
    assert control.take_edits(0) == ()


def test_the_old_doors_do_the_same():
    control = Control()
    control.set_guidance_scale(2.0)
    control.set_guidance_rescale(0.1)
    control.set_prompt("an owl", negative="rain")
    assert control.take_edits(1) == (
        Edit(1, "guidance_scale", 2.0),
        Edit(1, "guidance_rescale", 0.1),
        Edit(1, "prompt", "an owl"),
        Edit(1, "negative_prompt", "rain"),
    )
    control.set_prompt("a cat")
    assert control.take_edits(2) == (Edit(2, "prompt", "a cat"),)


def test_many_threads_may_set_it_while_a_run_takes():
    control, taken = Control(), []
    with ThreadPoolExecutor(4) as threads:
        scales = [index / 10 for index in range(200)]
        done = [threads.submit(control.set, "guidance_scale", scale) for scale in scales]
        while not all(one.done() for one in done):
            taken += control.take_edits(0)
    taken += control.take_edits(0)
    assert taken and {edit.value for edit in taken} <= {*scales}
    assert all(one.exception() is None for one in done)
