"""Control: what a person may change while a run is under way. Held by the window's thread, read
by `engine.generate` before every model evaluation. Thread-safe; the latest value wins.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from engine.errors import RequestError, told
from engine.request.request import STEERABLE, Edit


class RunCancelled(Exception):
    """Unwinds a run from inside a network; `generate` turns it into a Cancelled event."""


class EvaluationDropped(Exception):
    """Unwinds one evaluation that is not needed any more, because the run is to finish."""


class Control:
    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._pending: dict[str, Any] = {}
        self._paused = False
        self._cancelled = False
        self._finishing = False

    def set(self, field: str, value: Any) -> None:
        """Do with this setting, one of `STEERABLE`, from the next evaluation on. Raises
        RequestError, in the caller's thread, for another field or a value that it does not take."""
        self._set({field: value})

    def set_guidance_scale(self, scale: float) -> None:
        """Guide with this scale (0 to 100) from the next evaluation on."""
        self.set("guidance_scale", scale)

    def set_guidance_rescale(self, rescale: float) -> None:
        """Rescale the guidance by this share (0 to 1) from the next evaluation on."""
        self.set("guidance_rescale", rescale)

    def set_prompt(self, prompt: str, negative: str | None = None) -> None:
        """Follow this prompt from the next evaluation on; negative=None keeps the one there is."""
        kept = {} if negative is None else {"negative_prompt": negative}
        self._set({"prompt": prompt} | kept)

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

    def finish(self) -> None:
        """Make an image of what is there: the one that the last evaluation predicts, or the first,
        if there is none yet. Acts within a fraction of a step, paused or not."""
        with self._condition:
            self._finishing = True
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

    def poll_evaluation(self) -> None:
        """The same, and raise EvaluationDropped once `finish` was called."""
        self.poll()
        if self._finishing:
            raise EvaluationDropped

    def take_edits(self, step: int) -> tuple[Edit, ...]:
        """Wait while paused, then hand over what changed since the last call as edits at `step`."""
        with self._condition:
            self._condition.wait_for(lambda: not self._paused or self._cancelled or self._finishing)
            self.poll()
            pending, self._pending = self._pending, {}
            if self._finishing:
                pending["finish"] = True
        return tuple(Edit(step, name, value) for name, value in pending.items())

    def _set(self, changes: Mapping[str, Any]) -> None:
        """All of them before the same evaluation."""
        for name, value in changes.items():
            if name not in STEERABLE:
                known = ", ".join(STEERABLE)
                raise RequestError("edits", f"{told(name)} cannot change at any step; {known} can.")
            Edit(0, name, value)  # raises if the value is no good
        with self._condition:
            self._pending.update(changes)
