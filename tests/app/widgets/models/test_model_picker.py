"""The list of models and the button that opens a folder with another."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QPushButton
from pytestqt.qtbot import QtBot

from app.widgets.models.model_picker import ModelPicker
from tests.app.widgets.probes import Heard, part


class TestModelPicker:
    def test_model(self, qtbot: QtBot) -> None:
        picker = ModelPicker()
        qtbot.addWidget(picker)
        heard = Heard(picker.modelChosen)
        box = part(picker, QComboBox, "modelPicker")
        picker.set_models([("bundled", "Emoji", ""), ("/a/b", "b & <b>c</b>", "/a/<b>")])
        picker.set_current("/a/b")
        assert box.currentText() == "b & <b>c</b>"
        assert box.itemData(0, Qt.ItemDataRole.ToolTipRole) is None
        assert "/a/&lt;b&gt;" in box.itemData(1, Qt.ItemDataRole.ToolTipRole)
        picker.set_models([("other", "Other", ""), ("/a/b", "b", "/a/b")])
        assert box.currentData() == "/a/b"
        picker.set_current("gone")
        assert box.currentIndex() == -1
        assert not heard
        picker.set_current("/a/b")
        qtbot.keyClick(box, Qt.Key.Key_Up)
        picker.set_current("other")
        box.activated.emit(0)  # the same one again: that takes a wish back
        assert heard == [("other",), ("other",)]

    def test_open_folder(self, qtbot: QtBot) -> None:
        picker = ModelPicker()
        qtbot.addWidget(picker)
        heard = Heard(picker.openFolderRequested)
        part(picker, QPushButton, "openModelButton").click()
        assert heard == [()]
