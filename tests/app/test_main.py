"""The whole application on a scripted engine: how it starts, how it ends, and what is back at the
next start."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtWidgets import QAbstractButton, QLabel, QLineEdit, QPlainTextEdit, QSlider, QWidget
from pytestqt.qtbot import QtBot

from app.main import Application
from tests.app.conftest import told
from tests.app.fake_engine import FakeEngine
from tests.app.in_person import child, click, error, finish, status, type_prompt

Start = Callable[..., Application]


def test_the_window_is_there_before_the_model(start: Start, fake: FakeEngine, qtbot: QtBot) -> None:
    fake.load_gate = threading.Event()
    application = start(ready=False)
    assert application.window.isVisible()
    assert fake.loaded == []
    assert not child(application, QAbstractButton, "generateButton").isEnabled()
    qtbot.waitUntil(lambda: fake.loaded == ["bundled"])
    qtbot.waitUntil(lambda: status(application) == "Loading: UNet · 50 %")
    fake.load_gate.set()
    qtbot.waitUntil(lambda: child(application, QAbstractButton, "generateButton").isEnabled())
    assert child(application, QLabel, "deviceLabel").text() == "Bundled · CPU · float32"


def test_everything_is_back_at_the_next_start(
    qtbot: QtBot, start: Start, home: Path, tmp_path: Path
) -> None:
    first = start()
    type_prompt(qtbot, first, "an owl")
    child(first, QWidget, "stepsSpin").setValue(7)
    child(first, QSlider, "economySlider").setValue(2)
    child(first, QLineEdit, "seedField").setText("123")
    first.session.set_seed_locked(True)
    first.window.themeChosen.emit("light")
    first.window.resize(870, 610)
    result = finish(qtbot, first)
    first.window.close()

    second = start()
    assert child(second, QPlainTextEdit, "promptEdit").toPlainText() == "an owl"
    assert child(second, QWidget, "stepsSpin").value() == 7
    assert child(second, QSlider, "economySlider").value() == 2
    assert child(second, QLineEdit, "seedField").text() == "123"
    assert second.session.seed_locked
    assert second.preferences.get("theme", "dark") == "light"
    assert second.window.height() == 610
    qtbot.waitUntil(lambda: second.gallery.rowCount() == 1)
    assert second.gallery.picture(0).path == result.paths[0]  # pyright: ignore[reportOptionalMemberAccess]


@pytest.mark.parametrize(
    "content",
    [
        "{",
        json.dumps({"theme": "pink", "geometry": "é!", "image_folder": 4, "model": None}),
        json.dumps({"draft": {"width": 3}, "chosen": ["width", 1, []], "recent_models": [1]}),
    ],
)
def test_odd_settings_are_no_reason_not_to_start(
    qtbot: QtBot, start: Start, home: Path, content: str
) -> None:
    (home / "config").mkdir(parents=True)
    (home / "config" / "preferences.json").write_text(content)
    application = start()
    assert bool(error(application)) == (content == "{")
    finish(qtbot, application)


@pytest.mark.parametrize("state", ["loading", "running", "paused", "queued"])
def test_closing_the_window_ends_the_thread(
    qtbot: QtBot, start: Start, fake: FakeEngine, state: str
) -> None:
    if state == "loading":
        fake.load_gate = threading.Event()
    application = start(ready=state != "loading")
    fake.gate = threading.Semaphore(1)
    if state == "loading":
        qtbot.waitUntil(lambda: bool(fake.loaded))
    else:
        with qtbot.waitSignal(told(application).stepped):
            click(qtbot, application, "generateButton")
    if state == "paused":
        click(qtbot, application, "pauseButton")
    if state == "queued":
        click(qtbot, application, "generateButton")
    application.window.close()
    assert application.worker_thread.isFinished()
    assert len(fake.requests) == (0 if state == "loading" else 1)
