"""The recipe on a scripted engine: what is set and typed is what is asked for."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPlainTextEdit
from pytestqt.qtbot import QtBot

from app.main import Application
from tests.app.conftest import told
from tests.app.fake_engine import FakeEngine
from tests.app.in_person import child, finish

Start = Callable[..., Application]


def test_ctrl_enter_generates(qtbot: QtBot, application: Application) -> None:
    edit = child(application, QPlainTextEdit, "promptEdit")
    with qtbot.waitSignal(told(application).finished):
        qtbot.keyClick(edit, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)


@pytest.mark.parametrize("prompt", ["", "แมวสีส้ม", "🐈‍⬛ on a 🛹", "x" * 5000, "<b>bold</b> {0} %s"])
def test_any_text_is_a_prompt(
    qtbot: QtBot, application: Application, fake: FakeEngine, prompt: str
) -> None:
    child(application, QPlainTextEdit, "promptEdit").setPlainText(prompt)
    finish(qtbot, application)
    assert fake.requests[0].prompt == prompt
