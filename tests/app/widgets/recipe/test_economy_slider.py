"""The slider from exact to fast."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QLabel, QSlider
from pytestqt.qtbot import QtBot

from app.widgets.recipe.economy_slider import EconomySlider
from tests.app.widgets.probes import Heard, part


@pytest.fixture
def economy(qtbot: QtBot) -> EconomySlider:
    slider = EconomySlider()
    qtbot.addWidget(slider)
    slider.set_sentences(["All of it.", "Half of it.", "A third of it."])
    slider.resize(300, 90)
    slider.show()
    return slider


class TestEconomySlider:
    def test_tells_a_level_and_what_it_does(self, qtbot: QtBot, economy: EconomySlider) -> None:
        heard = Heard(economy.levelChosen)
        slider = part(economy, QSlider, "economySlider")
        for key in (Qt.Key.Key_Right, Qt.Key.Key_PageUp, Qt.Key.Key_Right, Qt.Key.Key_Home):
            qtbot.keyClick(slider, key)
        assert heard == [(1,), (2,), (0,)]
        end = QPoint(slider.width() - 2, slider.height() // 2)
        qtbot.mouseClick(slider, Qt.MouseButton.LeftButton, pos=end)
        assert heard[3:] == [(2,)]
        texts = [label.text() for label in economy.findChildren(QLabel)]
        assert {"Exact", "Fast", "A third of it."} <= set(texts)
        assert slider.accessibleDescription() == "A third of it."

    def test_what_is_set_from_outside_tells_nobody(self, economy: EconomySlider) -> None:
        heard = Heard(economy.levelChosen)
        slider = part(economy, QSlider, "economySlider")
        economy.set_level(2)
        economy.set_sentences(["All.", "Half.", "A third."])
        assert (slider.value(), slider.accessibleDescription()) == (2, "A third.")
        economy.set_sentences(["All.", "Half."])
        assert (slider.value(), slider.accessibleDescription()) == (1, "Half.")
        assert not heard
