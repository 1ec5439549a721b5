"""Width, height and count: what is made of what is typed."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QSpinBox
from pytestqt.qtbot import QtBot

from app.widgets.recipe.size_fields import SizeFields
from tests.app.widgets.probes import Heard, part


@pytest.fixture
def sizes(qtbot: QtBot) -> SizeFields:
    fields = SizeFields()
    qtbot.addWidget(fields)
    fields.show()
    fields.set_limits(8, 64, 256)
    fields.set_size(128, 128)
    return fields


class TestSizeFields:
    @pytest.mark.parametrize(("typed", "made"), [("131", 128), ("133", 136), ("250", 248)])
    def test_typed_size_snaps(self, qtbot: QtBot, sizes: SizeFields, typed: str, made: int) -> None:
        heard = Heard(sizes.sizeChanged)
        width = part(sizes, QSpinBox, "widthSpin")
        width.selectAll()
        qtbot.keyClicks(width, typed)
        assert not heard
        qtbot.keyClick(width, Qt.Key.Key_Return)
        assert width.value() == made
        assert heard == [(made, 128)]

    def test_what_is_made_is_said_before_generate(self, qtbot: QtBot, sizes: SizeFields) -> None:
        """250 became 248 without a word."""
        width, note = part(sizes, QSpinBox, "widthSpin"), part(sizes, QLabel, "sizeNote")
        sizes.sizeChanged.connect(sizes.set_size)  # as the session answers
        for typed, made in ("250", "248"), ("3000", "256"), ("2", "64"):
            width.selectAll()
            qtbot.keyClicks(width, typed)
            qtbot.waitUntil(lambda typed=typed: typed in note.text())
            assert note.isVisible() and f" {made} " in note.text()
            qtbot.keyClick(width, Qt.Key.Key_Return)
            assert note.isVisible() and f" {made} " in note.text()
        for act in (lambda: sizes.set_size(192, 192), width.stepUp, lambda: width.setValue(64)):
            width.selectAll()
            qtbot.keyClicks(width, "250")
            qtbot.keyClick(width, Qt.Key.Key_Return)
            assert note.isVisible()
            act()
            assert not note.isVisible()
        width.selectAll()
        qtbot.keyClicks(width, "256")
        qtbot.keyClick(width, Qt.Key.Key_Return)
        assert not note.isVisible()

    def test_setters_tell_nobody(self, sizes: SizeFields) -> None:
        heard = Heard(sizes.sizeChanged, sizes.countChanged)
        sizes.set_limits(64, 100, 1000)
        assert (part(sizes, QSpinBox, "widthSpin").minimum()) == 128
        assert (part(sizes, QSpinBox, "widthSpin").maximum()) == 960
        sizes.set_size(511, 999)
        sizes.set_count(4)
        assert part(sizes, QSpinBox, "widthSpin").value() == 512
        assert part(sizes, QSpinBox, "heightSpin").value() == 960
        assert part(sizes, QSpinBox, "countSpin").value() == 4
        assert not heard

    def test_count_is_told(self, sizes: SizeFields) -> None:
        heard = Heard(sizes.countChanged)
        part(sizes, QSpinBox, "countSpin").stepUp()
        assert heard == [(2,)]
