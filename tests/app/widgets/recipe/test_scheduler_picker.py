"""The list of schedulers, each with its sentence."""

from __future__ import annotations

from PySide6.QtWidgets import QComboBox, QLabel
from pytestqt.qtbot import QtBot

from app.widgets.recipe.scheduler_picker import SchedulerPicker
from tests.app.widgets.probes import Heard, part


class TestSchedulerPicker:
    def test_scheduler_shows_its_sentence(self, qtbot: QtBot) -> None:
        picker = SchedulerPicker()
        qtbot.addWidget(picker)
        heard = Heard(picker.schedulerChosen)
        picker.set_schedulers([("ddim", "DDIM", "The classic."), ("euler", "Euler", "Simple.")])
        picker.set_current("euler")
        assert not heard
        box = part(picker, QComboBox, "schedulerPicker")
        assert "Simple." in [label.text() for label in picker.findChildren(QLabel)]
        box.setCurrentIndex(0)
        assert heard == [("ddim",)]
        assert "The classic." in [label.text() for label in picker.findChildren(QLabel)]
