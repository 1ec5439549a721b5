"""ShownSteps: which steps of a run the worker shows, and how long a step takes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from engine.run.events import Step

EVERY_STEP = 100
"""A run of up to so many steps shows them all, however quick they are."""

SHOWN_EVERY = 1 / 30
"""Seconds from one step that is shown to the next in a longer run: a person sees no more, and the
window has time for other things."""


class ShownSteps:
    """Which steps of one run are shown: all of a short one; of a longer one the first, the last,
    and as many between them as there is time for."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._shown = -math.inf
        self._seconds: list[float] = []  # of the evaluations since the last step that was shown

    def shows(self, step: Step) -> bool:
        self._seconds.append(step.seconds)
        now = self._clock()
        due = now - self._shown >= SHOWN_EVERY
        if step.total <= EVERY_STEP or step.index == step.total - 1 or due:
            self._shown = now
            return True
        return False

    def seconds_a_step(self, pictures: float) -> float:
        """The mean since the last step that was shown, with the seconds that pictures took."""
        mean = (sum(self._seconds) + pictures) / len(self._seconds)
        self._seconds.clear()
        return mean
