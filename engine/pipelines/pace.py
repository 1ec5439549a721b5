"""Pace: how long evaluations and decodes take, and how much of that time the previews of a run may
have. Held by every pipeline; filled by `engine.generate`, spent by what makes previews.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

SHARE = 0.05
"""Of the seconds that a run's evaluations take: what its previews may take."""


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


@dataclass
class Pace:
    """Seconds that the last evaluation took, and the last decode of one image, by the VAE and by a
    tiny autoencoder, for each element of the latents; 0 until measured. previews: what these may
    take from a run."""

    evaluation: float = 0.0
    decode_per_element: float = 0.0
    tiny_per_element: float = 0.0
    previews: PreviewBudget = field(default_factory=PreviewBudget)

    def note_evaluation(self, seconds: float) -> None:
        self.evaluation = seconds
        self.previews.earn(seconds)

    def note_decode(self, per_element: float) -> None:
        self.decode_per_element = _steadied(self.decode_per_element, per_element)

    def note_tiny(self, per_element: float) -> None:
        self.tiny_per_element = _steadied(self.tiny_per_element, per_element)


def _steadied(known: float, measured: float) -> float:
    """A single slow decode, on a machine that is busy for a moment, counts for little: or the
    previews of a run would be of one kind and of another."""
    return min(measured, 1.25 * known) if known else measured
