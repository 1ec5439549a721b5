"""A grid of pictures: what the bar offers depends on what the model can do."""

from __future__ import annotations

from PySide6.QtWidgets import QComboBox
from pytestqt.qtbot import QtBot

from app.main import Application
from tests.app.conftest import told
from tests.app.fake_engine import FAKE_DDPM, FakeEngine
from tests.app.in_person import child


def test_a_model_without_a_prompt_has_other_axes(
    qtbot: QtBot, application: Application, fake: FakeEngine
) -> None:
    field = child(application, QComboBox, "compareFirstField")
    assert field.findData("prompt") >= 0
    fake.models["/models/ddpm"] = FAKE_DDPM
    with qtbot.waitSignal(told(application).ready):
        application.models.choose("/models/ddpm")
    assert field.findData("prompt") < 0
    assert application.comparing._axes == application.window.compare.axes()
