"""Fetching what a survey found into the local Hugging Face cache. Called through `engine.hub`."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from engine.hub.cached_commit import CachedCommit
from engine.hub.errors import KEPT, plain_words
from engine.hub.listing import Survey
from engine.hub.transfer import Transfer
from engine.hub.waiting import wait_for

RATE_OVER = 5.0
"""Seconds over which the rate is a mean."""


def fetch(
    survey: Survey,
    progress: Callable[[int, int, float], None] = lambda done, total, rate: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Path | None:
    """Fetch what `survey` found. Returns the folder or the file that `engine.load` takes, None when
    it was cancelled. progress: bytes that are there, bytes in all, bytes a second; it is called in
    the caller's thread some ten times a second, as is `cancelled`. Raises DownloadError."""
    cached = CachedCommit(survey.repo_id, survey.commit)
    with plain_words(survey.repo_id, survey.revision, KEPT), cached.locked():
        waiting = [file for file in survey.files if not cached.has(file)]
        if waiting:
            cached.check_room(sum(file.size - cached.present(file) for file in waiting))
            transfer = Transfer(cached, waiting)
            if not _watch(transfer, survey.total, progress, cancelled):
                return None
        cached.publish(survey.files, survey.revision)
    progress(survey.total, survey.total, 0.0)
    return cached.path(survey.file)


def _watch(
    transfer: Transfer,
    total: int,
    progress: Callable[[int, int, float], None],
    cancelled: Callable[[], bool],
) -> bool:
    """Let the transfer run, and tell how far it is; whether it came to its end."""
    samples: deque[tuple[float, int]] = deque()

    def go_on() -> bool:
        if cancelled():
            return False
        done = total - transfer.left
        samples.append((time.monotonic(), done))
        while samples[-1][0] - samples[0][0] > RATE_OVER:
            samples.popleft()
        progress(done, total, _rate(samples))
        return True

    try:
        return bool(wait_for(transfer.run, go_on))
    finally:
        transfer.stop()


def _rate(samples: deque[tuple[float, int]]) -> float:
    (first, before), (last, after) = samples[0], samples[-1]
    return max(0.0, (after - before) / (last - first)) if last > first else 0.0
