"""How long the window's event loop stands still while the engine is imported, a model is loaded, a
picture is made and decoded: the real window on the bundled model, drawn offscreen.

    python -m tests.stalls [BEGUN]

Run by the test of it and by the benchmark of starting up, each time as a fresh process. Prints
JSON: seconds from BEGUN (time.time() of whoever started it) until the window is painted and until
Generate can be pressed, and the longest stall of each phase. A timer ticks every 10 ms; a stall is
what lies between two ticks, or the time that this process computed meanwhile, where that is less:
what a busy machine gives to others in between is none of the window's.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtWidgets import QApplication

from app.main import Application, build

TICK = 10  # milliseconds
STEPS = 8
PATIENCE = 200_000


class Meter(QObject):
    """phase: what the stalls are counted for now."""

    def __init__(self, application: Application, begun: float) -> None:
        super().__init__()
        self.phase = "load"
        self.seconds: dict[str, float] = {}
        self.stalls = dict.fromkeys(("load", "run", "decode"), 0.0)
        self._application = application
        self._begun = begun
        self._last = self._now()
        self._timer = QTimer(self, interval=TICK, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        application.window.canvas.installEventFilter(self)
        application.models.readyChanged.connect(self._start)
        application.worker.stepped.connect(self._step)
        application.run.runningChanged.connect(self._end)
        self._timer.start()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint:
            self.seconds.setdefault("window", time.time() - self._begun)
        return False

    @staticmethod
    def _now() -> tuple[float, float]:
        return time.perf_counter(), time.process_time()

    def _tick(self) -> None:
        now = self._now()
        stall = min(after - before for after, before in zip(now, self._last, strict=True))
        self.stalls[self.phase] = max(self.stalls[self.phase], stall)
        self._last = now

    def _start(self, is_ready: bool) -> None:
        if is_ready and "ready" not in self.seconds:
            self.seconds["ready"] = time.time() - self._begun
            self._tick()
            self.phase = "run"
            self._application.session.set_prompt("a red apple, 3d")
            self._application.session.set_steps(STEPS)
            self._application.session.generate()

    def _step(self, step: Any) -> None:
        if step.index + 1 == step.total:
            self._tick()
            self.phase = "decode"

    def _end(self, is_running: bool) -> None:
        if not is_running:
            self._tick()
            self._timer.stop()
            QApplication.exit()


def main() -> None:
    begun = float(sys.argv[1]) if len(sys.argv) > 1 else time.time()
    qt = QApplication([])
    application = build()
    meter = Meter(application, begun)
    QTimer.singleShot(PATIENCE, qt.quit)
    application.show()
    qt.exec()
    is_done = meter.phase == "decode"
    application.close()
    if not is_done:
        sys.exit("No picture was made.")
    print(json.dumps({"seconds": meter.seconds, "stalls": meter.stalls}))


if __name__ == "__main__":
    main()
