"""Numbers as people type them: with either decimal sign, in the digits and groups of their country,
in every number field of the window."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QEvent, QLocale, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from app.widgets.basic.number_spin import DecimalSpin, WholeSpin
from app.widgets.basic.typed_number import typed_list, typed_number
from app.widgets.recipe.seed_field import SeedField
from app.widgets.runs.compare_bar import CompareBar
from app.windows.film_dialog import FilmDialog
from app.windows.main_window import MainWindow

LOCALES = ("de_DE", "th_TH", "fa_IR", "ar_EG", "en_US", "fr_FR", "de_CH", "hi_IN")


@pytest.fixture(params=LOCALES)
def locale(request: pytest.FixtureRequest) -> Iterator[QLocale]:
    """The locale that LANG names; widgets that are made from now on have it."""
    former = QLocale()
    QLocale.setDefault(QLocale(request.param))
    yield QLocale()
    QLocale.setDefault(former)


def typed(field: QWidget, text: str) -> None:
    """Key by key, as an input method or a keyboard sends any letter."""
    for letter in text:
        for kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
            event = QKeyEvent(kind, 0, Qt.KeyboardModifier.NoModifier, letter)
            QApplication.sendEvent(field, event)


def put(qtbot: QtBot, field: QAbstractSpinBox | QLineEdit, text: str, pasted: bool) -> None:
    field.setFocus()
    field.selectAll()
    line = field.lineEdit() if isinstance(field, QAbstractSpinBox) else field
    if pasted:
        QApplication.clipboard().setText(text)
        line.paste()
    else:
        typed(field, text)
    qtbot.keyClick(field, Qt.Key.Key_Return)


@pytest.mark.parametrize("pasted", [False, True], ids=["typed", "pasted"])
class TestInEveryLocale:
    def test_fraction_takes_either_sign(self, qtbot: QtBot, locale: QLocale, pasted: bool) -> None:
        spin = DecimalSpin()
        qtbot.addWidget(spin)
        spin.setRange(0, 30)
        spin.show()
        for text, number in (
            *((text, 7.5) for text in ("7.5", "7,5", "۷٫۵", "٧٫٥", "7٫5", "७.५", " 7.5", "7.50")),
            *(("0,7", 0.7), (".5", 0.5), ("1.000", 1.0), ("12", 12.0), ("7.", 7.0)),
            *(("75", 30.0), (locale.toString(2.25, "f", 2), 2.25)),
        ):
            spin.setValue(9)
            put(qtbot, spin, text, pasted)
            assert spin.value() == number, text

    def test_whole_number_takes_groups(self, qtbot: QtBot, locale: QLocale, pasted: bool) -> None:
        spin = WholeSpin()
        qtbot.addWidget(spin)
        spin.setRange(8, 2048)
        spin.show()
        for text, number in (
            *((text, 1024) for text in ("1.024", "1,024", "1 024", "1\u202f024", "1’024", "١٠٢٤")),
            *(("512.0", 512), ("7,5", 8), ("12.5", 13), ("3000", 2048), ("2", 8)),
            (locale.toString(1536), 1536),
        ):
            spin.setValue(9)
            put(qtbot, spin, text, pasted)
            assert spin.value() == number, text

    def test_seed(self, qtbot: QtBot, locale: QLocale, pasted: bool) -> None:
        seed = SeedField()
        qtbot.addWidget(seed)
        seed.show()
        field = seed.findChild(QLineEdit, "seedField")
        assert field is not None
        heard = []
        seed.seedChanged.connect(heard.append)
        put(qtbot, field, "۱۲۳۴", pasted)
        assert heard[-1] == 1234
        put(qtbot, field, "7.5", pasted)
        assert heard[-1] in (7, 1234), "the sign was lost"


def test_every_number_field_of_the_program_is_one_of_the_two(qtbot: QtBot) -> None:
    window = MainWindow()
    qtbot.addWidget(window)
    fields = window.findChildren(QAbstractSpinBox) + FilmDialog(window).findChildren(
        QAbstractSpinBox
    )
    assert len(fields) >= 8
    assert [f.objectName() for f in fields if not isinstance(f, DecimalSpin | WholeSpin)] == []


@pytest.mark.parametrize(
    ("text", "locale", "largest", "whole", "number"),
    [
        ("1.000", "de_DE", 5000, False, 1000),
        ("1,000", "de_DE", 5000, False, 1),
        ("1,000", "en_US", 5000, False, 1000),
        ("1.000", "en_US", 5000, False, 1),
        ("1.000", "de_DE", 100, False, 1),
        ("0.125", "de_DE", 5000, False, 0.125),
        ("1.024,5", "en_US", 5000, False, 1024.5),
        ("1,024.5", "de_DE", 5000, False, 1024.5),
        ("1.000.000", "en_US", 10**9, True, 10**6),
        ("9223372036854775807", "en_US", 2**63 - 1, True, 2**63 - 1),
        ("-2,5", "de_DE", 10, False, -2.5),
        *((text, "en_US", 10, False, None) for text in ("", ".", "-", "1,2,3", "1e5", "owl", "½")),
        ("9" * 5000, "en_US", 10, False, None),
    ],
)
def test_what_a_text_says(
    text: str, locale: str, largest: int, whole: bool, number: float | None
) -> None:
    assert typed_number(text, largest, whole, QLocale(locale)) == number


@pytest.mark.parametrize(
    ("text", "locale", "whole", "plain"),
    [
        ("1, 4, 7.5", "en_US", False, "1, 4, 7.5"),
        ("1,4,7", "en_US", False, "1,4,7"),
        ("1, 2,5", "de_DE", False, "1, 2.5"),
        ("1.5, 3, 5", "de_DE", False, "1.5, 3, 5"),
        ("1,4,7", "de_DE", False, "1,4,7"),
        ("2,5; 5; 7,5", "en_US", False, "2.5, 5, 7.5"),
        ("۱٫۵، ۳", "fa_IR", False, "1.5, 3"),
        ("8,16", "de_DE", True, "8,16"),
        ("0..3", "de_DE", True, "0..3"),
    ],
)
def test_what_a_list_says(text: str, locale: str, whole: bool, plain: str) -> None:
    assert typed_list(text, whole, QLocale(locale)) == plain


def test_comparison_tells_its_numbers_as_the_engine_reads_them(
    qtbot: QtBot, locale: QLocale
) -> None:
    bar = CompareBar()
    qtbot.addWidget(bar)
    bar.set_fields([("guidance", "Guidance", "1, 4"), ("prompt", "Prompt", "an owl | a cat")])
    line = bar.findChild(QLineEdit, "compareFirstValues")
    assert line is not None
    for text in "2,5; 7,5", "2.5, 7.5", "2٫5، 7٫5":
        line.selectAll()
        line.insert(text)
        line.textEdited.emit(text)
        assert bar.axes() == (("guidance", "2.5, 7.5"),)
