"""Branch: what a run that leaves another one shares with it, and how it is told from nothing: one
rule for the window, the command line, `engine.generate` and `engine.compare`. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from engine.errors import RequestError
from engine.request.conditions import CHANGEABLE, FIXED, conditions, course, effect, settings_at
from engine.request.request import Edit, Request

if TYPE_CHECKING:
    from engine.run.timeline import Snapshot


def unlike(one: Request, other: Request) -> str | None:
    """The first field in which the two differ of those that a branch shares with its origin; None
    where one can be a branch of the other."""
    names = (name for name in FIXED if getattr(one, name) != getattr(other, name))
    return next(names, None)


def part_at(one: Request, other: Request, total: int) -> int:
    """The first evaluation at which the work of two runs differs; `total` if none does."""
    if unlike(one, other):
        return 0
    ways = zip(course(one, total), course(other, total), strict=True)
    return next((index for index, (a, b) in enumerate(ways) if not a.same_work(b)), total)


def as_branch(
    request: Request, origin: Request, index: int, total: int, edits: Iterable[Edit] = ()
) -> Request:
    """The request with all that a branch from evaluation `index` shares with its origin, whatever
    it says of that itself, and with these edits. The scheduler's options and its eta are those that
    the origin had just before."""
    there = conditions(origin, index - 1, total).request
    return replace(
        request,
        **{name: getattr(origin, name) for name in FIXED},
        scheduler_options=there.scheduler_options,
        eta=there.eta,
        edits=tuple(edits),
    )


def turned(
    origin: Request, index: int, changes: Mapping[str, Any], edits: Iterable[Edit] = ()
) -> Request:
    """The origin up to evaluation `index`, where these settings change, and the edits from there
    on. That it was to end before its last step is not how it came there."""
    before = (edit for edit in origin.edits if edit.step < index and edit.field != "finish")
    turns = (Edit(index, name, changes[name]) for name in CHANGEABLE if name in changes)
    return replace(origin, edits=(*before, *turns, *edits))


def vary(index: int, amount: float, seed: int) -> Edit:
    """Before evaluation `index` the noise that is left is mixed with fresh noise of that seed, by
    `amount`, 0 to 1."""
    return Edit(index, "vary", {"amount": amount, "seed": seed})


def branched(request: Request, origin: Request, index: int, total: int) -> Request:
    """The request that makes from nothing what `request` makes from evaluation `index` on, when all
    before it was done as `origin` says. That is `request` itself where its own run comes by there;
    else `origin`, with what is different from there on as edits.

    Raises RequestError where the two are not of one seed, size, count, scheduler and step grid.
    """
    if name := unlike(request, origin):
        raise RequestError(
            "start",
            f"the snapshot stems from a run with {name} {getattr(origin, name)!r}, and this "
            f"request has {getattr(request, name)!r}. Keep it for a branch.",
        )
    if part_at(request, origin, total) >= index:
        return request
    there, here = settings_at(origin, index - 1), settings_at(request, index - 1)
    changes = {}
    for name in CHANGEABLE:
        if there[name] != here[name]:
            changes[name] = here[name]
            there |= effect(Edit(index, name, here[name]))
    return turned(origin, index, changes, (edit for edit in request.edits if edit.step >= index))


def continued(request: Request, start: Snapshot) -> tuple[Request, tuple[int, ...]]:
    """What a run of `request` that starts at the snapshot does, told from nothing, and the
    evaluations at which it left other runs, this snapshot's among them if anything is different
    from there on. Raises RequestError like `branched`."""
    index, total = start.state.index, start.state.total
    request = branched(request, start.request, index, total)
    if part_at(request, start.request, total) == total:
        return request, start.branches
    return request, left(start.branches, index)


def left(branches: Iterable[int], index: int) -> tuple[int, ...]:
    """The evaluations at which runs left others, first to last, when one more does at `index`."""
    return (*(branch for branch in branches if branch < index), index)
