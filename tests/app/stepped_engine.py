"""The fake engine held back: evaluations and loads go on when the test says so. For the test of
random actions."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Qt, QThread, Signal, Slot

from engine.run.control import Control, EvaluationDropped
from tests.app.fake_engine import FakeEngine


class WatchedControl(Control):
    """Knows whether the run is held by a pause, so that nothing more comes from it."""

    _resting = False

    def take_edits(self, step: int) -> Any:
        with self._condition:
            self._resting = True
            self._condition.wait_for(lambda: not self._paused or self._over)
            self._resting = False
            return super().take_edits(step)

    @property
    def at_rest(self) -> bool:
        with self._condition:
            return self._resting and self._paused and not self._over

    @property
    def _over(self) -> bool:
        return self._cancelled or self._finishing


class SteppedEngine(FakeEngine):
    """Does as many evaluations as it has permits for, and can tell whether it waits for one, or
    for leave to load a model."""

    Control = WatchedControl

    def __init__(self) -> None:
        super().__init__()
        self._turnstile = threading.Condition()
        self._permits = 0
        self._waiting: Control | None = None
        self.loading = False
        self.load_gate = threading.Event()
        self.load_gate.set()
        self.kinds = {"linear": "linear", "auto": "vae", "vae": "vae"}

    def load(self, *asked: Any, **more: Any) -> Any:
        self.loading = True
        try:
            return super().load(*asked, **more)
        finally:
            self.loading = False

    def reguide(
        self,
        pipeline: Any,
        snapshot: Any,
        guidance_scale: float,
        guidance_rescale: float | None = None,
    ) -> Any:
        """Red tells the guidance, green the step, blue the rescale."""
        time.sleep(0.002)  # so that it may come too late
        picture = np.empty_like(snapshot.denoised)
        picture[...] = 10 * guidance_scale, snapshot.index, 20 * (guidance_rescale or 0.0)
        return picture

    def permit(self, evaluations: int) -> None:
        with self._turnstile:
            self._permits += evaluations
            self._turnstile.notify_all()

    def hold(self) -> None:
        with self._turnstile:
            self._permits = 0

    @property
    def at_rest(self) -> bool:
        if self.loading and not self.load_gate.is_set():
            return True
        with self._turnstile:
            control = self._waiting
            return not self._permits and control is not None and not control._over

    def _wait(self, control: Control) -> None:
        try:
            with self._turnstile:
                self._waiting = control
                while not self._permits:
                    control.poll_evaluation()
                    self._turnstile.wait(0.001)
                self._permits -= 1
        except EvaluationDropped:
            return
        finally:
            self._waiting = None


class Barrier(QObject):
    """Waits until the thread that it lives in has done what was asked of it before."""

    _asked = Signal()

    def __init__(self, thread: QThread) -> None:
        super().__init__()
        self.moveToThread(thread)
        self._asked.connect(self._pass, Qt.ConnectionType.BlockingQueuedConnection)

    def wait(self) -> None:
        self._asked.emit()

    @Slot()
    def _pass(self) -> None:
        pass
