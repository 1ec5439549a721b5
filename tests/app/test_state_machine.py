"""The whole window on a fake engine under thousands of random actions, with its real threads: after
each of them it has come to rest in time, has lost nothing, and shows what the engine does.

    SAFELIGHT_EXAMPLES=500 pytest tests/app/test_state_machine.py    # longer, and other actions
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable
from functools import wraps
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QSlider,
    QSpinBox,
)
from pytestqt.qtbot import QtBot

from app.state.gallery import unsaved_images
from engine.errors import EngineError, LoadError, SaveError
from tests.app.watched_window import WatchedWindow

EXAMPLES, LENGTH = 24, 200
ASKED = int(os.environ.get("SAFELIGHT_EXAMPLES", "0"))

WORDS = st.sampled_from(["", "an owl", "a red apple, 3d", "แมวสีส้ม"])
FAILURES = {
    "encode": EngineError,
    2: EngineError,
    "preview": RuntimeError,
    "save": SaveError,
    "load": LoadError,
}


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
    return bool(window.runs)


def has_images(window: Window) -> bool:
    return window.application.gallery.rowCount() > 0


class Window(WatchedWindow):
    """What a person does before it."""

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
        strip = self.application.window.timeline
        row = self.runs[run % len(self.runs)]
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
        if self.runs:
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

    @action(often=2, actions=st.integers(1, 6), evaluations=st.integers(0, 12))
    def hurry(self, actions: int, evaluations: int) -> None:
        """The next actions come while the engine is at work."""
        self._hurried = actions + 1
        self.ledger.hurried = True
        self.fake.permit(evaluations)


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
