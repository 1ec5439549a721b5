"""Where plans stand in the queue, as numbers that the store keeps. Used by
`app.state.runs.resumption`; pure.
"""

from __future__ import annotations


def positions_of(known: list[float | None]) -> list[float]:
    """Ascending positions for all. Those that are known stay where that is possible, so that what
    was moved is written and not all the others."""
    known = _ascending(known)
    positions: list[float] = []
    for position, following in zip(known, _ahead(known), strict=True):
        last = positions[-1] if positions else None
        if position is None and last is None:
            position = 0.0 if following is None else following - 1.0
        elif position is None and last is not None:
            position = last + 1.0 if following is None else (last + following) / 2
        assert position is not None
        if last is not None and not last < position:  # no room between the two
            return [float(number) for number in range(len(known))]
        positions.append(position)
    return positions


def _ascending(known: list[float | None]) -> list[float | None]:
    """Without the positions that are not where they were among the others."""
    fitting = list(known)
    before = last = None  # the two that came last
    at = 0
    for number, position in enumerate(known):
        if position is None:
            continue
        if last is None or last < position:
            before, last, at = last, position, number
        elif before is None or before < position:
            fitting[at] = None
            last, at = position, number
        else:
            fitting[number] = None
    return fitting


def _ahead(known: list[float | None]) -> list[float | None]:
    """For each, the next position that is known."""
    ahead: list[float | None] = []
    following = None
    for position in reversed(known):
        following = following if position is None else position
        ahead.append(following)
    return ahead[::-1]
