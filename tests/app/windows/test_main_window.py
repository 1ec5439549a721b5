"""The main window as a person meets it: every control has a name, a tooltip and a place; it fits on
a small screen; it is there before anything heavy is imported."""

from __future__ import annotations

import subprocess
import sys

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QObject, QPoint, Qt, QTranslator
from PySide6.QtWidgets import (
    QApplication,
    QLabel,
    QPlainTextEdit,
    QProgressBar,
    QScrollArea,
    QSlider,
    QSpinBox,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app import theme
from app.i18n import CONTEXT
from app.windows.main_window import MainWindow
from tests.app.windows.conftest import OF_CLASSES, OF_WORDS, action, controls, named

NAMES = (
    "promptEdit",
    "negativePromptEdit",
    "schedulerPicker",
    "stepsSlider",
    "stepsSpin",
    "economySlider",
    "guidanceSlider",
    "guidanceSpin",
    "seedField",
    "widthSpin",
    "heightSpin",
    "countSpin",
    "modelPicker",
    "classPicker",
    "generateButton",
    "pauseButton",
    "stopButton",
    "previewCanvas",
    "progressBar",
    "timelineStrip",
    "branchButton",
    "galleryView",
    "statusLabel",
    "deviceLabel",
)


def test_agreed_names(window: MainWindow) -> None:
    for name in NAMES:
        assert len(window.findChildren(QWidget, name)) == 1, name


def test_every_control_says_what_it_is_and_does(window: MainWindow) -> None:
    found = controls(window)
    assert len(found) >= 24
    for control in [*found, named(window, "statusLabel"), named(window, "deviceLabel")]:
        name = control.objectName() or repr(control)
        assert control.accessibleName(), f"{name} has no accessible name"
        assert len(control.toolTip()) > 15, f"{name} has no tooltip"
        assert "<" not in control.toolTip()


@pytest.mark.parametrize("bar", ["", "vary", "compare"])
@pytest.mark.parametrize("size", [(1440, 900), (1024, 640)])
def test_nothing_is_clipped(window: MainWindow, size: tuple[int, int], bar: str) -> None:
    window.resize(*size)
    window.header.set_title("Watching a picture with a rather long prompt " * 5)
    window.status.set_status("Making a picture " * 50)
    window.prompt.set_prompt("a red apple, 3d, " * 300)
    window.errors.show_error("A very long error. " * 200)
    window.switch.set_question("Load a model with a rather long name? " * 3)
    window.prompt.set_steerable(True)
    window.guidance.set_opened(True)
    if bar:
        getattr(window, bar).set_open(True)
    QApplication.processEvents()
    assert (window.width(), window.height()) == size
    recipe = named(window, "recipe")
    scroll = window.findChild(QScrollArea, "recipeScroll")
    assert scroll is not None
    assert recipe.width() == scroll.viewport().width()
    for control in [c for c in controls(window) if c.isVisible()]:
        if isinstance(control, QPlainTextEdit | QProgressBar):  # as tall as they like
            continue
        wanted = control.minimumSizeHint()
        assert control.width() >= wanted.width(), control.objectName()
        assert control.height() >= wanted.height(), control.objectName()
        if recipe.isAncestorOf(control):
            continue
        corner = control.mapTo(window, QPoint(control.width() - 1, control.height() - 1))
        assert window.rect().contains(corner), control.objectName()


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("ready", [True, False])
def test_guidance_can_always_be_moved(window: MainWindow, running: bool, ready: bool) -> None:
    window.run.set_running(running)
    window.run.set_ready(ready)
    assert named(window, "guidanceSlider").isEnabled()
    assert named(window, "guidanceSpin").isEnabled()


class Painted(QObject):
    """The sizes that a widget was painted at."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.sizes: list[tuple[int, int]] = []
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint and isinstance(watched, QWidget):
            self.sizes.append((watched.width(), watched.height()))
        return False


def test_the_layout_changes_once(qtbot: QtBot, window: MainWindow) -> None:
    window.set_abilities(*OF_WORDS)
    qtbot.wait(20)
    painted = [Painted(part) for part in (window.canvas, window.timeline, window.seed)]
    for abilities in (OF_CLASSES, OF_WORDS):
        places = window.run.geometry()
        window.set_abilities(*abilities)
        qtbot.wait(20)
        for each in painted:
            assert len(set(each.sizes)) <= 1, each.sizes
            each.sizes.clear()
        assert window.run.geometry().size() == places.size()


def test_steps_beyond_the_slider(window: MainWindow) -> None:
    steps = window.findChild(QSpinBox, "stepsSpin")
    slider = window.findChild(QSlider, "stepsSlider")
    assert steps is not None and slider is not None
    steps.setValue(1000)
    assert window.steps.value() == 1000
    assert (slider.minimum(), slider.value(), slider.maximum()) == (1, 100, 100)
    steps.setValue(0)
    assert window.steps.value() == 1
    assert steps.text() == "1"


def test_no_label_reads_markup(window: MainWindow) -> None:
    for label in window.findChildren(QLabel):
        assert label.textFormat() == Qt.TextFormat.PlainText, label.text()


class Shouting(QTranslator):
    """A language that is the same in capitals, except inside placeholders."""

    def translate(
        self, context: str, text: str, disambiguation: str | None = None, n: int = -1
    ) -> str:
        return text.upper() if context == CONTEXT and "{" not in text else text

    def isEmpty(self) -> bool:
        return False


def test_language_switches_live(window: MainWindow) -> None:
    shouting = Shouting()
    QCoreApplication.installTranslator(shouting)
    QApplication.processEvents()
    try:
        for control in controls(window):
            assert control.accessibleName().upper() == control.accessibleName()
            assert control.toolTip().upper() == control.toolTip()
        assert action(window, "SAVE AS…")
    finally:
        QCoreApplication.removeTranslator(shouting)
        QApplication.sendEvent(window, QEvent(QEvent.Type.LanguageChange))
    assert named(window, "promptEdit").accessibleName() == "Prompt"


@pytest.mark.parametrize("look", theme.NAMES)
def test_paints_in_every_theme(window: MainWindow, qapp: QApplication, look: str) -> None:
    theme.apply(qapp, look)
    assert not window.grab().isNull()
    theme.apply(qapp, "dark")


def test_importing_the_window_imports_nothing_heavy() -> None:
    code = (
        "import sys, app.windows.main_window; "
        "print({'torch', 'transformers', 'numpy', 'PIL', 'engine'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
