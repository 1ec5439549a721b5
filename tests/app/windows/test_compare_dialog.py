"""Two pictures compared: the divider by pointer and keys, side by side, what differs."""

from __future__ import annotations

import time

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessible, QColor, QImage
from PySide6.QtWidgets import (
    QAbstractSlider,
    QApplication,
    QLabel,
    QPushButton,
    QScrollBar,
    QTableView,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.windows.compare_dialog import CompareDialog

RED, BLUE = QColor("#d02020"), QColor("#2020d0")
NAMES = ("<i>left</i>.png\n", "right.png")
DIFFERENT = [
    ("Prompt", "a red apple, " * 40, "a <b>green</b> apple"),
    ("Seed", "1", "2"),
]


def picture(colour: QColor, width: int = 96, height: int = 64) -> QImage:
    made = QImage(width, height, QImage.Format.Format_RGB32)
    made.fill(colour)
    return made


@pytest.fixture
def dialog(qtbot: QtBot) -> CompareDialog:
    made = CompareDialog()
    qtbot.addWidget(made)
    made.show_pair(picture(RED), picture(BLUE), *NAMES, DIFFERENT)
    qtbot.waitUntil(made.isActiveWindow)
    return made


@pytest.fixture
def divider(dialog: CompareDialog) -> QAbstractSlider:
    found = dialog.findChild(QAbstractSlider, "compareDivider")
    assert found is not None
    return found


def colour_at(widget: QWidget, across: float, down: float = 0.25) -> QColor:
    image = widget.grab().toImage()
    return image.pixelColor(int(across * image.width()), int(down * image.height()))


def test_the_divider_is_dragged(qtbot: QtBot, divider: QAbstractSlider) -> None:
    assert (colour_at(divider, 0.4), colour_at(divider, 0.6)) == (RED, BLUE)
    left, middle = Qt.MouseButton.LeftButton, divider.rect().center()
    qtbot.mousePress(divider, left, pos=middle)
    qtbot.mouseMove(divider, QPoint(int(0.7 * divider.width()), middle.y()))
    qtbot.mouseRelease(divider, left)
    assert colour_at(divider, 0.6) == RED
    assert colour_at(divider, 0.75) == BLUE
    where = divider.value()
    qtbot.mouseMove(divider, middle)
    assert divider.value() == where
    qtbot.mouseClick(divider, left, pos=QPoint(1, 1))
    assert divider.value() == divider.minimum()


def test_the_divider_by_keys(qtbot: QtBot, divider: QAbstractSlider) -> None:
    assert divider.hasFocus()
    read = QAccessible.queryAccessibleInterface(divider).valueInterface()
    before = divider.value()
    qtbot.keyClick(divider, Qt.Key.Key_Right)
    after = divider.value()
    assert before < after == read.currentValue()
    qtbot.keyClick(divider, Qt.Key.Key_Left)
    assert divider.value() == before
    qtbot.keyClick(divider, Qt.Key.Key_PageUp)
    assert divider.value() > after
    qtbot.keyClick(divider, Qt.Key.Key_End)
    assert colour_at(divider, 0.6) == RED
    qtbot.keyClick(divider, Qt.Key.Key_Home)
    assert colour_at(divider, 0.4) == BLUE


def test_side_by_side(dialog: CompareDialog, divider: QAbstractSlider) -> None:
    divider.setValue(0)
    button = dialog.findChild(QPushButton, "compareBesideButton")
    assert button is not None
    button.click()
    assert (colour_at(divider, 0.3, 0.5), colour_at(divider, 0.7, 0.5)) == (RED, BLUE)


def test_other_sizes_are_fitted(dialog: CompareDialog, divider: QAbstractSlider) -> None:
    """A small picture of another shape is as high as the place, in its middle."""
    dialog.show_pair(picture(RED, 400, 300), picture(BLUE, 20, 40), *NAMES, [])
    around = colour_at(divider, 0.01, 0.5)
    divider.setValue(0)
    assert colour_at(divider, 0.5) == BLUE
    assert colour_at(divider, 0.9, 0.5) == around
    divider.setValue(divider.maximum())
    assert colour_at(divider, 0.5) == RED


def test_without_pictures(dialog: CompareDialog) -> None:
    dialog.show_pair(QImage(), QImage(), "", "", [])
    assert not dialog.grab().isNull()


def test_what_differs(dialog: CompareDialog) -> None:
    table = dialog.findChild(QTableView, "compareTable")
    same = dialog.findChild(QLabel, "compareSame")
    assert table is not None and same is not None
    assert table.isVisible() and not same.isVisible()
    shown = table.model()
    cells = [[shown.index(row, column).data() for column in range(3)] for row in range(2)]
    assert cells == [list(row) for row in DIFFERENT]
    assert shown.headerData(1, Qt.Orientation.Horizontal) == "<i>left</i>.png"
    assert table.rowHeight(0) > 3 * table.rowHeight(1)  # the prompt wraps
    higher = table.rowHeight(0)
    dialog.resize(560, 700)
    QApplication.processEvents()
    assert table.rowHeight(0) > higher
    dialog.show_pair(picture(RED), picture(BLUE), *NAMES, [])
    assert same.isVisible() and not table.isVisible()


def test_texts_stay_text(dialog: CompareDialog) -> None:
    for label in dialog.findChildren(QLabel):
        assert label.textFormat() == Qt.TextFormat.PlainText
    table = dialog.findChild(QTableView)
    assert table is not None
    tooltip = table.model().index(0, 2).data(Qt.ItemDataRole.ToolTipRole)
    assert "&lt;b&gt;green" in tooltip


def test_every_control_says_what_it_is_and_does(dialog: CompareDialog) -> None:
    for kind in (QPushButton, QAbstractSlider, QTableView):
        found = [each for each in dialog.findChildren(kind) if not isinstance(each, QScrollBar)]
        for control in found:
            assert control.accessibleName() and len(control.toolTip()) > 15, control.objectName()


def test_a_prompt_of_a_million_lines(dialog: CompareDialog) -> None:
    start = time.perf_counter()
    endless = "word\n" * 1_000_000
    dialog.show_pair(picture(RED), picture(BLUE), *NAMES, [("Prompt", endless, "")])
    QApplication.processEvents()
    assert time.perf_counter() - start < 4
    table = dialog.findChild(QTableView)
    assert table is not None
    assert table.rowHeight(0) < 500
