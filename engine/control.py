"""Control: what a person may change while a run is under way. Held by the window's thread, read
by `engine.generate` before every model evaluation. Thread-safe; the latest value wins.
"""

from __future__ import annotations

import threading
from typing import Any

from engine.request import Edit


class RunCancelled(Exception):
    """Unwinds a run from inside a network; `generate` turns it into a Cancelled event."""


class Control:
    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._pending: dict[str, Any] = {}
        self._paused = False
        self._cancelled = False

    def set_guidance_scale(self, scale: float) -> None:
        """Guide with this scale (0 to 100) from the next evaluation on."""
        self._set(guidance_scale=scale)

    def set_prompt(self, prompt: str, negative: str | None = None) -> None:
        """Follow this prompt from the next evaluation on; negative=None keeps the one there is."""
        if negative is None:
            self._set(prompt=prompt)
        else:
            self._set(prompt=prompt, negative_prompt=negative)

    def pause(self) -> None:
        """Hold the run before its next evaluation, until `resume` or `cancel`."""
        with self._condition:
            self._paused = True

    def resume(self) -> None:
        with self._condition:
            self._paused = False
            self._condition.notify_all()

    def cancel(self) -> None:
        """End the run within a fraction of a step, paused or not. There is no way back."""
        with self._condition:
            self._cancelled = True
            self._condition.notify_all()

    @property
    def paused(self) -> bool:
        return self._paused

    @property
    def cancelled(self) -> bool:
        return self._cancelled

    def poll(self) -> None:
        """Raise RunCancelled once `cancel` was called. Networks call it between their blocks."""
        if self._cancelled:
            raise RunCancelled

    def take_edits(self, step: int) -> tuple[Edit, ...]:
        """Wait while paused, then hand over what changed since the last call as edits at `step`."""
        with self._condition:
            self._condition.wait_for(lambda: not self._paused or self._cancelled)
            self.poll()
            pending, self._pending = self._pending, {}
        return tuple(Edit(step, name, value) for name, value in pending.items())

    def _set(self, **changes: Any) -> None:
        for name, value in changes.items():
            Edit(0, name, value)  # raises here, in the caller's thread, if the value is no good
        with self._condition:
            self._pending.update(changes)
