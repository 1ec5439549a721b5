"""Plan: what the queue hands to the worker: one run, a branch, a few variations or the cells of a
grid. Made by the state objects that the person's wishes reach; plain values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.request import Request


@dataclass(frozen=True)
class Origin:
    """A step of a run in the timeline."""

    run: int
    index: int


@dataclass(frozen=True)
class Plan:
    """Runs that are made side by side, one if nothing else is said.

    origin: where they branch off; then seed, size, count, scheduler and steps are those of its run,
    whatever the requests say. vary: how far the noise that is left there is mixed with fresh noise,
    0 to 1, None for a plain branch; vary_seeds: one for each run. grid: what the requests are the
    cells of.
    """

    requests: tuple[Request, ...]
    origin: Origin | None = None
    vary: float | None = None
    vary_seeds: tuple[int, ...] = ()
    grid: Any = None  # engine.Grid

    @property
    def steerable(self) -> bool:
        """Whether its runs can be steered in mid-run, which the cells of a grid cannot."""
        return self.grid is None


@dataclass(frozen=True)
class Row:
    """A run that has begun. number: counts the worker's runs; first: its first evaluation, not 0
    for a branch; parent: the run that it leaves; label, title: what is special to a cell of a grid,
    in a word or two and in full; varied: whether its noise was mixed."""

    number: int
    request: Request
    first: int = 0
    parent: int | None = None
    label: str = ""
    title: str = ""
    varied: bool = False


@dataclass(frozen=True)
class Begun:
    """A plan that has begun, and its runs."""

    plan: Plan
    rows: tuple[Row, ...]
