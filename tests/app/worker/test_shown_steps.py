"""Which steps of a run are shown."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from app.worker.shown_steps import EVERY_STEP, SHOWN_EVERY, ShownSteps
from tests.app.worker.conftest import Clock


def evaluation(index: int, total: int, seconds: float) -> Any:
    return SimpleNamespace(index=index, total=total, seconds=seconds)


@pytest.mark.parametrize(("total", "seconds"), [(EVERY_STEP, 0.0), (1000, 1.01 * SHOWN_EVERY)])
def test_every_step_is_shown_in_a_short_or_slow_run(total: int, seconds: float) -> None:
    clock = Clock()
    shown_steps = ShownSteps(clock)
    for index in range(total):
        assert shown_steps.shows(evaluation(index, total, seconds))
        assert shown_steps.seconds_a_step(0.25) == seconds + 0.25
        clock.now += seconds


def test_a_long_quick_run_shows_thirty_a_second_and_its_last_step() -> None:
    clock = Clock()
    shown_steps = ShownSteps(clock)
    shown, paces = [], []
    for index in range(1000):
        if shown_steps.shows(evaluation(index, 1000, 0.005)):
            shown.append(index)
            paces.append(shown_steps.seconds_a_step(0.0))
        clock.now += 0.005
    assert (shown[0], shown[-1]) == (0, 999)
    assert 1000 * 0.005 / SHOWN_EVERY * 0.9 < len(shown) <= 1000 * 0.005 / SHOWN_EVERY + 2
    assert paces == [pytest.approx(0.005)] * len(paces)
