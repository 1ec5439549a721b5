"""How far the runs of `safelight render` are: a bar on standard error if a person sees it. Called
by `app.cli.development`. Imports neither Qt nor torch.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from engine.errors import EngineError
from engine.run.events import Event, Finished, Step

if TYPE_CHECKING:
    from engine.request.request import Request

Told = tuple[int, Event | EngineError]
"""Number of the request, and what its run tells, or what ended it."""


def with_progress(events: Iterator[Told], requests: Sequence[Request]) -> Iterator[Told]:
    """The same events, while the bar shows how many steps are done."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield from events
        return
    from tqdm import tqdm

    totals = [request.steps for request in requests]  # until the runs tell their own
    done = [0] * len(requests)
    with tqdm(total=sum(totals), unit="step", file=sys.stderr) as bar:
        for run, event in events:
            if isinstance(event, Step):
                done[run], totals[run] = event.index + 1, event.total
            elif isinstance(event, Finished | EngineError):
                totals[run] = done[run]
            bar.total = sum(totals)
            bar.update(sum(done) - bar.n)
            if not isinstance(event, Step):
                bar.clear()  # there may be something to say about it, on a line of its own
            yield run, event
