"""Broken and hostile bytes at every door: some seconds each in the ordinary suite, always the same
ones first; `pytest -m endurance tests/endurance/test_fuzz.py -s` takes 30 minutes with others, and
loads models and opens windows, of which some seconds would see a handful.
"""

from __future__ import annotations

import sys
import time

import pytest

from tests.endurance.doors import DOORS, TRAPS
from tests.endurance.fuzz import fuzzed

SLOW = ("loads", "homes")
SECONDS = 4.0
"""Of cases, beside what a process takes to begin."""


@pytest.mark.timeout(600)
@pytest.mark.parametrize("door", [door for door in DOORS if door not in SLOW])
def test_a_door_takes_or_refuses_in_a_sentence(door: str) -> None:
    tried = fuzzed(SECONDS, 22, (door,))
    assert not tried.faults, "\n\n".join(map(str, tried.faults))
    assert tried.cases[door] > 0


@pytest.mark.endurance
@pytest.mark.timeout(7200)
def test_half_an_hour_at_every_door() -> None:
    seed = int(time.time())
    print(f"seed {seed}")
    tried = fuzzed(1800.0, seed, tuple(DOORS), print)
    assert not tried.faults, "\n\n".join(map(str, tried.faults))


@pytest.mark.parametrize(
    ("trap", "words"),
    [("raising", "KeyError: 'x'"), ("ending", "ended with 3"), ("greedy", "MemoryError"),
     ("slow", "2.2 s of work")],
)  # fmt: skip
def test_every_kind_of_fault_is_found(trap: str, words: str) -> None:
    assert trap in TRAPS
    if trap == "greedy" and sys.platform != "linux":
        pytest.skip("only Linux bounds the memory of a process")
    (fault, *_) = fuzzed(1.0, 1, (trap,)).faults
    assert (fault.door, fault.seed, fault.case) == (trap, 1, 0)
    assert words in fault.what
    assert f"--door {trap} --seed 1 --case 0" in str(fault)
