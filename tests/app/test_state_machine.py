"""The whole window on a fake engine under thousands of random actions, with its real threads: after
each of them it has come to rest in time, has lost nothing, and shows what the engine does.

    SAFELIGHT_EXAMPLES=500 pytest tests/app/test_state_machine.py    # longer, and other actions
"""

from __future__ import annotations

import os
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable
from functools import wraps
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, QThread, Signal, Slot
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QProgressBar,
    QSlider,
    QSpinBox,
)
from pytestqt.exceptions import capture_exceptions
from pytestqt.qtbot import QtBot

from app.main import Application, build
from app.state.gallery import unsaved_images
from app.state.runs.plan import Begun, Plan
from app.state.runs.run import RunResult, SheetResult, StepView
from engine.errors import EngineError, LoadError, SaveError
from engine.request.conditions import conditions
from engine.run.control import Control, EvaluationDropped
from tests.app.conftest import told
from tests.app.fake_engine import FAKE_DDPM, FakeEngine

EXAMPLES, LENGTH = 24, 200
ASKED = int(os.environ.get("SAFELIGHT_EXAMPLES", "0"))

IN_TIME = 10.0
"""Seconds in which everything must come to rest. It takes some milliseconds."""

STEERED = ("prompt", "negative_prompt", "guidance_scale", "guidance_rescale")
WORDS = st.sampled_from(["", "an owl", "a red apple, 3d", "แมวสีส้ม"])
FAILURES = {
    "encode": EngineError,
    2: EngineError,
    "preview": RuntimeError,
    "save": SaveError,
    "load": LoadError,
}


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

    def reguide(self, pipeline: Any, snapshot: Any, scale: float, rescale: float) -> Any:
        """Red tells the guidance, green the step, blue the rescale."""
        time.sleep(0.002)  # so that it may come too late
        picture = np.empty_like(snapshot.denoised)
        picture[...] = 10 * scale, snapshot.index, 20 * rescale
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


class Ledger:
    """What the worker told, and what was wrong with the order in which it told it."""

    def __init__(self, application: Application) -> None:
        self.problems: list[str] = []
        self.released = 0
        self.idle = 0
        self.open: dict[int, int] = {}  # of each run under way, the evaluation that comes next
        self.images = 0
        self.expected: dict[str, Any] | None = None  # what steers the run, if it is known
        self.hurried = False  # whether evaluations run while the next actions come
        self._released_in_a_hurry = False  # then it may have been steered before it began
        self._worker = application.worker
        tells = told(application)
        application.queue.planReleased.connect(self._release)
        application.queue.loadReleased.connect(self._release)
        tells.started.connect(self._start)
        tells.stepped.connect(self._step)
        tells.finished.connect(self._finish)
        tells.cancelled.connect(lambda run, at: self._end(run))
        tells.failed.connect(lambda run, message: self._end(run))
        tells.compared.connect(self._compare)
        tells.idle.connect(self._rest)

    def _release(self, what: object) -> None:
        if self.released > self.idle + 1:  # the queue hears first that the worker is idle
            self.problems.append(f"{what} was released before the worker was idle")
        self.released += 1
        self._released_in_a_hurry = self.hurried

    def _start(self, begun: Begun) -> None:
        if self.open:
            self.problems.append(f"a plan began while {self.open} were under way")
        self.open = {row.number: row.first for row in begun.rows}
        request = begun.rows[0].request
        self.expected = {name: getattr(request, name) for name in STEERED}
        if not begun.plan.steerable or self.hurried or self._released_in_a_hurry:
            self.expected = None

    def _step(self, step: StepView) -> None:
        if self.open.get(step.run) != step.index:
            self.problems.append(f"step {step.index} of run {step.run}, expected {self.open}")
        self.open[step.run] = step.index + 1
        snapshot = self._worker.memory.snapshot(step.run, step.index)
        if snapshot is None:
            self.problems.append(f"the worker forgot run {step.run} while it was under way")
        elif self.expected is not None and step.guidance_scale is not None:
            now = conditions(snapshot.request, step.index, step.total)
            acting = {name: getattr(now, name) for name in STEERED}
            if acting != pytest.approx(self.expected):
                self.problems.append(f"step {step.index}: {acting}, expected {self.expected}")

    def _finish(self, result: RunResult) -> None:
        self._end(result.number)
        self.images += len(result.images)
        self._look_for(result.paths, result.save_error)

    def _compare(self, sheet: SheetResult) -> None:
        self.images += 1
        self._look_for((sheet.picture.path,), sheet.save_error)

    def _look_for(self, paths: tuple[str | None, ...], error: str) -> None:
        if not error and not all(path and Path(path).stat().st_size for path in paths):
            self.problems.append(f"not all of {paths} are there")

    def _end(self, run: int) -> None:
        if self.open.pop(run, None) is None:
            self.problems.append(f"run {run} ended, and was not under way")

    def _rest(self) -> None:
        self.idle += 1
        if self.open:
            self.problems.append(f"the worker is idle, and {self.open} have not ended")
            self.open = {}


