"""PreviewBudget: how much time the previews of a run may take from it. Filled by `engine.generate`,
spent by the pipelines that make previews.
"""

from __future__ import annotations

import threading

SHARE = 0.05
"""Of the seconds that a run's evaluations take."""


class PreviewBudget:
    """Every evaluation earns a share of its seconds, every preview spends its own, so that whatever
    they cost, all previews of a run together stay within that share. What one run leaves over is
    not for the next; what it owes, is. Thread-safe: a run earns in its thread what previews spend
    in another."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs = 0
        self._left = 0.0

    def begin_run(self) -> None:
        with self._lock:
            self._runs += 1
            self._left = min(self._left, 0.0)

    def end_run(self) -> None:
        with self._lock:
            self._runs -= 1

    def earn(self, seconds: float) -> None:
        """An evaluation has taken so long."""
        with self._lock:
            self._left += SHARE * seconds

    def spend(self, seconds: float) -> None:
        """A preview has taken so long; it costs nothing while there is no run."""
        with self._lock:
            if self._runs:
                self._left -= seconds

    @property
    def left(self) -> float | None:
        """Seconds that previews may take now, below 0 where they took too long; None while no run
        is under way."""
        with self._lock:
            return self._left if self._runs else None
