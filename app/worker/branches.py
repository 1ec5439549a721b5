"""Branches: where the runs of a plan begin, and what each of them is asked for then. Read by the
worker when it runs a plan, and by the queue through it while the plan waits.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from app.i18n import tr
from engine.errors import EngineError
from engine.run.branch import as_branch, branched, vary

if TYPE_CHECKING:
    from app.state.models.model_card import ModelCard
    from app.state.runs.plan import Plan
    from app.state.runs.run_memory import RunMemory
    from engine.request.request import Request
    from engine.run.timeline import Snapshot


def start_of(plan: Plan, memory: RunMemory) -> Snapshot | None:
    """The snapshot that the plan starts at, None where it starts from nothing: that of its step, or
    the nearest before it that is there and can be left. Raises EngineError where there is none."""
    origin = plan.origin
    if origin is None:
        return None
    snapshot = memory.snapshot(origin.run, origin.index)
    while plan.vary and snapshot and snapshot.state.index not in snapshot.scheduler.entries:
        snapshot = memory.snapshot(origin.run, snapshot.index - 1)
    if snapshot is None:
        raise EngineError(
            tr(
                "That step is not in memory any more. Give the timeline more memory in the "
                "menu View, and run it again."
            )
        )
    return snapshot


def settled(plan: Plan, start: Snapshot | None, card: ModelCard) -> tuple[Request, ...]:
    """The requests of the plan as the model takes them, from that snapshot on if there is one."""
    requests = tuple(card.suited(request) for request in plan.requests)
    if start is None:
        return requests
    return tuple(_as_branch(plan, place, request, start) for place, request in enumerate(requests))


def standalone(plan: Plan, memory: RunMemory, card: ModelCard | None) -> Plan:
    """The plan with what it does without the timeline. Raises EngineError where its step is not in
    memory any more."""
    start = start_of(plan, memory)
    if start is None or plan.origin is None:
        return plan
    assert card is not None
    index, total = start.state.index, start.state.total
    requests = tuple(
        branched(request, start.request, index, total) for request in settled(plan, start, card)
    )
    made_with = memory.made_with(plan.origin.run)
    if made_with is None:
        return replace(plan, from_nothing=requests)
    return replace(
        plan,
        from_nothing=requests,
        source=made_with.source,
        prediction_type=made_with.prediction_type,
    )


def _as_branch(plan: Plan, place: int, request: Request, start: Snapshot) -> Request:
    """The request number `place` of the plan as a branch from that snapshot."""
    fork, edits = start.state.index, ()
    if plan.vary is not None:
        edits = (vary(fork, plan.vary, plan.vary_seeds[place]),)
    return as_branch(request, start.request, fork, start.state.total, edits)
