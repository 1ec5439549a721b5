"""The main window by keyboard and wheel: every control has its place in the order, and the focus is
where it is seen."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QProgressBar,
    QScrollArea,
    QSpinBox,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app import theme
from app.widgets.picture.preview_canvas import PreviewCanvas
from app.widgets.runs.compare_grid import CompareGrid
from app.windows.main_window import TAB_ORDER, MainWindow
from tests.app.windows.conftest import OF_CLASSES, OF_WORDS, controls, named


def tab_chain(window: MainWindow) -> list[str]:
    """The object names that Tab goes through, from the prompt on."""
    start = named(window, "promptEdit")
    chain, widget = [start.objectName()], start.nextInFocusChain()
    while widget is not None and widget is not start:
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.isVisibleTo(window):
            chain.append(widget.objectName())
        widget = widget.nextInFocusChain()
    return chain


@pytest.mark.parametrize("grid", [False, True])
def test_every_control_is_in_the_tab_order(opened: MainWindow, grid: bool) -> None:
    opened.show_grid(grid)
    chain = tab_chain(opened)
    out = PreviewCanvas if grid else CompareGrid
    for control in controls(opened):
        if not isinstance(control, QProgressBar | out):
            assert control.objectName() in chain, control.objectName()


@pytest.mark.parametrize("grid", [False, True])
def test_tab_order_follows_the_eye(opened: MainWindow, grid: bool) -> None:
    opened.show_grid(grid)
    chain = tab_chain(opened)
    out = ("promptSentence", "previewCanvas" if grid else "compareGrid")
    order = [name for name in TAB_ORDER if name not in out]
    assert [name for name in chain if name in order] == [*order[2:], *order[:2]]


def test_tab_leaves_the_prompt(qtbot: QtBot, window: MainWindow) -> None:
    assert window.focusWidget() is named(window, "promptEdit")
    qtbot.keyClick(named(window, "promptEdit"), Qt.Key.Key_Tab)
    assert window.focusWidget() is named(window, "negativePromptEdit")


@pytest.mark.parametrize("look", ["dark", "light"])
def test_focus_can_be_seen(opened: MainWindow, qapp: QApplication, look: str) -> None:
    theme.apply(qapp, look)
    for control in controls(opened):
        if isinstance(control, QProgressBar | QAbstractItemView) or not control.isVisible():
            continue
        named(opened, "galleryView").setFocus()
        before = control.grab().toImage()
        control.setFocus()
        assert control.grab().toImage() != before, control.objectName()
    theme.apply(qapp, "dark")


def test_tab_scrolls_the_recipe_in_a_low_window(qtbot: QtBot, window: MainWindow) -> None:
    window.resize(1024, 640)
    QApplication.processEvents()
    scroll = window.findChild(QScrollArea, "recipeScroll")
    assert scroll is not None
    count = named(window, "countSpin")
    named(window, "heightSpin").setFocus()
    qtbot.keyClick(named(window, "heightSpin"), Qt.Key.Key_Tab)
    assert window.focusWidget() is count
    corner = count.mapTo(scroll.viewport(), QPoint(1, count.height() - 1))
    assert scroll.viewport().rect().contains(corner)


def test_without_a_prompt_the_keyboard_reaches_what_is_there(
    qtbot: QtBot, window: MainWindow
) -> None:
    window.set_abilities(*OF_CLASSES)
    sentence = named(window, "promptSentence")
    assert window.focusWidget() is sentence  # it was in the prompt
    walked = [sentence.objectName()]
    while len(walked) < 60:
        qtbot.keyClick(window.focusWidget(), Qt.Key.Key_Tab)
        focused = window.focusWidget()
        assert focused.isVisible()
        if focused is sentence:
            break
        walked.append(focused.objectName())
    hidden = {name for name in TAB_ORDER if not named(window, name).isVisible()}
    assert {"promptEdit", "negativePromptEdit", "guidanceSlider", "guidanceSpin"} <= hidden
    hidden.add("noisyButton")  # Tab goes to the one of the two views that is on
    first = TAB_ORDER.index("promptSentence")
    assert [name for name in walked if name in TAB_ORDER] == [
        name for name in (*TAB_ORDER[first:], *TAB_ORDER[:first]) if name not in hidden
    ]
    window.set_abilities(*OF_WORDS)
    assert window.focusWidget() is named(window, "promptEdit")


@pytest.mark.parametrize("name", ["promptEdit", "guidanceSpin", "classPicker", "schedulerPicker"])
@pytest.mark.parametrize("abilities", [OF_WORDS, (frozenset(), 0), OF_CLASSES])
def test_the_focus_never_stays_on_what_is_hidden(
    window: MainWindow, name: str, abilities: tuple[frozenset[str], int]
) -> None:
    control = named(window, name)
    control.setFocus()
    window.set_abilities(*abilities)
    QApplication.processEvents()
    assert window.focusWidget() is not None
    assert window.focusWidget().isVisible()
    if control.isVisible():
        assert window.focusWidget() is control


@pytest.mark.parametrize("name", ["promptEdit", "seedField", "guidanceSlider", "galleryView"])
def test_ctrl_enter_generates_once_from_anywhere(
    qtbot: QtBot, window: MainWindow, name: str
) -> None:
    heard: list[str] = []
    window.run.generateRequested.connect(lambda: heard.append("run"))
    window.prompt.generateRequested.connect(lambda: heard.append("prompt"))
    control = named(window, name)
    control.setFocus()
    qtbot.keyClick(control, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert len(heard) == 1


def test_number_that_is_being_typed_counts_for_the_run(qtbot: QtBot, window: MainWindow) -> None:
    said: list[tuple[str, float]] = []
    window.steps.valueChanged.connect(lambda value: said.append(("steps", value)))
    window.run.generateRequested.connect(lambda: said.append(("run", 0)))
    steps = window.findChild(QSpinBox, "stepsSpin")
    assert steps is not None
    steps.setFocus()
    steps.selectAll()
    qtbot.keyClicks(steps, "37")
    qtbot.keyClick(steps, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert said == [("steps", 37), ("run", 0)]


def turn_wheel(control: QWidget) -> None:
    place = QPointF(control.rect().center())
    event = QWheelEvent(
        place,
        control.mapToGlobal(place),
        QPoint(0, 0),
        QPoint(0, -120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(control, event)


def test_wheel_changes_only_what_has_the_focus(window: MainWindow) -> None:
    window.steps.set_value(20)
    slider = named(window, "stepsSlider")
    turn_wheel(slider)
    assert window.steps.value() == 20
    slider.setFocus()
    turn_wheel(slider)
    assert window.steps.value() != 20
