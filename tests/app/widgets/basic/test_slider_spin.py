"""A slider and a spin box that are one number."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QDoubleSpinBox, QSlider
from pytestqt.qtbot import QtBot

from app.widgets.basic.slider_spin import SliderSpin
from tests.app.widgets.probes import Heard, part


@pytest.fixture
def guidance(qtbot: QtBot) -> SliderSpin:
    slider_spin = SliderSpin("Guidance", 0, 20, 0.1, 1, "slider", "spin", "tip", spin_high=100)
    qtbot.addWidget(slider_spin)
    slider_spin.resize(300, 60)
    slider_spin.show()
    return slider_spin


class TestSliderSpin:
    def test_set_value_tells_nobody(self, guidance: SliderSpin) -> None:
        heard = Heard(guidance.valueChanged)
        guidance.set_value(7.5)
        assert guidance.value() == 7.5
        assert part(guidance, QSlider, "slider").value() == 75
        assert not heard

    def test_slider_moves_the_spin_box(self, guidance: SliderSpin) -> None:
        heard = Heard(guidance.valueChanged)
        part(guidance, QSlider, "slider").setValue(31)
        assert part(guidance, QDoubleSpinBox, "spin").value() == pytest.approx(3.1)
        assert heard == [(pytest.approx(3.1),)]

    def test_typed_number_counts_when_complete(self, qtbot: QtBot, guidance: SliderSpin) -> None:
        heard = Heard(guidance.valueChanged)
        spin = part(guidance, QDoubleSpinBox, "spin")
        spin.selectAll()
        qtbot.keyClicks(spin, "42")
        assert not heard
        qtbot.keyClick(spin, Qt.Key.Key_Return)
        assert heard == [(42.0,)]
        assert part(guidance, QSlider, "slider").value() == 200
        assert guidance.value() == 42.0

    def test_values_between_the_slider_positions_are_kept(self, guidance: SliderSpin) -> None:
        guidance.set_value(50.3)
        assert guidance.value() == pytest.approx(50.3)

    def test_press_brings_the_handle_there(self, qtbot: QtBot, guidance: SliderSpin) -> None:
        slider = part(guidance, QSlider, "slider")
        middle = QPoint(slider.width() // 2, slider.height() // 2)
        qtbot.mouseClick(slider, Qt.MouseButton.LeftButton, pos=middle)
        assert guidance.value() == pytest.approx(10, abs=0.5)

    def test_arrow_keys(self, qtbot: QtBot, guidance: SliderSpin) -> None:
        guidance.set_value(5)
        qtbot.keyClick(part(guidance, QSlider, "slider"), Qt.Key.Key_Right)
        assert guidance.value() == pytest.approx(5.1)
