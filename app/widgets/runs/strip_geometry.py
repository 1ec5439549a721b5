"""Where the rows of the timeline strip and the steps in them stand, in numbers only. The strip
paints by it and asks it which step is under the pointer."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

MIN_SLOT = 22.0
MAX_SLOT = 52.0
ROW_HEIGHT, ROW_GAP = 46, 8
PITCH = ROW_HEIGHT + ROW_GAP
BOTTOM = 14


@dataclass(frozen=True)
class StripGeometry:
    """total steps side by side from `left`, in at most `width` logical pixels.

    Every step has a column of its own while the columns stay wide enough to see something;
    beyond that a column stands for several neighbouring steps.
    """

    total: int
    left: float
    width: float

    @cached_property
    def columns(self) -> int:
        return max(1, min(self.total, int(self.width // MIN_SLOT)))

    @cached_property
    def slot(self) -> float:
        """The width of a column."""
        return min(MAX_SLOT, self.width / self.columns)

    @cached_property
    def gap(self) -> float:
        """What stays empty between two columns, a part of `slot`."""
        return min(6.0, self.slot / 7)

    @cached_property
    def right(self) -> float:
        return self.left + self.slot * self.columns

    def column_left(self, column: int) -> float:
        return self.left + column * self.slot

    def column_of(self, index: int) -> int:
        return index * self.columns // self.total

    def steps_of(self, column: int) -> range:
        """The steps that a column stands for."""
        first, last = (math.ceil(edge * self.total / self.columns) for edge in (column, column + 1))
        return range(first, last)

    def x_of(self, index: int) -> float:
        """The middle of a step."""
        return self.left + (index + 0.5) / self.total * (self.right - self.left)

    def index_at(self, x: float) -> int:
        """The step at x; the first or the last one outside the strip."""
        index = math.floor((x - self.left) / (self.right - self.left) * self.total)
        return min(max(index, 0), self.total - 1)


@dataclass(frozen=True)
class RowStack:
    """`rows` rows under each other, the first one `top` logical pixels down, all of them `scrolled`
    pixels up."""

    top: int
    rows: int
    scrolled: int = 0

    @property
    def first(self) -> int:
        """Where the place for the rows begins: what is scrolled further up is out of sight."""
        return self.top - ROW_GAP

    def height(self, rows: int | None = None) -> int:
        """The height that shows `rows` rows, all of them if None; at least one."""
        shown = self.rows if rows is None else rows
        return self.top + max(shown, 1) * PITCH - ROW_GAP + BOTTOM

    def row_top(self, position: int) -> int:
        return self.top + position * PITCH - self.scrolled

    def position_at(self, y: float) -> int:
        """The row at y; the first or the last one outside the stack. Two rows share their gap."""
        position = math.floor((y - self.row_top(0) + ROW_GAP / 2) / PITCH)
        return min(max(position, 0), self.rows - 1)


def corners(curve: Iterable[tuple[int, float]]) -> list[tuple[int, float]]:
    """The points of a curve in order, without those inside a level stretch: they paint nothing."""
    points = sorted(curve)
    return [
        point
        for before, point, after in zip([None, *points], points, [*points[1:], None], strict=False)
        if before is None or after is None or not before[1] == point[1] == after[1]
    ]


def stretches(curve: Iterable[tuple[int, float | None]]) -> list[list[tuple[int, float]]]:
    """The corners of a curve that is given in order, in pieces: it breaks off where it is None."""
    pieces: list[list[tuple[int, float]]] = [[]]
    for index, value in curve:
        if value is not None:
            pieces[-1].append((index, value))
        elif pieces[-1]:
            pieces.append([])
    return [corners(piece) for piece in pieces if piece]
