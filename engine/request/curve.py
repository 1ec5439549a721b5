"""The guidance scale over a run: points with straight or rounded ways between them. Read by
`engine.request.conditions` at every evaluation, and by the window, which draws it. Imports no
torch.
"""

from __future__ import annotations

import math
from itertools import pairwise

from engine.errors import RequestError, told
from engine.request.forms import Form

Points = tuple[tuple[float, float], ...]
"""(fraction of the run, 0 at its first evaluation and 1 at its last; guidance scale), by fraction.
"""
MOST_POINTS = 1000
EASINGS = ("linear", "cosine")
"""How one comes from a point to the next: straight, or along half a cosine, level at both."""


def scale_at(points: Points, easing: str, fraction: float) -> float:
    """The scale at `fraction` of the run; before the first point and after the last, theirs."""
    if fraction <= points[0][0]:
        return points[0][1]
    for (start, low), (end, high) in pairwise(points):
        if fraction == end:
            return high
        if fraction < end:
            way = (fraction - start) / (end - start)
            if easing == "cosine":
                way = (1 - math.cos(math.pi * way)) / 2
            # Rounding must not lead beyond the points: 100 is the most that a request takes.
            return min(max(low + (high - low) * way, min(low, high)), max(low, high))
    return points[-1][1]


def fraction_of(index: int, total: int) -> float:
    """Where evaluation `index` of `total` stands on a curve."""
    return index / (total - 1) if total > 1 else 0.0


def parse(text: str) -> tuple[Points, str]:
    """Points and easing of "0:3,0.5:9,1:5", or of "cosine 0:3,1:9". Raises RequestError."""
    words = text.split(maxsplit=1)
    easing, listed = words if len(words) == 2 and words[0] in EASINGS else ("linear", text)
    try:
        pairs = [point.split(":") for point in listed.split(",")]
        points = tuple((float(fraction), float(scale)) for fraction, scale in pairs)
    except ValueError:
        raise RequestError(
            "guidance_curve",
            f"{told(text)} is no list of points. Write fraction:scale, like 0:3,0.5:9,1:5, and "
            "cosine before them for a rounded curve.",
        ) from None
    return checked(points), easing


def checked(points: object) -> Points:
    """The points as plain tuples of floats. Raises RequestError for what is no curve."""
    try:
        plain = tuple((float(fraction), float(scale)) for fraction, scale in points)  # type: ignore[union-attr]
    except (TypeError, ValueError, OverflowError):
        raise RequestError(
            "guidance_curve", f"{told(points)} is no list of (fraction of the run, scale)."
        ) from None
    if len(plain) > MOST_POINTS:
        raise RequestError(
            "guidance_curve", f"has {len(plain):,} points, and at most {MOST_POINTS:,} can be."
        )
    for fraction, scale in plain:
        if not 0 <= fraction <= 1:
            raise RequestError("guidance_curve", f"a point stands at {fraction:g}, outside 0 to 1.")
        if not 0 <= scale <= 100:
            raise RequestError("guidance_curve", f"the scale {scale:g} is outside 0 to 100.")
    if any(before[0] >= after[0] for before, after in pairwise(plain)):
        raise RequestError(
            "guidance_curve",
            "the points must go forward in the run, each at a fraction of its own.",
        )
    return plain


POINTS = Form(
    check=lambda name, value: checked(value),
    read=lambda text: parse(text)[0],
    wanted="points of fraction and scale",
)
