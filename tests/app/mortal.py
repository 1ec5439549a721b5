"""The window as a process that can be killed at any moment: `python -m tests.app.mortal FOLDER
SECONDS`, which a step takes. For each line on its standard input it forks one, whose number it
writes; when that has ended, another line with its exit code. Run by test_durability.

The window has a queue of ten plans, goes on with what the session before has left, and ends with
code 0 when nothing is left. What it announces goes into FOLDER/announced, a line each: asked N,
queued N (from then on round N is to outlive everything), saved PATH, done N. A round that was asked
for and not queued when the window died is not asked for again.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

import app.main
from app.state.runs.plan import Plan
from engine.record.record import save
from engine.request.request import Request
from tests.app.fake_engine import FakeEngine

STEPS = 3
SEEDS = 20
"""Seeds of one round: ten plans, of which the odd ones make two images."""


class QuickEngine(FakeEngine):
    """Images are written by the engine's own writer."""

    def __init__(self, step_seconds: float) -> None:
        super().__init__()
        self.step_seconds = step_seconds

    def save(self, image: Any, path: Any, record: Any, index: int = 0) -> None:
        self._fail("save")
        save(image, path, record, index)


def plans(number: int) -> list[Plan]:
    """The ten of that round, all seeds different."""
    return [
        Plan(
            (
                Request(
                    prompt=f"round {number}",
                    width=64,
                    height=64,
                    steps=STEPS,
                    scheduler="unipc",
                    seed=number * SEEDS + 2 * plan,
                    count=1 + plan % 2,
                ),
            )
        )
        for plan in range(10)
    ]


class Life:
    """One window, from its start to its end or its death."""

    def __init__(
        self, folder: Path, engine: Any, plans: Callable[[int], list[Plan]] = plans
    ) -> None:
        self.plans = plans
        self.log = os.open(folder / "announced", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        lines = (folder / "announced").read_text().splitlines()
        self.round = sum(line.startswith("asked") for line in lines) - 1
        self.queued = f"queued {self.round}" in lines
        self.done = f"done {self.round}" in lines
        self.application = app.main.build(engine)
        self.application.worker.finished.connect(self.announce)
        self.application.worker.written.connect(lambda run, index, path: self.say("saved", path))
        self.application.show()
        self.timer = QTimer(interval=2)
        self.timer.timeout.connect(self.look)
        self.timer.start()
        self.begun = False

    def say(self, *words: object) -> None:
        os.write(self.log, (" ".join(map(str, words)) + "\n").encode())

    def announce(self, result: Any) -> None:
        for path in result.paths:
            if path is not None:
                self.say("saved", path)

    def look(self) -> None:
        application, resumption = self.application, self.application.resumption
        if not resumption.ready or application.models.card is None:
            return
        queue = application.queue
        if not self.begun:
            self.begun = True
            if resumption.left:
                application.window.resume.firstChosen.emit()
            elif self.done or not self.queued:
                self.round, self.queued = self.round + 1, False
                self.say("asked", self.round)
                for plan in self.plans(self.round):
                    queue.submit(plan)
        if not self.queued and resumption.kept:
            self.queued = True
            self.say("queued", self.round)
        if self.queued and queue.current is None and not len(queue) and resumption.kept:
            if resumption.left or application.unsaved_images.count:
                return
            self.timer.stop()
            self.say("done", self.round)
            application.close()
            QApplication.exit(0)


def live(folder: Path, step_seconds: float) -> int:
    qt = QApplication([])
    life = Life(folder, QuickEngine(step_seconds))
    code = qt.exec()
    assert life.application.close()
    return code


def bear_all(folder: Path, seconds: float, live: Callable[[Path, float], int]) -> None:
    """Fork a window for each line on the standard input, as above."""
    for _ in sys.stdin:
        child = os.fork()
        if not child:
            os._exit(live(folder, seconds))
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    bear_all(Path(sys.argv[1]), float(sys.argv[2]), live)
