"""The window on the held-back engine, and what must hold in it whatever a person does. For the test
of random actions."""

from __future__ import annotations

import sys
import time
import traceback
from collections import Counter
from itertools import count
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QProgressBar,
    QSlider,
)
from pytestqt.exceptions import capture_exceptions

from app.main import build
from app.state.runs.plan import Plan
from app.state.runs.run import StepView
from tests.app.fake_engine import FAKE_DDPM
from tests.app.ledger import Ledger
from tests.app.stepped_engine import Barrier, SteppedEngine

IN_TIME = 10.0
"""Seconds in which everything must come to rest. It takes some milliseconds."""


class WatchedWindow:
    """How it is brought to rest, and what must hold then. Each example has an application of its
    own. counts: of the actions that were done."""

    def __init__(self, home: Path, counts: Counter[str]) -> None:
        self.counts = counts
        self.done: list[str] = []
        self._models = [str(home / "other"), str(home / "cats"), "bundled"]
        self._hurried = 0
        self._exceptions = capture_exceptions()
        self._raised = self._exceptions.__enter__()
        self.fake = SteppedEngine()
        self.fake.models[self._models[1]] = FAKE_DDPM
        self.application = build(self.fake)
        self.application.enlarger._clock = count().__next__  # so that every picture is due
        self.ledger = Ledger(self.application)
        self.barrier = Barrier(self.application.retoucher_thread)
        self.application.show()
        self.until(lambda: self.application.models.card is not None, "the model is not loaded")
        self.read_images()

    @property
    def waits_for_the_disk(self) -> bool:
        app = self.application
        return bool(app.unsaved_images.count) and app.queue._current is None

    # What must hold

    def check(self) -> None:
        self._hurried = max(0, self._hurried - 1)
        self.ledger.hurried = self._hurried > 0
        if self._hurried:
            self.ledger.expected = None
            QCoreApplication.processEvents()
        else:
            self.settle()
            self.fake.hold()
            self.check_engine()
            self.check_memory()
            self.check_window()
        self.check_events()

    def check_events(self) -> None:
        assert not self._raised, "".join(traceback.format_exception(*self._raised[0]))
        assert not self.ledger.problems, self.ledger.problems

    def check_engine(self) -> None:
        app, ledger = self.application, self.ledger
        assert app.run.running == bool(ledger.open)
        assert app.run.running == (self.fake.alive > 0)
        assert all(control.paused == app.run.paused for control in app.worker.controls.present)
        assert app.gallery.rowCount() == ledger.images
        assert ledger.released == ledger.idle + (app.queue._current is not None)
        if app.queue._current is None:
            waits = (app.queue._held or app.unsaved_images.count) and len(app.queue) > 0
            assert waits or not len(app.queue), "nothing is done about what waits"
            assert waits or app.queue._load is None, "a model that was asked for is not loaded"
            assert app.queue._asked is None, "a question that need not be answered any more"
            assert not any(run.running for run in app.history.runs.values())
            assert app.models.card.source == app.worker.present.source.source

    def check_memory(self) -> None:
        history = self.application.history
        kept = [
            run
            for run in history.runs.values()
            if not run.running and (history.step is None or history.step.run != run.begun.number)
        ]
        memory = history.memory
        assert not kept or memory.bytes <= memory.budget, "the timeline is over its budget"
        assert self.application.worker.memory is memory
        for run in memory.runs.values():
            shown, there = ({one.index for one in some} for some in (run.steps, run.snapshots))
            assert shown == there, "a step without its snapshot, or a snapshot without its step"

    def check_window(self) -> None:
        self.check_buttons()
        self.check_strip()
        self.check_canvas()

    def check_buttons(self) -> None:
        app, window = self.application, self.application.window
        run, queue, session = app.run, app.queue, app.session
        held = queue._held and len(queue) > 0 and not isinstance(queue._current, Plan)
        pause = self.child(QAbstractButton, "pauseButton")
        assert pause.isEnabled() == (run.running or held)
        assert pause.isChecked() == (run.paused or held)
        assert self.enabled("stopButton") == (run.running or held)
        assert self.enabled("generateButton") != self.fake.loading
        assert window.run._skip.isEnabled() == (run.running and len(queue) > 0)
        assert self.enabled("branchButton") == (app.history.origin is not None)
        differ = (session.prompt, session.negative_prompt) != app.steering._words
        steerable = run.running and self.steers_runs and "prompt" in session.abilities
        assert self.child(QAbstractButton, "steerButton").isVisible() == (steerable and differ)
        bar = self.child(QProgressBar, "progressBar")
        assert (bar.value(), bar.maximum()) == (min(run.done, run.total), max(run.total, 1))
        assert self.child(QSlider, "guidanceSlider").value() == round(10 * session.guidance_scale)
        assert self.child(QSlider, "rescaleSlider").value() == round(20 * session.guidance_rescale)
        assert window.switch.isVisible() == self.asked

    def check_strip(self) -> None:
        history, strip = self.application.history, self.application.window.timeline
        shown = {row.number: sorted(row.steps) for row in strip._rows}
        there = {number: [step.index for step in run.steps] for number, run in history.runs.items()}
        assert shown == there
        if strip._step >= 0 or history.step is not None:
            assert strip._row is not None
            if strip._step < 0:  # a run whose first step is still to come
                assert history._following == strip._row.number
            else:
                assert history.step is not None
                selected = (history.step.run, history.step.index)
                assert (strip._row.number, strip._step) == selected

    def check_canvas(self) -> None:
        app = self.application
        step, picture = app.history.step, self.picture
        title = app.window.header._title.text()
        assert app.run.running or not title.startswith("Developing"), title
        if step is None:
            return
        assert not app.window.canvas.isHidden(), "something else stands in its place"
        run = app.history.runs[step.run]
        assert step in run.steps
        if step is run.steps[-1] and run.result is not None:
            assert picture is run.result.sheet, "the canvas does not show the run's image"
            return
        subject = app.showing._subject
        assert isinstance(subject, StepView)
        assert (subject.run, subject.index) == (step.run, step.index)
        if subject.retouched is None:
            assert picture is step.predicted, "the canvas does not show the step"
        else:
            colour = picture.pixelColor(0, 0)
            assert (colour.red(), colour.green()) == (round(10 * subject.retouched), step.index)

    # How it is done

    def move_slider(self, positions: list[int]) -> bool:
        """The handle passes these places faster than the pictures come. Whether it has moved."""
        slider = self.child(QSlider, "guidanceSlider")
        moved, steers = {slider.value()} != set(positions), self.steers
        for position in positions:
            slider.setValue(position)
        if moved and steers:
            self.expect(guidance_scale=positions[-1] / 10)
        return moved

    def go_to(self, run: int, step: int) -> None:
        """Select a step that is there."""
        strip, runs = self.application.window.timeline, self.runs
        row = strip._rows.get(runs[run % len(runs)])
        assert row is not None
        strip._select(row, row.nearest(step % row.total))

    @property
    def runs(self) -> list[int]:
        """Those that the timeline has a row of, oldest first: the worker begins one before the
        window hears of it."""
        strip = self.application.window.timeline
        return [run for run in list(self.application.history.runs) if strip._rows.get(run)]

    def takes_its_place(self) -> None:
        """A branch does that to a run that is paused."""
        if not self._hurried:
            self.settle()
            assert not self.application.run.paused

    @property
    def asked(self) -> bool:
        return self.application.queue._asked is not None

    @property
    def steers_runs(self) -> bool:
        """Whether what the worker does now can be steered."""
        now = self.application.queue._current
        return isinstance(now, Plan) and now.steerable

    @property
    def steers(self) -> bool:
        """Whether a moved slider is to act on the run under way."""
        run, history = self.application.run, self.application.history
        return run.running and self.steers_runs and (history.following or history.step is None)

    @property
    def retouches(self) -> bool:
        """Whether a moved slider is to change the picture at once."""
        app = self.application
        step = app.history.step
        if step is None or (app.history.following and not app.run.paused):
            return False
        if "preview" in self.fake.failures:
            return False
        run = app.history.runs[step.run]
        stands_for_image = step is run.steps[-1] and run.result is not None
        snapshot = app.worker.memory.snapshot(step.run, step.index)
        guided = snapshot.unconditional is not None
        return (
            guided
            and not stands_for_image
            and app.worker.memory.made_with(step.run) == app.worker.present.source
        )

    @property
    def picture(self) -> Any:
        """What the canvas shows."""
        return self.application.window.canvas._predicted

    def expect(self, **changes: Any) -> None:
        if self.ledger.expected is not None:
            self.ledger.expected |= changes

    def child(self, kind: type[Any], name: str) -> Any:
        found = self.application.window.findChild(kind, name)
        assert found is not None, name
        return found

    def click(self, name: str) -> None:
        self.child(QAbstractButton, name).click()

    def enabled(self, name: str) -> bool:
        return self.child(QAbstractButton, name).isEnabled()

    def settle(self) -> None:
        """Until nothing more comes, unless the person does something."""
        self.until(self.at_rest, "it has not come to rest")
        self.barrier.wait()
        self.read_images()
        if not self.at_rest():  # what was delivered just now has begun something
            self.settle()

    def read_images(self) -> None:
        self.application.background._pool.waitForDone()
        QCoreApplication.processEvents()

    def at_rest(self) -> bool:
        if not self.application.enlarger.at_rest:
            return False
        controls = self.application.worker.controls.present
        paused = any(control.at_rest for control in controls)
        return self.application.queue._current is None or self.fake.at_rest or paused

    def until(self, condition: Any, complaint: str) -> None:
        deadline = time.monotonic() + IN_TIME
        while True:
            held = condition()
            QCoreApplication.processEvents()
            if held and condition():
                return
            assert time.monotonic() < deadline, f"{complaint}\n{_stacks()}"
            time.sleep(0.0002)

    def close(self) -> None:
        application = self.application
        assert application.close(), f"the threads have not ended\n{_stacks()}"
        QCoreApplication.processEvents()
        assert self.fake.alive == 0
        assert application.worker_thread.isFinished()
        assert application.retoucher_thread.isFinished()
        assert not self.ledger.open, f"{self.ledger.open} have not ended"
        self.check_events()

    def clear_away(self) -> None:
        self._exceptions.__exit__(None, None, None)
        if self.application.close():  # a thread that runs must not be deleted
            self.application.window.deleteLater()
            self.application.deleteLater()
            QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def _stacks() -> str:
    """Where every thread is."""
    frames = sys._current_frames().values()
    return "\n\n".join("".join(traceback.format_stack(frame)) for frame in frames)
