"""Images that could not be written, on a scripted engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.main import Application
from engine.errors import SaveError
from tests.app.fake_engine import FakeEngine
from tests.app.in_person import finish

Start = Callable[..., Application]


def test_an_image_that_could_not_be_written_can_be_saved_elsewhere(
    qtbot: QtBot,
    application: Application,
    fake: FakeEngine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake.failures["save"] = SaveError("The disk is full.")
    finish(qtbot, application)
    notice = application.window.findChild(QWidget, "unwrittenText")
    assert notice.isVisible()
    assert "The disk is full." in notice.text()
    assert application.gallery.rowCount() == 1
    fake.failures.clear()
    target = tmp_path / "rescued.png"
    monkeypatch.setattr(application.window, "ask_save_path", lambda suggested: str(target))
    with qtbot.waitSignal(application.exports.done):
        application.window.gallery.saveRequested.emit(0)
    assert target.stat().st_size > 0
