"""The whole application on a scripted engine: steering, going back, branching and comparing, as a
person does it in the window."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLabel, QLineEdit, QSlider, QWidget
from pytestqt.qtbot import QtBot

from app.main import Application
from engine.errors import OutOfMemory
from tests.app import fake_engine
from tests.app.by_hand import heard
from tests.app.conftest import told
from tests.app.fake_engine import FakeEngine
from tests.app.in_person import child, click, error, finish, status, steps, type_prompt

Start = Callable[..., Application]
MEBIBYTE = 2**20


def rows(application: Application) -> list[tuple[int, int | None, int]]:
    """(run, parent, first step of its own) of each row of the timeline, from top to bottom."""
    return [(row.number, row.parent, row.fork) for row in application.window.timeline._rows]


def look_at(qtbot: QtBot, application: Application, run: int, index: int) -> None:
    """Click that step in the timeline."""
    strip = application.window.timeline
    qtbot.waitUntil(lambda: strip.height() == strip.maximumHeight())  # there is room for it
    qtbot.mouseClick(strip, Qt.MouseButton.LeftButton, pos=strip.place(run, index))
    step = application.history.step
    assert step is not None
    assert (step.run, step.index) == (run, index)


def move_guidance(application: Application, scale: float) -> None:
    child(application, QWidget, "guidanceSpin").setValue(scale)


def grey(application: Application) -> int:
    """How bright the picture is that is shown: 10 times the guidance scale if it was retouched."""
    picture = application.showing.picture
    assert picture is not None and picture.image is not None
    return picture.image.pixelColor(5, 5).red()


def caption(application: Application) -> str:
    return child(application, QWidget, "previewCanvas").accessibleDescription()


def choose(application: Application, words: str) -> None:
    """The menu entry with these words, wherever it is."""
    found = [
        entry
        for entry in application.window.findChildren(QAction)
        if entry.text().replace("&", "") == words
    ]
    assert len(found) == 1, words
    assert found[0].isEnabled(), words
    found[0].trigger()


@pytest.fixture
def held(qtbot: QtBot, application: Application, fake: FakeEngine) -> Application:
    """A run of four steps that stands still after its second."""
    fake.gate = threading.Semaphore(2)
    with qtbot.waitSignals([told(application).stepped] * 2):
        click(qtbot, application, "generateButton")
    return application


def go_on(fake: FakeEngine) -> None:
    """Let every run go as fast as it can."""
    fake.gate, gate = None, fake.gate
    assert gate
    gate.release(999)


def test_guidance_steers_the_run_under_way(
    qtbot: QtBot, application: Application, fake: FakeEngine
) -> None:
    fake.gate = threading.Semaphore(1)
    with qtbot.waitSignal(told(application).stepped):
        click(qtbot, application, "generateButton")
    child(application, QWidget, "guidanceSpin").setValue(12.5)
    with qtbot.waitSignal(told(application).finished):
        fake.gate.release(9)
    scales = [step.guidance_scale for step in steps(application)]
    assert scales == [5.0, 12.5, 12.5, 12.5]
    assert application.session.guidance_scale == 12.5


class TestSteering:
    def test_a_paused_picture_morphs_under_the_slider_and_goes_on_with_it(
        self, qtbot: QtBot, held: Application, fake: FakeEngine
    ) -> None:
        marks = heard(held.history.marked)
        click(qtbot, held, "pauseButton")
        slider = child(held, QSlider, "guidanceSlider")
        for position in range(60, 161, 5):
            slider.setValue(position)
        qtbot.waitUntil(lambda: grey(held) == 160)
        assert caption(held) == "step 2 of 4 · predicted picture · guidance 5 → 16"
        assert fake.evaluated == [0, 1]
        with qtbot.waitSignal(told(held).finished):
            click(qtbot, held, "pauseButton")
            go_on(fake)
        assert [step.guidance_scale for step in steps(held)] == [5.0, 5.0, 16.0, 16.0]
        assert marks == [(1, 2, "Guidance 16")]

    def test_an_earlier_step_morphs_and_the_run_is_left_alone(
        self, qtbot: QtBot, held: Application, fake: FakeEngine
    ) -> None:
        look_at(qtbot, held, 1, 0)
        move_guidance(held, 12.0)
        qtbot.waitUntil(lambda: grey(held) == 120)
        with qtbot.waitSignal(told(held).finished):
            go_on(fake)
        assert [step.guidance_scale for step in steps(held)] == [5.0] * 4
        assert caption(held) == "step 1 of 4 · predicted picture · guidance 5 → 12"

    def test_new_words_are_used_when_a_person_says_so(
        self, qtbot: QtBot, held: Application, fake: FakeEngine
    ) -> None:
        marks = heard(held.history.marked)
        button = child(held, QAbstractButton, "steerButton")
        assert not button.isVisible()
        type_prompt(qtbot, held, "a cat")
        assert button.isVisible()
        click(qtbot, held, "steerButton")
        assert not button.isVisible()
        type_prompt(qtbot, held, "an owl")
        with qtbot.waitSignal(told(held).idle):
            go_on(fake)
        assert marks == [(1, 2, "Prompt: a cat")]
        assert not button.isVisible()

    def test_a_course_that_is_chosen_is_planned_and_run(
        self, qtbot: QtBot, application: Application, fake: FakeEngine
    ) -> None:
        plans = heard(told(application).planned)
        click(qtbot, application, "guidanceMoreButton")
        picker = child(application, QComboBox, "guidancePresetPicker")
        picker.setCurrentIndex(picker.findData("falling"))
        finish(qtbot, application)
        scales = [step.guidance_scale for step in steps(application)]
        assert scales == pytest.approx([7.0, 17 / 3, 13 / 3, 3.0])
        assert plans == [(1, tuple(scales))]
        application.session.set_interval(0.5, 1.0)
        finish(qtbot, application)
        assert plans[1] == (2, (None, None, *scales[2:]))


class TestBranching:
    def test_only_the_remaining_steps_run(
        self, qtbot: QtBot, application: Application, fake: FakeEngine
    ) -> None:
        first = finish(qtbot, application)
        button = child(application, QAbstractButton, "branchButton")
        assert not button.isEnabled()  # a finished picture has no steps left
        look_at(qtbot, application, 1, 1)
        assert button.isEnabled()
        move_guidance(application, 12.0)
        qtbot.waitUntil(lambda: grey(application) == 120)
        with qtbot.waitSignal(told(application).finished) as finished:
            click(qtbot, application, "branchButton")
        branch = finished.args[0]
        assert fake.evaluated == [0, 1, 2, 3, 2, 3]
        assert fake.starts[1].index == 1
        assert rows(application) == [(1, None, 0), (2, 1, 2)]
        assert [step.guidance_scale for step in steps(application, 2)] == [12.0, 12.0]
        assert application.gallery.rowCount() == 2
        assert application.showing.picture.path == branch.paths[0]  # pyright: ignore[reportOptionalMemberAccess]
        assert branch.paths[0] != first.paths[0]
        # The rows are there to go back and forth between.
        qtbot.keyClick(application.window.timeline, Qt.Key.Key_Up)
        assert application.showing.picture.path == first.paths[0]  # pyright: ignore[reportOptionalMemberAccess]

    def test_a_branch_is_as_fast_as_the_recipe_says(
        self, qtbot: QtBot, application: Application, fake: FakeEngine
    ) -> None:
        finish(qtbot, application)
        slider, marks = (
            child(application, QSlider, "economySlider"),
            heard(application.history.marked),
        )
        slider.setValue(2)
        look_at(qtbot, application, 1, 1)
        move_guidance(application, 12.0)
        qtbot.waitUntil(lambda: grey(application) == 120)
        with qtbot.waitSignals([told(application).finished, told(application).idle]):
            click(qtbot, application, "branchButton")
        asked = fake.requests[-1]
        assert (asked.feature_reuse, asked.guidance_reuse) == (3, 0.2)
        assert [step.guidance_scale for step in steps(application, 2)] == [12.0, 12.0]
        assert {words for run, index, words in marks if (run, index) == (2, 2)} == {
            "Guidance 12",
            "Deep layers in one step of 3",
            "Unguided half less often",
            "In 8 bits",
        }

    def test_a_branch_of_a_paused_run_takes_its_place_at_once(
        self, qtbot: QtBot, held: Application, fake: FakeEngine
    ) -> None:
        click(qtbot, held, "generateButton")
        click(qtbot, held, "pauseButton")
        with qtbot.waitSignals([told(held).cancelled, told(held).started], order="strict"):
            click(qtbot, held, "branchButton")
        assert not child(held, QAbstractButton, "pauseButton").isChecked()
        go_on(fake)
        qtbot.waitUntil(lambda: held.gallery.rowCount() == 2)
        assert [start and start.index for start in fake.starts] == [None, 1, None]
        assert fake.evaluated == [*(0, 1), *(2, 3), *(0, 1, 2, 3)]
        assert rows(held) == [(1, None, 0), (2, 1, 2), (3, None, 0)]

    def test_a_branch_of_a_run_that_goes_on_waits_its_turn(
        self, qtbot: QtBot, held: Application, fake: FakeEngine
    ) -> None:
        look_at(qtbot, held, 1, 0)
        click(qtbot, held, "branchButton")
        assert len(held.queue) == 1
        go_on(fake)
        qtbot.waitUntil(lambda: held.gallery.rowCount() == 2)
        assert fake.evaluated == [*(0, 1, 2, 3), *(1, 2, 3)]

    def test_variations_side_by_side(
        self, qtbot: QtBot, application: Application, fake: FakeEngine
    ) -> None:
        finish(qtbot, application)
        look_at(qtbot, application, 1, 1)
        click(qtbot, application, "varyButton")
        child(application, QSlider, "varySlider").setValue(40)
        child(application, QWidget, "varyCountSpin").setValue(3)
        marks = heard(application.history.marked)
        with qtbot.waitSignal(told(application).idle):
            click(qtbot, application, "varyStartButton")
        assert rows(application) == [(1, None, 0), (2, 1, 2), (3, 1, 2), (4, 1, 2)]
        assert marks == [(run, 2, "Varied by 40 %") for run in (2, 3, 4)]
        assert application.gallery.rowCount() == 4
        assert status(application) == "Finished"

    def test_a_step_that_is_dropped_before_its_turn_is_told(
        self,
        qtbot: QtBot,
        held: Application,
        fake: FakeEngine,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(fake_engine, "SNAPSHOT_BYTES", 100 * MEBIBYTE)
        with qtbot.waitSignal(told(held).idle):
            go_on(fake)
        fake.gate = threading.Semaphore(1)
        with qtbot.waitSignal(told(held).stepped):
            click(qtbot, held, "generateButton")
        look_at(qtbot, held, 1, 1)
        click(qtbot, held, "branchButton")
        look_at(qtbot, held, 2, 0)
        choose(held, "128 MB")
        assert rows(held) == [(2, None, 0)]
        with qtbot.waitSignal(told(held).refused):
            go_on(fake)
        assert error(held).startswith("That step is not in memory any more.")
        assert child(held, QAbstractButton, "generateButton").isEnabled()
        finish(qtbot, held)


class TestStopping:
    def test_stop_holds_what_waits_until_it_goes_on_or_is_forgotten(
        self, qtbot: QtBot, held: Application, fake: FakeEngine
    ) -> None:
        for _ in range(3):
            click(qtbot, held, "generateButton")
        with qtbot.waitSignal(told(held).idle):
            click(qtbot, held, "stopButton")
        assert status(held) == "Stopped after 2 of 4 steps"
        pause, stop = (child(held, QAbstractButton, f"{name}Button") for name in ("pause", "stop"))
        assert (pause.accessibleName(), stop.accessibleName()) == ("Go on", "Forget them")
        assert (len(held.queue), len(fake.requests)) == (3, 1)

        with qtbot.waitSignal(told(held).started):
            click(qtbot, held, "pauseButton")
        assert (pause.accessibleName(), stop.accessibleName()) == ("Pause", "Stop")
        with qtbot.waitSignal(told(held).idle):
            click(qtbot, held, "stopButton")
        assert (len(held.queue), len(fake.requests)) == (2, 2)

        click(qtbot, held, "stopButton")
        assert (len(held.queue), stop.isEnabled(), pause.isEnabled()) == (0, False, False)
        go_on(fake)
        finish(qtbot, held)
        assert len(fake.requests) == 3

    def test_skip_goes_on_with_the_next(
        self, qtbot: QtBot, held: Application, fake: FakeEngine
    ) -> None:
        skip = next(
            entry
            for entry in held.window.run.findChildren(QAction)
            if entry.text() == "Skip to the next"
        )
        assert not skip.isEnabled()
        click(qtbot, held, "generateButton")
        with qtbot.waitSignals([told(held).cancelled, told(held).started], order="strict"):
            skip.trigger()
        with qtbot.waitSignal(told(held).finished):
            go_on(fake)
        assert held.gallery.rowCount() == 1

    def test_finish_makes_a_picture_of_what_is_there_and_it_can_go_on(
        self, qtbot: QtBot, held: Application, fake: FakeEngine
    ) -> None:
        with qtbot.waitSignals([told(held).finished, told(held).idle]):
            choose(held, "Finish with what is there")
        assert status(held) == "Finished after 2 of 4 steps"
        assert (held.gallery.rowCount(), fake.evaluated) == (1, [0, 1])
        assert caption(held).startswith("seed ")
        go_on(fake)
        with qtbot.waitSignal(told(held).finished):
            click(qtbot, held, "branchButton")
        assert fake.evaluated == [0, 1, 2, 3]


class TestComparing:
    def ask(self, qtbot: QtBot, application: Application, values: str) -> None:
        click(qtbot, application, "compareButton")
        field = child(application, QComboBox, "compareFirstField")
        field.setCurrentIndex(field.findData("guidance"))
        down = child(application, QComboBox, "compareSecondField")
        down.setCurrentIndex(down.findData("seed"))
        for name, text in (("First", values), ("Second", "0..1")):
            line = child(application, QLineEdit, f"compare{name}Values")
            line.selectAll()
            qtbot.keyClicks(line, text)

    def note(self, application: Application) -> str:
        return child(application, QLabel, "compareNote").text()

    def test_cells_fill_in_and_the_sheet_is_in_the_gallery(
        self, qtbot: QtBot, application: Application, fake: FakeEngine, home: Path
    ) -> None:
        self.ask(qtbot, application, "2, 8")
        assert self.note(application) == "4 pictures, 16 steps"
        child(application, QWidget, "stepsSpin").setValue(3)
        assert self.note(application) == "4 pictures, 12 steps"
        fake.gate = threading.Semaphore(5)
        grid, canvas = application.window.grid, application.window.canvas
        with qtbot.waitSignals([told(application).stepped] * 5):
            click(qtbot, application, "compareStartButton")
        assert (grid.isVisible(), canvas.isVisible()) == (True, False)
        assert len(grid._pictures) == 4
        assert grid._notes[0, 0] == "2 of 3"
        move_guidance(application, 12.0)  # is for the next run
        with qtbot.waitSignal(told(application).idle):
            go_on(fake)
        scales = {run: {s.guidance_scale for s in steps(application, run)} for run in range(1, 5)}
        assert scales == {1: {2.0}, 2: {8.0}, 3: {2.0}, 4: {8.0}}
        assert [label for label in grid._notes.values() if label] == []
        assert application.gallery.rowCount() == 5
        sheet = application.gallery.picture(0)
        assert sheet is not None and sheet.path.endswith("-0-grid.png")
        assert len(list((home / "images").glob("*.png"))) == 5
        assert grid.isVisible()
        assert application.showing.picture.path == sheet.path  # pyright: ignore[reportOptionalMemberAccess]

        grid.setFocus()
        for key in (Qt.Key.Key_End, Qt.Key.Key_Return):
            qtbot.keyClick(grid, key)
        assert (grid.isVisible(), canvas.isVisible()) == (False, True)
        assert application.history.step is steps(application, 4)[-1]

    def test_a_cell_that_fails_leaves_the_others(
        self, qtbot: QtBot, application: Application, fake: FakeEngine
    ) -> None:
        fake.failures["seed", 1] = OutOfMemory("Too little memory. Take a smaller size.")
        self.ask(qtbot, application, "2, 8")
        with qtbot.waitSignal(told(application).idle):
            click(qtbot, application, "compareStartButton")
        assert error(application) == "Too little memory. Take a smaller size."
        assert application.window.grid._notes[1, 1] == "did not succeed"
        assert application.gallery.rowCount() == 3

    def test_what_cannot_be_compared_is_told_at_once(
        self, qtbot: QtBot, application: Application, fake: FakeEngine
    ) -> None:
        self.ask(qtbot, application, "2, two")
        told = "'2, two' cannot be read as values of guidance. Write some, like 1, 4, 7, 10."
        assert self.note(application) == told
        assert not child(application, QAbstractButton, "compareStartButton").isEnabled()

    @pytest.mark.parametrize("leave", ["timeline", "gallery", "generate"])
    def test_looking_at_something_else_leaves_the_grid(
        self, qtbot: QtBot, application: Application, leave: str
    ) -> None:
        self.ask(qtbot, application, "2, 8")
        with qtbot.waitSignal(told(application).idle):
            click(qtbot, application, "compareStartButton")
        if leave == "timeline":
            look_at(qtbot, application, 2, 1)
        elif leave == "gallery":
            application.window.gallery.imageActivated.emit(1)
        else:
            finish(qtbot, application)
        assert application.window.canvas.isVisible()


class TestMemory:
    def test_the_menu_says_how_much_the_timeline_may_take(
        self, qtbot: QtBot, start: Start, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(fake_engine, "SNAPSHOT_BYTES", 50 * MEBIBYTE)
        application = start()
        assert application.history.memory.budget == 512 * MEBIBYTE
        for _ in range(3):
            finish(qtbot, application)
        assert rows(application) == [(2, None, 0), (3, None, 0)]
        labels = [label.text() for label in application.window.status.findChildren(QLabel)]
        assert "timeline 400 MB" in labels
        choose(application, "128 MB")
        assert rows(application) == [(3, None, 0)]
        assert application.worker.memory.runs.keys() == application.history.runs.keys() == {3}
        application.window.close()

        again = start()
        assert again.history.memory.budget == 128 * MEBIBYTE
        assert [
            entry.text()
            for entry in again.window.menu.findChildren(QAction)
            if entry.isChecked() and "MB" in entry.text()
        ] == ["128 MB"]
