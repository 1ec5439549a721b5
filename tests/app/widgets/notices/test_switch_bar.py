"""The question about another model: its answers, the keyboard, Escape."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QPushButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.widgets.notices.error_bar import ErrorBar
from app.widgets.notices.switch_bar import SwitchBar
from tests.app.widgets.probes import Heard, part


@pytest.fixture
def recipe(qtbot: QtBot) -> QWidget:
    """Something that has the keyboard focus, above a switch bar."""
    place = QWidget()
    layout = QVBoxLayout(place)
    field = QLineEdit()
    field.setObjectName("before")
    layout.addWidget(field)
    layout.addWidget(SwitchBar())
    layout.addWidget(ErrorBar())
    qtbot.addWidget(place)
    place.show()
    qtbot.waitUntil(place.isActiveWindow)
    field.setFocus()
    return place


class TestSwitchBar:
    def test_asks_and_gives_the_focus_back(self, recipe: QWidget) -> None:
        bar = part(recipe, SwitchBar, "switchBar")
        assert bar.isHidden()
        bar.set_question("Load <b>cats</b>?")
        assert bar.isVisible()
        assert recipe.focusWidget() is part(bar, QPushButton, "afterwardsButton")
        assert part(bar, QPushButton, "keepButton").accessibleDescription() == "Load <b>cats</b>?"
        bar.set_question("Load dogs?")
        bar.set_question("")
        assert bar.isHidden()
        assert recipe.focusWidget() is part(recipe, QLineEdit, "before")

    def test_leaves_the_focus_where_a_person_put_it(self, recipe: QWidget) -> None:
        bar = part(recipe, SwitchBar, "switchBar")
        bar.set_question("Load cats?")
        error = part(recipe, ErrorBar, "errorBar")
        error.show_error("No.")
        part(error, QPushButton, "dismissButton").setFocus()
        bar.set_question("")
        assert recipe.focusWidget() is part(error, QPushButton, "dismissButton")

    @pytest.mark.parametrize(
        ("name", "signal"),
        [
            ("afterwardsButton", "afterwardsChosen"),
            ("stopAndLoadButton", "nowChosen"),
            ("keepButton", "keepChosen"),
        ],
    )
    @pytest.mark.parametrize("how", ["mouse", "Space", "Return"])
    def test_answers(self, qtbot: QtBot, recipe: QWidget, name: str, signal: str, how: str) -> None:
        bar = part(recipe, SwitchBar, "switchBar")
        heard = Heard(bar.afterwardsChosen, bar.nowChosen, bar.keepChosen)
        told = Heard(getattr(bar, signal))
        bar.set_question("Load cats?")
        if how == "mouse":
            qtbot.mouseClick(part(bar, QPushButton, name), Qt.MouseButton.LeftButton)
        else:
            qtbot.keyClick(part(bar, QPushButton, name), getattr(Qt.Key, f"Key_{how}"))
        assert len(heard) == len(told) == 1

    def test_escape_answers_the_question_first(self, qtbot: QtBot, recipe: QWidget) -> None:
        bar = part(recipe, SwitchBar, "switchBar")
        error = part(recipe, ErrorBar, "errorBar")
        kept = Heard(bar.keepChosen)
        error.show_error("No.")
        bar.set_question("Load cats?")
        qtbot.keyClick(part(bar, QPushButton, "afterwardsButton"), Qt.Key.Key_Escape)
        assert len(kept) == 1
        assert error.isVisible()
        bar.set_question("")
        qtbot.keyClick(part(recipe, QLineEdit, "before"), Qt.Key.Key_Escape)
        assert not error.isVisible()
