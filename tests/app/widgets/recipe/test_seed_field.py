"""The seed: what gets in, what is told, its buttons."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QValidator
from PySide6.QtWidgets import QApplication, QLineEdit, QPushButton
from pytestqt.qtbot import QtBot

from app.widgets.recipe.seed_field import LARGEST_SEED, SeedField, SeedValidator
from tests.app.widgets.probes import Heard, part


@pytest.fixture
def seed(qtbot: QtBot) -> SeedField:
    field = SeedField()
    qtbot.addWidget(field)
    field.show()
    return field


class TestSeedField:
    @pytest.mark.parametrize("number", [1, 42, LARGEST_SEED])
    def test_typed_seed_is_told(self, qtbot: QtBot, seed: SeedField, number: int) -> None:
        heard = Heard(seed.seedChanged)
        field = part(seed, QLineEdit, "seedField")
        field.selectAll()
        qtbot.keyClicks(field, str(number))
        assert heard[-1] == (number,)

    def test_seed_zero_is_a_seed(self, qtbot: QtBot, seed: SeedField) -> None:
        seed.set_seed(5)
        heard = Heard(seed.seedChanged)
        field = part(seed, QLineEdit, "seedField")
        field.selectAll()
        qtbot.keyClicks(field, "0")
        assert heard == [(0,)]

    def test_what_stays_is_the_seed_and_nothing_else(self, qtbot: QtBot, seed: SeedField) -> None:
        field = part(seed, QLineEdit, "seedField")
        field.selectAll()
        qtbot.keyClicks(field, "4,5")  # the last digit would make it no seed
        qtbot.keyClick(field, Qt.Key.Key_Return)
        assert field.text() == "4"

    @pytest.mark.parametrize("text", ["owl", "-1", "1.5", str(LARGEST_SEED + 1), "9" * 5000, "½"])
    def test_what_is_no_seed_does_not_get_in(self, seed: SeedField, text: str) -> None:
        heard = Heard(seed.seedChanged)
        field = part(seed, QLineEdit, "seedField")
        QApplication.clipboard().setText(text)
        field.selectAll()
        field.paste()
        assert field.text() == "0"
        assert not heard

    @pytest.mark.parametrize("text", [" 42\n", "42 ", "\t42"])
    def test_blanks_around_a_pasted_seed_go(self, seed: SeedField, text: str) -> None:
        heard = Heard(seed.seedChanged)
        field = part(seed, QLineEdit, "seedField")
        QApplication.clipboard().setText(text)
        field.selectAll()
        field.paste()
        assert heard == [(42,)]

    def test_empty_field_goes_back(self, qtbot: QtBot, seed: SeedField) -> None:
        seed.set_seed(7)
        field = part(seed, QLineEdit, "seedField")
        field.setFocus()
        field.selectAll()
        qtbot.keyClick(field, Qt.Key.Key_Delete)
        qtbot.keyClick(field, Qt.Key.Key_Return)
        field.clearFocus()
        assert field.text() == "7"

    def test_setters_tell_nobody(self, seed: SeedField) -> None:
        heard = Heard(seed.seedChanged, seed.lockChanged, seed.diceRequested)
        seed.set_seed(LARGEST_SEED)
        seed.set_locked(True)
        assert part(seed, QLineEdit, "seedField").text() == str(LARGEST_SEED)
        assert part(seed, QPushButton, "lockButton").isChecked()
        assert not heard

    def test_buttons(self, seed: SeedField) -> None:
        dice, lock = Heard(seed.diceRequested), Heard(seed.lockChanged)
        part(seed, QPushButton, "diceButton").click()
        part(seed, QPushButton, "lockButton").click()
        assert dice == [()]
        assert lock == [(True,)]

    def test_validator_takes_other_digits(self) -> None:
        state, _, _ = SeedValidator().validate("๔๒", 2)
        assert state == QValidator.State.Acceptable
