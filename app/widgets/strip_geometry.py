"""Where the steps of a run stand in the timeline strip, in numbers only. The strip paints by it and
asks it which step is under the pointer."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

MIN_SLOT = 22.0
MAX_SLOT = 52.0


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


def corners(curve: Iterable[tuple[int, float]]) -> list[tuple[int, float]]:
    """The points of a curve in order, without those inside a level stretch: they paint nothing."""
    points = sorted(curve)
    return [
        point
        for before, point, after in zip([None, *points], points, [*points[1:], None], strict=False)
        if before is None or after is None or not before[1] == point[1] == after[1]
    ]
