"""Models on a scripted engine: one that cannot be loaded, now or at the start."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.main import Application
from engine.errors import LoadError
from tests.app.conftest import told
from tests.app.fake_engine import FakeEngine
from tests.app.in_person import error, finish

Start = Callable[..., Application]


def test_a_model_that_cannot_be_loaded_leaves_the_former(
    qtbot: QtBot, application: Application, fake: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(application.window, "ask_folder", lambda title, start: "/gone")
    fake.failures["load"] = LoadError("There is no model folder /gone. Check the path.")
    with qtbot.waitSignal(told(application).loadFailed):
        application.window.openModelRequested.emit()
    assert error(application) == "There is no model folder /gone. Check the path."
    finish(qtbot, application)


def test_a_model_that_is_gone_at_the_start_gives_way_to_the_bundled(
    qtbot: QtBot, start: Start, fake: FakeEngine, home: Path
) -> None:
    (home / "config").mkdir(parents=True)
    (home / "config" / "preferences.json").write_text('{"model": "/gone"}')
    fake.failures["/gone"] = LoadError("There is no model folder /gone. Check the path.")
    application = start(ready=False)
    qtbot.waitUntil(lambda: application.models.card is not None)
    assert fake.loaded == ["/gone", "bundled"]
    assert "/gone" in error(application)
