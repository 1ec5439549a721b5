"""The buttons of a run and its progress."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication, QLabel, QMenu, QProgressBar, QPushButton
from pytestqt.qtbot import QtBot

from app.widgets.runs.run_controls import RunControls
from tests.app.widgets.probes import Heard, part

CTRL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def run(qtbot: QtBot) -> RunControls:
    controls = RunControls()
    qtbot.addWidget(controls)
    controls.show()
    return controls


class TestRunControls:
    def test_nothing_can_be_pressed_before_a_model_is_there(self, run: RunControls) -> None:
        for name in ("generateButton", "pauseButton", "stopButton"):
            assert not part(run, QPushButton, name).isEnabled()

    def test_nothing_moves_when_something_waits(self, qtbot: QtBot, run: RunControls) -> None:
        run.show()
        qtbot.waitExposed(run)
        height = run.sizeHint().height()
        run.set_waiting(2)
        assert run.sizeHint().height() == height

    def test_generate_stays_during_a_run(self, run: RunControls) -> None:
        run.set_ready(True)
        run.set_running(True)
        for name in ("generateButton", "pauseButton", "stopButton"):
            assert part(run, QPushButton, name).isEnabled()
        run.set_running(False)
        assert part(run, QPushButton, "generateButton").isEnabled()
        assert not part(run, QPushButton, "pauseButton").isEnabled()
        assert not part(run, QPushButton, "stopButton").isEnabled()

    def test_buttons(self, run: RunControls) -> None:
        run.set_ready(True)
        run.set_running(True)
        generate, stop = Heard(run.generateRequested), Heard(run.stopRequested)
        pause = Heard(run.pauseToggled)
        part(run, QPushButton, "generateButton").click()
        part(run, QPushButton, "pauseButton").click()
        assert part(run, QPushButton, "pauseButton").text() == "Resume"
        part(run, QPushButton, "pauseButton").click()
        part(run, QPushButton, "stopButton").click()
        assert generate == [()]
        assert pause == [(True,), (False,)]
        assert stop == [()]

    def test_the_key_that_stops_forgets_nothing(self, qtbot: QtBot, run: RunControls) -> None:
        """Pressed twice, or held: what stands still is put away by the button and the menu only."""
        run.set_ready(True)
        run.set_running(True)
        run.set_waiting(2)
        stop, forget = Heard(run.stopRequested), Heard(run.forgetRequested)
        qtbot.keyClick(run, Qt.Key.Key_T, CTRL)
        assert stop == [()]
        run.set_running(False)
        run.set_held(True)
        qtbot.keyClick(run, Qt.Key.Key_T, CTRL)
        assert forget == []
        part(run, QPushButton, "stopButton").click()
        assert forget == [()]
        run.set_held(False)
        run.set_running(True)
        qtbot.keyClick(run, Qt.Key.Key_T, CTRL)
        assert len(stop) == 2

    def test_a_key_that_is_held_asks_once(self, run: RunControls) -> None:
        keyed = [action for action in run.findChildren(QAction) if action.shortcuts()]
        assert len(keyed) > 3
        assert not any(action.autoRepeat() for action in keyed)

    @pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Enter])
    def test_ctrl_enter(self, qtbot: QtBot, run: RunControls, key: Qt.Key) -> None:
        heard = Heard(run.generateRequested)
        qtbot.keyClick(run, key, CTRL)
        assert not heard
        run.set_ready(True)
        qtbot.keyClick(run, key, CTRL)
        assert heard == [()]

    def test_setters_tell_nobody(self, run: RunControls) -> None:
        heard = Heard(run.pauseToggled, run.stopRequested, run.generateRequested)
        run.set_running(True)
        run.set_paused(True)
        assert part(run, QPushButton, "pauseButton").isChecked()
        run.set_running(False)
        assert not part(run, QPushButton, "pauseButton").isChecked()
        assert not heard

    def test_ways_to_stop(self, qtbot: QtBot, run: RunControls) -> None:
        heard = Heard(run.stopRequested)
        finish, skip = Heard(run.finishRequested), Heard(run.skipRequested)
        button = part(run, QPushButton, "stopMenuButton")
        assert not button.isEnabled()
        run.set_running(True)
        button.click()
        menu = QApplication.activePopupWidget()
        assert isinstance(menu, QMenu)
        stop_now, with_what_is_there, to_the_next = menu.actions()
        assert not to_the_next.isEnabled()
        run.set_waiting(2)
        for action in (stop_now, with_what_is_there, to_the_next):
            assert action.toolTip() not in ("", action.text())
            action.trigger()
        assert (heard, finish, skip) == ([()], [()], [()])
        run.set_running(False)
        assert not menu.isVisible(), "the run is over: nothing is left to stop"
        assert not to_the_next.isEnabled()

    def test_a_held_queue_goes_on(self, run: RunControls) -> None:
        go_on, paused = Heard(run.goOnRequested), Heard(run.pauseToggled)
        pause = part(run, QPushButton, "pauseButton")
        run.set_running(True)
        run.set_paused(True)
        run.set_held(True)
        run.set_running(False)
        assert (pause.text(), pause.isEnabled(), pause.isChecked()) == ("Go on", True, True)
        assert not go_on
        pause.click()
        assert go_on == [()]
        assert pause.isChecked(), "it is held until someone says otherwise"
        run.set_held(False)
        assert (pause.text(), pause.isEnabled(), pause.isChecked()) == ("Pause", False, False)
        run.set_running(True)
        pause.click()
        assert paused == [(True,)]

    def test_progress(self, run: RunControls) -> None:
        bar = part(run, QProgressBar, "progressBar")
        run.set_progress(7, 20, "7 of 20 · 0.07 s a step")
        assert (bar.value(), bar.maximum()) == (7, 20)
        assert "7 of 20 · 0.07 s a step" in [label.text() for label in run.findChildren(QLabel)]
        run.set_progress(0, 0, "")
        assert (bar.value(), bar.maximum()) == (0, 1)
        run.set_progress(30, 20, "")
        assert bar.value() == 20
