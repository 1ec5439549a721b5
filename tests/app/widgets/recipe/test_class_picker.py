"""The list of classes and its dice."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton, QSpinBox
from pytestqt.qtbot import QtBot

from app.widgets.recipe.class_picker import ClassPicker
from tests.app.widgets.probes import Heard, part


@pytest.fixture
def classes(qtbot: QtBot) -> ClassPicker:
    picker = ClassPicker()
    qtbot.addWidget(picker)
    picker.set_classes(10)
    picker.show()
    return picker


class TestClassPicker:
    def test_typed_class_counts_when_complete(self, qtbot: QtBot, classes: ClassPicker) -> None:
        heard = Heard(classes.classChosen)
        classes.set_classes(1000)
        spin = part(classes, QSpinBox, "classPicker")
        spin.selectAll()
        qtbot.keyClicks(spin, "207")
        assert not heard
        qtbot.keyClick(spin, Qt.Key.Key_Return)
        assert heard == [(207,)]

    def test_setters_tell_nobody(self, classes: ClassPicker) -> None:
        heard = Heard(classes.classChosen)
        spin = part(classes, QSpinBox, "classPicker")
        classes.set_class(7)
        assert (spin.minimum(), spin.value(), spin.maximum()) == (0, 7, 9)
        classes.set_classes(5)
        assert (spin.value(), spin.maximum()) == (4, 4)
        assert not heard

    def test_dice(self, classes: ClassPicker) -> None:
        heard = Heard(classes.diceRequested)
        part(classes, QPushButton, "classDiceButton").click()
        assert heard == [()]
