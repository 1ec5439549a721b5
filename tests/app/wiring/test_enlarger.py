"""Better pictures of the steps come into the timeline and onto the canvas."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

from app.main import Application
from tests.app.fake_engine import FakeEngine
from tests.app.in_person import finish, steps


def test_after_a_run_every_step_has_a_full_picture(
    qtbot: QtBot, application: Application, fake: FakeEngine
) -> None:
    fake.kinds = {"linear": "linear", "auto": "tiny", "vae": "vae"}
    application.enlarger._clock = iter(range(10**6)).__next__  # so that every picture is due
    finish(qtbot, application)
    qtbot.waitUntil(lambda: application.enlarger.at_rest)
    qtbot.waitUntil(lambda: all(step.kind != "linear" for step in steps(application)))
