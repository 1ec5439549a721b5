"""What is kept of the last runs: a step's snapshot and its pictures go together, in one budget."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from app.state.models.model_source import ModelSource
from app.state.runs.run_memory import RunMemory
from engine.request.request import Request
from engine.run.timeline import Snapshot, Timeline
from engine.schedulers.scheduler import State
from tests.app.by_hand import begun_run, image, result, step

MODEL = ModelSource("bundled")
FLOATS = 100
SNAPSHOT = 3 * 4 * FLOATS  # the state's two tensors and the prediction, without what is shared
PICTURES = 4 * 8 * 8 + 4  # of `step`: 8 by 8 pixels, and one


def snapshots(total: int) -> list[Snapshot]:
    """As a run makes them: each begins with the state that the one before ended with."""
    state = State(0, total, torch.zeros(FLOATS))
    made = []
    for index in range(total):
        before = state
        state = State(index + 1, total, torch.zeros(FLOATS), torch.zeros(FLOATS))
        scheduler: Any = None
        made.append(
            Snapshot(
                *(index, before, state, None, torch.zeros(FLOATS), 1.0, 0.0, scheduler, ()),
                request=Request(),
            )
        )
    return made


def develop(memory: RunMemory, number: int, total: int, budget: int) -> list[int]:
    """A whole run on the engine's own timeline. The steps that went, in the order of going."""
    memory.begin(begun_run(number, total), MODEL, Timeline(budget))
    gone: list[int] = []
    for snapshot in snapshots(total):
        memory.keep(number, snapshot)
        gone += [one.index for one in memory.add(step(number, snapshot.index, total))]
    return gone


def shown(memory: RunMemory, number: int) -> list[int]:
    return [one.index for one in memory.runs[number].steps]


def test_all_steps_stay_while_they_fit() -> None:
    memory = RunMemory(2**20)
    assert develop(memory, 1, 30, 2**20) == []
    assert shown(memory, 1) == list(range(30))
    assert memory.bytes == 4 * FLOATS + 30 * (SNAPSHOT + PICTURES)
    memory.runs[1].result = result(1)
    assert memory.bytes == 4 * FLOATS + 30 * (SNAPSHOT + PICTURES) + 4 * 8 * 8


@pytest.mark.parametrize("total", [20, 47, 100])
def test_a_step_loses_its_snapshot_and_its_pictures_at_once(total: int) -> None:
    memory, budget = RunMemory(2**20), 10 * (SNAPSHOT + PICTURES)
    gone = develop(memory, 1, total, budget)
    kept = shown(memory, 1)
    assert kept == [snapshot.index for snapshot in memory.runs[1].snapshots]
    assert sorted(gone + kept) == list(range(total))
    assert (kept[0], kept[-1]) == (0, total - 1)
    assert memory.bytes <= budget + PICTURES


def test_pictures_count_for_what_a_run_may_take() -> None:
    """Without them these steps would all fit."""
    memory = RunMemory(2**20)
    assert develop(memory, 1, 20, 4 * FLOATS + 20 * SNAPSHOT) != []


def test_every_step_that_is_shown_can_be_left() -> None:
    memory = RunMemory(2**20)
    develop(memory, 1, 100, 10 * (SNAPSHOT + PICTURES))
    for index in shown(memory, 1):
        snapshot = memory.snapshot(1, index)
        assert snapshot is not None and snapshot.index == index
    between = memory.snapshot(1, 98)
    assert between is not None and between.index == shown(memory, 1)[-2]


def test_a_better_picture_costs_no_step() -> None:
    memory, budget = RunMemory(2**20), 4 * FLOATS + 10 * (SNAPSHOT + PICTURES)
    develop(memory, 1, 10, budget)
    before = memory.bytes
    for index in range(10):
        changed = memory.repicture(1, index, image(64), "vae")
        assert changed is not None
        assert (changed[1].kind, changed[1].predicted.width()) == ("vae", 64)
    assert shown(memory, 1) == list(range(10))
    assert memory.bytes == before + 10 * 4 * (64 * 64 - 8 * 8)
    assert memory.repicture(1, 10, image(64), "vae") is None
    assert memory.repicture(2, 0, image(64), "vae") is None


def test_the_oldest_runs_are_too_many_but_for_the_one_that_is_looked_at() -> None:
    memory = RunMemory(2**20)
    for number in (1, 2, 3, 4):
        develop(memory, number, 4, 2**20)
        memory.runs[number].running = number == 2
    memory.budget = memory.bytes // 2
    assert memory.surplus(looked_at=None) == (1, 3)
    assert memory.surplus(looked_at=1) == (3, 4)
    memory.budget = 0
    assert memory.surplus(looked_at=None) == (1, 3, 4)


def test_nothing_of_a_forgotten_run_stays() -> None:
    memory = RunMemory(2**20)
    develop(memory, 1, 4, 2**20)
    assert (memory.made_with(1), memory.snapshot(1, 9) is not None) == (MODEL, True)
    memory.forget(1)
    memory.forget(1)
    memory.keep(1, snapshots(1)[0])
    assert (dict(memory.runs), memory.bytes) == ({}, 0)
    assert (memory.made_with(1), memory.snapshot(1, 0)) == (None, None)


def test_a_branch_has_the_total_of_its_parent() -> None:
    memory = RunMemory(2**20)
    develop(memory, 1, 4, 2**20)
    memory.runs[1].total = 7  # that is what the scheduler evaluates
    memory.begin(begun_run(2, 4, parent=1, first=2), MODEL, Timeline())
    assert memory.runs[2].total == 7
