"""RunControls: the engine's controls of the runs that are asked for, and how much is under way.
Acted on from any thread; built by the worker.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.worker.engine_door import Engine
    from engine.run.control import Control


class RunControls:
    """Those of one plan at a time, from when it is asked for until it is over."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._loads = 0  # that are asked for and not done
        self._closed = False
        self.present: tuple[Control, ...] = ()

    def begin(self, runs: int) -> tuple[Control, ...]:
        """New ones, one for each run; cancelled at once after `close`."""
        controls = tuple(self._engine.Control() for _ in range(runs))
        with self._lock:
            self.present = controls
            if self._closed:
                for control in controls:
                    control.cancel()
        return controls

    def end(self, controls: tuple[Control, ...]) -> None:
        """Their runs are over; others may have been asked for meanwhile."""
        with self._lock:
            if self.present is controls:
                self.present = ()

    def begin_load(self) -> None:
        with self._lock:
            self._loads += 1

    def end_load(self) -> None:
        with self._lock:
            self._loads -= 1

    def act(self, act: Callable[[Control], None]) -> None:
        """Do that to each of the present ones."""
        with self._lock:
            for control in self.present:
                act(control)

    def close(self) -> None:
        """Cancel the present ones and all that come."""
        with self._lock:
            self._closed = True
        self.act(lambda control: control.cancel())

    @property
    def resting(self) -> bool:
        """Whether pictures take nothing from a run or a load: there is none, or the run is
        paused."""
        with self._lock:
            return not self._loads and all(control.paused for control in self.present)
