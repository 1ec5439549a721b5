"""Waiting for the network without being at its mercy. Called by `survey` and `fetch`."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

T = TypeVar("T")

POLL = 0.1
"""Seconds between two looks at whether to go on."""


def wait_for(work: Callable[[], T], go_on: Callable[[], bool]) -> T | None:
    """What `work` returns, done in a thread of its own; None as soon as `go_on`, which is asked ten
    times a second, says no. Then the thread is left alone: it may wait for a server for a while.
    Raises what `work` raises."""
    outcome: Future[T] = Future()

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:  # handed to whoever waits, in their thread
            outcome.set_exception(error)

    threading.Thread(target=run, name="download", daemon=True).start()
    while not wait([outcome], POLL).done:
        if not go_on():
            return None
    return outcome.result()