POSITIONS = st.lists(st.integers(0, 200), min_size=1, max_size=8)
KEYS = [Qt.Key.Key_Left, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Home, Qt.Key.Key_End]
AXES = [("guidance", "1, 4"), ("seed", "0..2"), ("steps", "1, 3, 5")]
ANSWERS = ["afterwardsButton", "stopAndLoadButton", "keepButton"]
ACTIONS: list[st.SearchStrategy[Any]] = []


def action(
    offered: Callable[[Window], Any] | None = None, *, often: int = 1, **values: Any
) -> Callable[..., Any]:
    """A method of Window that is one of the random actions, with random values; `often` times as
    frequent as others. It does nothing where the window does not offer it."""

    def of(method: Callable[..., None]) -> Callable[..., None]:
        @wraps(method)
        def act(window: Window, **drawn: Any) -> None:
            if offered is None or offered(window):
                window.counts[method.__name__] += 1
                window.done.append(f"{method.__name__} {drawn or ''}")
                method(window, **drawn)

        ACTIONS.extend(st.tuples(st.just(act), st.fixed_dictionaries(values)) for _ in range(often))
        return act

    return of


def enabled(button: str) -> Callable[[Window], bool]:
    return lambda window: window.enabled(button)


def reads_words(window: Window) -> bool:
    return "prompt" in window.application.session.abilities


def has_runs(window: Window) -> bool:
    return bool(window.application.history.runs)


def has_images(window: Window) -> bool:
    return window.application.gallery.rowCount() > 0


