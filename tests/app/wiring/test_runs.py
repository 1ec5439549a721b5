"""Runs on a scripted engine: they are shown, and can be held, stopped and looked through."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QLabel, QPlainTextEdit
from pytestqt.qtbot import QtBot

from app.main import Application
from engine.errors import OutOfMemory
from tests.app.conftest import told
from tests.app.fake_engine import FakeEngine
from tests.app.in_person import child, click, error, finish, status, steps, type_prompt

Start = Callable[..., Application]


def test_type_generate_watch_and_find_it_in_the_gallery(
    qtbot: QtBot, application: Application, fake: FakeEngine, home: Path
) -> None:
    type_prompt(qtbot, application, "a red apple, 3d")
    result = finish(qtbot, application)
    assert fake.requests[0].prompt == "a red apple, 3d"
    assert fake.requests[0].steps == 4
    assert [step.index for step in steps(application)] == [0, 1, 2, 3]
    path = Path(result.paths[0])
    assert path.parent == home / "images"
    assert path.stat().st_size > 0
    assert application.gallery.picture(0).path == str(path)  # pyright: ignore[reportOptionalMemberAccess]
    assert application.showing.picture.path == str(path)  # pyright: ignore[reportOptionalMemberAccess]
    assert status(application) == "Finished"
    assert not child(application, QAbstractButton, "stopButton").isEnabled()


def test_pause_resume_and_stop(qtbot: QtBot, application: Application, fake: FakeEngine) -> None:
    application.session.set_steps(200)
    fake.step_seconds = 0.005
    with qtbot.waitSignal(told(application).stepped):
        click(qtbot, application, "generateButton")
    click(qtbot, application, "pauseButton")
    qtbot.wait(50)
    held = len(steps(application))
    qtbot.wait(60)
    assert len(steps(application)) == held
    click(qtbot, application, "pauseButton")
    qtbot.waitUntil(lambda: len(steps(application)) > held)
    with qtbot.waitSignal(told(application).cancelled):
        click(qtbot, application, "stopButton")
    qtbot.waitUntil(lambda: status(application).startswith("Stopped after"))  # once it is idle
    assert application.gallery.rowCount() == 0
    assert child(application, QAbstractButton, "generateButton").isEnabled()


@pytest.mark.parametrize("stage", ["encode", 0, 3])
def test_an_error_is_a_bar_and_the_prompt_stays(
    qtbot: QtBot, application: Application, fake: FakeEngine, stage: Any
) -> None:
    fake.failures[stage] = OutOfMemory("Too little memory. Take a smaller size.")
    type_prompt(qtbot, application, "an owl")
    with qtbot.waitSignal(told(application).failed):
        click(qtbot, application, "generateButton")
    assert error(application) == "Too little memory. Take a smaller size."
    assert child(application, QPlainTextEdit, "promptEdit").toPlainText() == "an owl"
    fake.failures.clear()
    finish(qtbot, application)


def test_a_cut_prompt_is_told(qtbot: QtBot, application: Application, fake: FakeEngine) -> None:
    fake.truncated = "and a horse"
    finish(qtbot, application)
    labels = [label.text() for label in application.window.prompt.findChildren(QLabel)]
    assert any("and a horse" in text for text in labels)
    type_prompt(qtbot, application, "shorter")
    labels = [label.text() for label in application.window.prompt.findChildren(QLabel)]
    assert not any("and a horse" in text for text in labels)


def test_a_cut_negative_prompt_is_told(
    qtbot: QtBot, application: Application, fake: FakeEngine
) -> None:
    fake.negative_truncated = "and a horse"
    finish(qtbot, application)
    panel = application.window.prompt

    def told() -> bool:
        shown = [label for label in panel.findChildren(QLabel) if label.isVisible()]
        return any("and a horse" in label.text() for label in shown)

    assert told()
    type_prompt(qtbot, application, "another")
    assert told(), "the prompt says nothing about the negative prompt"
    negative = panel.findChild(QPlainTextEdit, "negativePromptEdit")
    assert negative is not None
    negative.setPlainText("shorter")
    assert not told()


def test_stepping_through_a_run(qtbot: QtBot, application: Application) -> None:
    result = finish(qtbot, application)
    strip = application.window.timeline
    qtbot.keyClick(strip, Qt.Key.Key_Home)
    assert application.history.step is steps(application)[0]
    assert application.showing.picture.name == "step-001.png"  # pyright: ignore[reportOptionalMemberAccess]
    qtbot.keyClick(strip, Qt.Key.Key_End)
    assert application.showing.picture.path == result.paths[0]  # pyright: ignore[reportOptionalMemberAccess]
