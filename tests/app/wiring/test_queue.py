"""The queue on a scripted engine: what waits comes in its turn, whatever becomes of the others."""

from __future__ import annotations

import threading
from collections.abc import Callable

from pytestqt.qtbot import QtBot

from app.main import Application
from tests.app.conftest import told
from tests.app.fake_engine import FakeEngine
from tests.app.in_person import click, type_prompt

Start = Callable[..., Application]


def test_what_is_asked_during_a_run_comes_after_it(
    qtbot: QtBot, application: Application, fake: FakeEngine
) -> None:
    fake.gate = threading.Semaphore(0)
    for prompt in ("first", "second", "third"):
        type_prompt(qtbot, application, prompt)
        click(qtbot, application, "generateButton")
    fake.gate.release(100)
    qtbot.waitUntil(lambda: application.gallery.rowCount() == 3)
    assert [request.prompt for request in fake.requests] == ["first", "second", "third"]
    assert len({request.seed for request in fake.requests}) == 3


def test_a_failure_leaves_what_waits(
    qtbot: QtBot, application: Application, fake: FakeEngine
) -> None:
    fake.gate = threading.Semaphore(0)
    fake.failures[0] = RuntimeError("once")
    click(qtbot, application, "generateButton")
    click(qtbot, application, "generateButton")
    with qtbot.waitSignal(told(application).failed):
        fake.gate.release(1)
    fake.failures.clear()
    with qtbot.waitSignal(told(application).finished):
        fake.gate.release(9)