class Window:
    """A person with the window before them. Each example has an application of its own."""

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

    # What a person does

    @action(often=5, evaluations=st.integers(1, 4))
    def advance(self, evaluations: int) -> None:
        self.fake.permit(evaluations)

    @action(often=2)
    def finish_everything(self) -> None:
        """Nothing holds the engine up for a while."""
        self.fake.load_gate.set()
        self.fake.permit(200)

    @action(often=3)
    def generate(self) -> None:
        self.click("generateButton")

    @action(steps=st.integers(1, 8))
    def choose_steps(self, steps: int) -> None:
        self.child(QSpinBox, "stepsSpin").setValue(steps)

    @action(side=st.sampled_from([32, 64, 128]), images=st.integers(1, 2))
    def choose_size(self, side: int, images: int) -> None:
        for name, value in (("widthSpin", side), ("heightSpin", side), ("countSpin", images)):
            self.child(QSpinBox, name).setValue(value)

    @action(reads_words, often=4, positions=POSITIONS)
    def slide(self, positions: list[int]) -> None:
        shows, before = self.retouches, self.picture
        if self.move_slider(positions) and not self._hurried:
            self.settle()
            if shows:
                assert self.picture.pixelColor(0, 0).red() == positions[-1], "not as the slider is"
            else:
                assert self.picture is before, "this step cannot be shown under other guidance"

    @action(reads_words, often=2, position=st.integers(0, 20))
    def rescale(self, position: int) -> None:
        slider = self.child(QSlider, "rescaleSlider")
        moved, steers = slider.value() != position, self.steers
        slider.setValue(position)
        if moved and steers:
            self.expect(guidance_rescale=position / 20)

    @action(reads_words, often=3, prompt=WORDS, negative=WORDS)
    def rewrite(self, prompt: str, negative: str) -> None:
        self.child(QPlainTextEdit, "promptEdit").setPlainText(prompt)
        self.child(QPlainTextEdit, "negativePromptEdit").setPlainText(negative)

    @action(lambda window: window.child(QAbstractButton, "steerButton").isVisible(), often=6)
    def use_words(self) -> None:
        session = self.application.session
        self.expect(prompt=session.prompt, negative_prompt=session.negative_prompt)
        self.click("steerButton")

    @action(enabled("pauseButton"), often=6)
    def pause_or_go_on(self) -> None:
        self.click("pauseButton")

    @action(enabled("stopButton"))
    def stop_or_forget(self) -> None:
        self.click("stopButton")

    @action(enabled("stopMenuButton"))
    def finish_with_what_is_there(self) -> None:
        self.ledger.expected = None  # what is still to act is left out
        before, ending = len(self.fake.evaluated), dict(self.ledger.open)
        self.application.window.run._finish.trigger()
        if not self._hurried:
            self.settle()
            assert not ending.keys() & self.ledger.open.keys()
            assert len(self.fake.evaluated) - before <= list(ending.values()).count(0)

    @action(lambda window: window.application.window.run._skip.isEnabled(), often=2)
    def skip(self) -> None:
        self.application.window.run._skip.trigger()

    @action(has_runs, often=5, run=st.integers(0, 99), step=st.integers(0, 99))
    def scrub(self, run: int, step: int) -> None:
        self.go_to(run, step)

    @action(has_runs, often=2, positions=POSITIONS, run=st.integers(0, 99), step=st.integers(0, 99))
    def slide_and_scrub(self, positions: list[int], run: int, step: int) -> None:
        """The picture for the slider comes when another step is looked at."""
        if "prompt" in self.application.session.abilities:
            self.move_slider(positions)
        self.go_to(run, step)

    @action(has_runs, often=2, key=st.sampled_from(KEYS))
    def scrub_with_a_key(self, key: Qt.Key) -> None:
        QTest.keyClick(self.application.window.timeline, key)

    @action(has_runs, run=st.integers(0, 99))
    def select_row(self, run: int) -> None:
        strip, lines = self.application.window.timeline, self.application.history.runs
        row = list(lines)[run % len(lines)]
        strip._bar.setValue(strip._stack().rows * 100)
        place = strip.place(row, 0)
        place.setX(10)
        strip._bar.setValue(strip._bar.value() + place.y() - strip.height() // 2)
        place.setY(strip.place(row, 0).y())
        QTest.mouseClick(strip, Qt.MouseButton.LeftButton, pos=place)

    @action(has_images, row=st.integers(0, 99))
    def open_of_the_gallery(self, row: int) -> None:
        rows = self.application.gallery.rowCount()
        self.application.window.gallery.imageActivated.emit(row % rows)

    @action(has_images, row=st.integers(0, 99), run=st.integers(0, 99), step=st.integers(0, 99))
    def open_and_scrub(self, row: int, run: int, step: int) -> None:
        """The image of the gallery comes when a step is looked at."""
        rows = self.application.gallery.rowCount()
        self.application.window.gallery.imageActivated.emit(row % rows)
        if self.application.history.runs:
            self.go_to(run, step)

    @action(enabled("branchButton"), often=4)
    def branch(self) -> None:
        self.click("branchButton")
        self.takes_its_place()

    @action(
        enabled("varyStartButton"), often=3, percent=st.integers(0, 100), runs=st.integers(1, 3)
    )
    def vary(self, percent: int, runs: int) -> None:
        self.child(QSlider, "varySlider").setValue(percent)
        self.child(QSpinBox, "varyCountSpin").setValue(runs)
        self.click("varyStartButton")
        self.takes_its_place()

    @action(often=2, axis=st.sampled_from(AXES))
    def compare(self, axis: tuple[str, str]) -> None:
        field = self.child(QComboBox, "compareFirstField")
        field.setCurrentIndex(field.findData(axis[0]))
        line = self.child(QLineEdit, "compareFirstValues")
        line.setText(axis[1])
        line.textEdited.emit(axis[1])
        self.click("compareStartButton")

    @action(mebibytes=st.sampled_from([1, 1, 2, 512]))
    def choose_memory(self, mebibytes: int) -> None:
        self.application.window.timelineMemoryChosen.emit(mebibytes)

    @action(place=st.integers(0, 2))
    def choose_a_model(self, place: int) -> None:
        self.application.window.models.modelChosen.emit(self._models[place])

    @action()
    def load_slowly(self) -> None:
        self.fake.load_gate.clear()

    @action(lambda window: window.fake.loading, often=4)
    def let_it_load(self) -> None:
        self.fake.load_gate.set()

    @action(lambda window: window.asked, often=8, button=st.sampled_from(ANSWERS))
    def answer(self, button: str) -> None:
        self.click(button)

    @action(often=2, stage=st.sampled_from(sorted(FAILURES, key=str)))
    def break_the_engine(self, stage: Any) -> None:
        self.fake.failures = {stage: FAILURES[stage]("It does not succeed.")}

    @action(lambda window: window.fake.failures, often=3)
    def mend_the_engine(self) -> None:
        self.fake.failures = {}

    @action(lambda window: window.waits_for_the_disk, often=3)
    def try_to_write(self) -> None:
        answers: list[int] = []
        self.application.worker.stillUnwritten.connect(lambda count, why: answers.append(count))
        self.click("unwrittenFirstButton")
        while not answers:
            QCoreApplication.processEvents()

    @property
    def waits_for_the_disk(self) -> bool:
        app = self.application
        return bool(app.unsaved_images.count) and app.queue._current is None

    @action(often=2, actions=st.integers(1, 6), evaluations=st.integers(0, 12))
    def hurry(self, actions: int, evaluations: int) -> None:
        """The next actions come while the engine is at work."""
        self._hurried = actions + 1
        self.ledger.hurried = True
        self.fake.permit(evaluations)

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
            assert not any(line.running for line in app.history.runs.values())
            assert app.models.card.source == app.worker.present.source.source

    def check_memory(self) -> None:
        history = self.application.history
        kept = [
            line
            for line in history.runs.values()
            if not line.running and (history.step is None or history.step.run != line.row.number)
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
        there = {
            number: [step.index for step in line.steps] for number, line in history.runs.items()
        }
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
        assert app.window._picture.currentWidget() is app.window.canvas
        line = app.history.runs[step.run]
        assert step in line.steps
        if step is line.steps[-1] and line.result is not None:
            assert picture is line.result.sheet, "the canvas does not show the run's image"
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
        strip, lines = self.application.window.timeline, self.application.history.runs
        row = strip._rows.get(list(lines)[run % len(lines)])
        assert row is not None
        strip._select(row, row.nearest(step % row.total))

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
        line = app.history.runs[step.run]
        stands_for_image = step is line.steps[-1] and line.result is not None
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


def test_thousands_of_random_actions(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = _threads()
    homes = (tmp_path / str(number) for number in count())
    counts: Counter[str] = Counter()
    # Raised at the end: hypothesis would try the example again, and that would be another one,
    # since two threads are never quite the same twice.
    failures: list[Exception] = []

    @settings(
        max_examples=ASKED or EXAMPLES,
        derandomize=not ASKED,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate,),
    )
    @given(st.lists(st.one_of(ACTIONS), min_size=LENGTH, max_size=LENGTH))
    def whatever_is_done(actions: list[tuple[Callable[..., None], dict[str, Any]]]) -> None:
        if failures:
            return
        home = next(homes)
        monkeypatch.setenv("SAFELIGHT_HOME", str(home))
        monkeypatch.setattr(unsaved_images, "AGAIN", 10**7)  # it is tried when an action says so
        window = Window(home, counts)
        try:
            for act, values in actions:
                act(window, **values)
                window.check()
            window.close()
        except Exception as error:
            error.add_note("\n".join(["The last that was done:", *window.done[-40:]]))
            failures.append(error)
        finally:
            window.clear_away()

    whatever_is_done()
    for failure in failures:
        raise failure
    assert _threads() == threads
    assert sum(counts.values()) >= 2000


def _threads() -> set[str]:
    """Those that Python began. One of Qt that has passed through Python stays in the list."""
    return {
        thread.name
        for thread in threading.enumerate()
        if not isinstance(thread, threading._DummyThread)
    }
