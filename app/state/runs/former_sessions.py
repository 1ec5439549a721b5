"""Former sessions: what sessions that are no more have left in the store, without the pictures that
are there. Read by the resumption, in other threads than the window's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from app import paths
from app.state.runs.plan import Plan
from app.state.store.former_files import PLAN
from app.state.store.store import Store, StoredRow, glance, value_of
from app.state.store.store_thread import BREATH, STRETCH
from engine.errors import EngineError
from engine.foreign import finite, fitted, is_there

SLACK = 100_000.0
"""Seconds by which an image may seem older than its plan: a day and some, since sticks keep the
local time, and the next computer may have another one."""
LONGEST_NUMBER = 9
"""Digits of the number of a session."""


@dataclass(frozen=True)
class UnfinishedPlan:
    """A plan that is not over. folders: where its images may be; since: when it was asked for, in
    seconds since 1970; begun: whether it was under way."""

    plan: Plan
    folders: tuple[str, ...]
    since: float
    begun: bool = False

    def to_dict(self, source: str) -> dict[str, Any]:
        """source: the model that a plan is for which names none."""
        plan = self.plan if self.plan.source else replace(self.plan, source=source)
        own = {"folders": list(self.folders), "since": self.since, "begun": self.begun}
        return {"plan": plan.to_dict(), **own}


@dataclass(frozen=True)
class _Kept:
    """What `UnfinishedPlan.to_dict` writes."""

    plan: dict[str, Any]
    folders: tuple[str, ...]
    since: float
    begun: bool


class Found(NamedTuple):
    """What sessions that are no more left. pictures: how many that is; is_begun: whether one of
    them was; jobs: of all rows; odd: the texts of those that are no plans, by their names."""

    entries: tuple[UnfinishedPlan, ...]
    pictures: int
    is_begun: bool
    jobs: tuple[str, ...]
    odd: Mapping[str, str]


def claimed(kind: str, take: Callable[[int], bool], store: Store) -> dict[str, StoredRow]:
    """What this session's place holds, with that of places whose sessions are no more, which is
    this session's from now on. Raises OSError."""
    try:
        for other in store.kinds(PLAN):
            number = other.removeprefix(PLAN)
            is_place = number.isdecimal() and len(number) <= LONGEST_NUMBER
            if other != kind and (not is_place or take(int(number))):
                with suppress(OSError):  # a full disk: it waits until there is room
                    store.rename(other, kind)
        return store.rows(kind)
    except OSError:
        return glance(store.path, kind)


def read_unfinished(
    rows: dict[str, StoredRow],
    folder: str,
    job_of: Callable[[str], tuple[str, int]],
) -> Found:
    """What the rows of sessions that are no more say, without the images that are there; what was
    left half written in `folder` is taken away."""
    paths.sweep(Path(folder))
    entries: list[UnfinishedPlan] = []
    odd: dict[str, str] = {}
    for job, row in _with_rests(rows.items()):
        try:
            entries.append(_unfinished(row))
        except (EngineError, ValueError, RecursionError, OverflowError):
            odd[job] = row.text
    left = tuple(_without_written(entries, job_of))
    pictures = sum(len(entry.plan.places) - len(entry.plan.written) for entry in left)
    is_begun = any(entry.begun for entry in left)
    return Found(left, pictures, is_begun, tuple(rows), odd)


def _with_rests(parts: Iterable[Any]) -> Iterable[Any]:
    """The parts, with a rest now and then, in which the window gets its turn."""
    begun = time.perf_counter()
    for part in parts:
        yield part
        if time.perf_counter() - begun > STRETCH:
            time.sleep(BREATH)
            begun = time.perf_counter()


def _unfinished(row: StoredRow) -> UnfinishedPlan:
    kept = fitted(value_of(row), _Kept, "The plan")
    return UnfinishedPlan(Plan.from_dict(kept.plan), kept.folders, finite(kept.since), kept.begun)


def _without_written(
    entries: list[UnfinishedPlan], job_of: Callable[[str], tuple[str, int]]
) -> list[UnfinishedPlan]:
    """The entries of which an image is missing, each with what is there."""
    since: dict[str, float] = {}
    for entry in entries:
        for folder in entry.folders:
            since[folder] = min(entry.since, since.get(folder, entry.since))
    there = {
        made: path
        for folder, earliest in since.items()
        for made, path in _images(Path(folder), earliest - SLACK, job_of)
    }
    left = []
    for entry in entries:
        plan = entry.plan
        seeds = {
            (number, index): (f"{plan.job}/{number}", plan.requests[number].seed + index)
            for number, index in plan.places
        }
        written = {place: path for place, path in plan.written.items() if is_there(path)}
        written |= {place: there[made] for place, made in seeds.items() if made in there}
        if len(written) < len(seeds):
            left.append(replace(entry, plan=replace(plan, written=written)))
    return left


def _images(
    folder: Path, since: float, job_of: Callable[[str], tuple[str, int]]
) -> list[tuple[tuple[str, int], str]]:
    """Job and seed of the images in that folder that were written since then."""
    found = []
    with suppress(OSError, ValueError):
        for path in _with_rests(folder.glob("*.png")):
            with suppress(Exception):  # strangers' files lie there, too
                if not path.name.startswith(".") and path.stat().st_mtime >= since:
                    found.append((job_of(str(path)), str(path)))
    return found
