"""The points of a guidance curve and what a hand does to them, in numbers only. The curve editor
asks it for the points that come of a drag, a key or a double-click."""

from __future__ import annotations

Point = tuple[float, float]
"""A fraction of the run (0 to 1) and the guidance scale there."""
Points = tuple[Point, ...]

HIGHEST_SCALE = 100.0
GAP = 0.01


def spanning(points: Points, scale: float) -> Points:
    """`points` from 0 to 1, level before the first and after the last of them; the level line at
    `scale` where there are none."""
    if not points:
        return (0.0, scale), (1.0, scale)
    head = ((0.0, points[0][1]),) if points[0][0] > 0.0 else ()
    tail = ((1.0, points[-1][1]),) if points[-1][0] < 1.0 else ()
    return (*head, *points, *tail)


def moved(points: Points, index: int, target: Point) -> Points:
    """Point `index` at `target`, or as near as its neighbours let it come; the ends go up and down
    only."""
    x, scale = points[index][0], round(min(max(target[1], 0.0), HIGHEST_SCALE), 1)
    if 0 < index < len(points) - 1:
        low, high = points[index - 1][0] + GAP, points[index + 1][0] - GAP
        x = round(min(max(target[0], low), high), 4) if low <= high else x
    return (*points[:index], (x, scale), *points[index + 1 :])


def added(points: Points, point: Point) -> tuple[Points, int | None]:
    """The points with one more, and its number: None where there is no room for it."""
    last = len(points) - 1
    after = next((index for index, (x, _) in enumerate(points) if x > point[0]), last)
    if points[after][0] - points[after - 1][0] < 2 * GAP:
        return points, None
    return moved((*points[:after], point, *points[after:]), after, point), after


def removed(points: Points, index: int) -> Points:
    """The points without number `index`; the ends stay."""
    return points if index in (0, len(points) - 1) else (*points[:index], *points[index + 1 :])
