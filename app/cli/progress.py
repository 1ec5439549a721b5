"""How far a command is: a bar on standard error if a person sees it. Called by the subcommands
whose work takes long. Imports neither Qt nor torch.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from engine.errors import EngineError
from engine.run.events import Event, Finished, Step

if TYPE_CHECKING:
    from tqdm import tqdm

    from engine.request.request import Request

Told = tuple[int, Event | EngineError]
"""Number of the request, and what its run tells, or what ended it."""


def bar(**look: object) -> tqdm | None:
    """A bar that looks so (see tqdm); None where no person sees it."""
    if sys.stderr is None or not sys.stderr.isatty():
        return None
    from tqdm import tqdm

    tqdm.monitor_interval = 0  # else it has a thread, which outlives it
    return tqdm(file=sys.stderr, **look)  # pyright: ignore[reportArgumentType, reportCallIssue]


def with_progress(events: Iterator[Told], requests: Sequence[Request]) -> Iterator[Told]:
    """The same events, while the bar shows how many steps are done."""
    totals = [request.steps for request in requests]  # until the runs tell their own
    done = [0] * len(requests)
    shown = bar(total=sum(totals), unit="step")
    if shown is None:
        yield from events
        return
    with shown:
        for run, event in events:
            if isinstance(event, Step):
                done[run], totals[run] = event.index + 1, event.total
            elif isinstance(event, Finished | EngineError):
                totals[run] = done[run]
            shown.total = sum(totals)
            shown.update(sum(done) - shown.n)
            if not isinstance(event, Step):
                shown.clear()  # there may be something to say about it, on a line of its own
            yield run, event
