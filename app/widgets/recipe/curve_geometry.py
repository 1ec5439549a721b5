"""Where a curve of guidance stands in its plot, in numbers only. The curve editor paints by it and
asks it what is under the pointer."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise

from PySide6.QtCore import QPointF, QRectF

from app.widgets.recipe.curve_points import HIGHEST_SCALE, Point, Points

TOPS = (12.0, 16.0, 20.0, 25.0, 30.0, 40.0, 50.0, 75.0, HIGHEST_SCALE)
HEADROOM = 1.08
REACH = 8.0
FINENESS = 2.0


def top_for(points: Points) -> float:
    """A scale for the top of the plot that leaves some room over the highest point."""
    highest = max(scale for _, scale in points)
    return next((top for top in TOPS if highest * HEADROOM <= top), HIGHEST_SCALE)


@dataclass(frozen=True)
class CurveGeometry:
    """points: in the order of their fractions, the first at 0 and the last at 1; easing: "linear"
    or "cosine", how the curve goes from one to the next; top: the scale at the upper edge of
    `area`, whose lower edge is 0."""

    points: Points
    easing: str
    top: float
    area: QRectF

    def place(self, point: Point) -> QPointF:
        fraction, scale = point
        return QPointF(
            self.x_of(fraction), self.area.bottom() - scale / self.top * self.area.height()
        )

    def x_of(self, fraction: float) -> float:
        return self.area.left() + fraction * self.area.width()

    def fraction_at(self, x: float) -> float:
        return min(max((x - self.area.left()) / self.area.width(), 0.0), 1.0)

    def scale_of(self, y: float) -> float:
        """The scale at a height, over the top as well: that is how a point is drawn out of it."""
        scale = (self.area.bottom() - y) / self.area.height() * self.top
        return min(max(scale, 0.0), HIGHEST_SCALE)

    def scale_at(self, fraction: float) -> float:
        """What the curve says there."""
        after = min(
            max(bisect_right([x for x, _ in self.points], fraction), 1), len(self.points) - 1
        )
        (x, low), (end, high) = self.points[after - 1], self.points[after]
        share = min(max((fraction - x) / (end - x), 0.0), 1.0) if end > x else 1.0
        if self.easing == "cosine":
            share = (1 - math.cos(math.pi * share)) / 2
        return low + (high - low) * share

    def line(self) -> list[QPointF]:
        """The curve as a line of short pieces, through every point."""
        drawn = []
        for (x, _), (end, _) in pairwise(self.points):
            pieces = max(1, math.ceil((end - x) * self.area.width() / FINENESS))
            between = (x + (end - x) * piece / pieces for piece in range(pieces))
            drawn += [self.place((fraction, self.scale_at(fraction))) for fraction in between]
        return [*drawn, self.place(self.points[-1])]

    def point_at(self, pointer: QPointF) -> int | None:
        """The number of the point under the pointer, the nearest if there are several."""
        near = [
            (_distance(self.place(point), pointer), index)
            for index, point in enumerate(self.points)
        ]
        distance, index = min(near)
        return index if distance <= REACH else None

    def touches_line(self, pointer: QPointF) -> bool:
        return any(_distance(place, pointer) <= REACH for place in self.line())


def _distance(one: QPointF, other: QPointF) -> float:
    return math.hypot(one.x() - other.x(), one.y() - other.y())
