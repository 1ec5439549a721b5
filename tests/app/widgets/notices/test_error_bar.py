"""What went wrong, in a line that can be put away."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from app.widgets.notices.error_bar import ErrorBar
from tests.app.widgets.probes import Heard, part


class TestErrorBar:
    @pytest.fixture
    def bar(self, qtbot: QtBot) -> ErrorBar:
        error_bar = ErrorBar()
        qtbot.addWidget(error_bar)
        error_bar.resize(500, 40)
        return error_bar

    def test_hidden_while_empty(self, bar: ErrorBar) -> None:
        assert bar.isHidden()
        bar.show_error("Out of paper.")
        assert not bar.isHidden()
        bar.clear()
        assert bar.isHidden()

    def test_plain_and_selectable(self, bar: ErrorBar) -> None:
        bar.show_error("<b>No</b> & <a href='x'>link</a>")
        label = part(bar, QLabel, "errorText")
        assert label.textFormat() == Qt.TextFormat.PlainText
        assert label.textInteractionFlags() & Qt.TextInteractionFlag.TextSelectableByMouse
        assert label.text() == "<b>No</b> & <a href='x'>link</a>"

    def test_long_error_stays_small(self, bar: ErrorBar) -> None:
        bar.show_error("word " * 2000)
        bar.adjustSize()
        assert bar.height() < 160

    @pytest.mark.parametrize("how", ["key", "button"])
    def test_put_away(self, qtbot: QtBot, bar: ErrorBar, how: str) -> None:
        heard = Heard(bar.dismissed)
        bar.show_error("No.")
        qtbot.waitUntil(bar.isActiveWindow)
        if how == "key":
            qtbot.keyClick(bar, Qt.Key.Key_Escape)
        else:
            part(bar, QPushButton, "dismissButton").click()
        assert bar.isHidden()
        assert heard == [()]

    def test_clear_tells_nobody(self, bar: ErrorBar) -> None:
        heard = Heard(bar.dismissed)
        bar.show_error("No.")
        bar.clear()
        assert not heard
