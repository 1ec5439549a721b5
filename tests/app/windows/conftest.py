"""For the tests of the windows: the main window with something in each of its controls."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QProgressBar,
    QScrollBar,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app import theme
from app.widgets.picture.preview_canvas import PreviewCanvas
from app.widgets.recipe.curve_editor import CurveEditor
from app.widgets.recipe.interval_bar import IntervalBar
from app.widgets.runs.compare_grid import CompareGrid
from app.widgets.runs.timeline_strip import TimelineStrip
from app.windows.main_window import MainWindow

OF_WORDS = (frozenset({"prompt", "negative"}), 0)
OF_CLASSES = (frozenset({"classes"}), 10)
"""Abilities of a model, and how many classes it has."""
CONTROLS = (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QAbstractItemView,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QProgressBar,
    CompareGrid,
    CurveEditor,
    IntervalBar,
    PreviewCanvas,
    TimelineStrip,
)
COMPOUND = (QAbstractSpinBox, QComboBox, QAbstractItemView, QLineEdit)


@pytest.fixture
def window(qtbot: QtBot, qapp: QApplication) -> MainWindow:
    theme.apply(qapp, "dark")
    made = MainWindow()
    qtbot.addWidget(made)
    made.run.set_ready(True)
    made.run.set_running(True)
    made.header.set_can_save(True)
    made.header.set_can_compare(True)
    made.set_can_branch(True)
    made.compare.set_can_start(True)
    made.compare.set_fields([("guidance", "Guidance", "1, 4"), ("seed", "Seed", "0..3")])
    made.guidance.set_presets([("falling", "Falling", "Strong first, weak at the end.")])
    made.set_abilities(frozenset({"prompt", "classes"}), 10)
    made.scheduler.set_schedulers([("ddim", "DDIM", "The classic, the same every time.")])
    made.scheduler.set_current("ddim")
    made.show()
    qtbot.waitUntil(made.isActiveWindow)
    return made


@pytest.fixture
def opened(window: MainWindow) -> MainWindow:
    """With all that can be opened, and more than a person would have open at once."""
    window.errors.show_error("No.")
    window.switch.set_question("Load cats?")
    for notice in (window.resume, window.unsaved, window.note):
        notice.set_notice("Something is to be told.")
    window.scheduler.set_extras("Also: eta 1")
    window.run.set_waiting(3)
    window.prompt.set_steerable(True)
    window.guidance.set_opened(True)
    window.vary.set_open(True)
    window.compare.set_open(True)
    down = window.findChild(QComboBox, "compareSecondField")
    assert down is not None
    down.setCurrentIndex(down.findData("seed"))
    window.compare.set_can_start(True)
    window.gallery_panel.set_undo(2)
    favourites = [a for a in window.findChildren(QAction) if a.text() == "Favourites only"]
    favourites[0].setChecked(True)
    named(window, "promptEdit").setFocus()
    return window


def named(window: MainWindow, name: str) -> QWidget:
    found = window.findChild(QWidget, name)
    assert found is not None, name
    return found


def action(window: MainWindow, text: str) -> QAction:
    """The menu entry with this text, without its mnemonic."""
    found = [a for a in window.findChildren(QAction) if a.text().replace("&", "") == text]
    assert len(found) == 1, text
    return found[0]


def controls(window: MainWindow) -> list[QWidget]:
    """What a person can use: without the inner parts that Qt builds its own controls from."""
    return [
        widget
        for widget in window.findChildren(QWidget)
        if isinstance(widget, CONTROLS)
        and not isinstance(widget, QScrollBar)
        and not widget.objectName().startswith("qt_")
        and not any(isinstance(around, COMPOUND) for around in parents(widget))
    ]


def parents(widget: QWidget) -> list[QWidget]:
    parent = widget.parentWidget()
    return [parent, *parents(parent)] if parent else []
