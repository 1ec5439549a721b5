"""The main window as a person meets it: every control has a name, a tooltip and a place; the keys
and menus work; it fits on a small screen; it is there before anything heavy is imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QObject, QPoint, QPointF, Qt, QTranslator
from PySide6.QtGui import QAction, QWheelEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QFileDialog,
    QLabel,
    QLineEdit,
    QMessageBox,
    QPlainTextEdit,
    QProgressBar,
    QScrollArea,
    QScrollBar,
    QSlider,
    QSpinBox,
    QSplitter,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app import theme
from app.i18n import CONTEXT, tr
from app.widgets.picture.preview_canvas import PreviewCanvas
from app.widgets.recipe.curve_editor import CurveEditor
from app.widgets.recipe.interval_bar import IntervalBar
from app.widgets.runs.compare_grid import CompareGrid
from app.widgets.runs.timeline_strip import TimelineStrip
from app.windows.main_window import TAB_ORDER, MainWindow

OF_WORDS = (frozenset({"prompt", "negative"}), 0)
OF_CLASSES = (frozenset({"classes"}), 10)
"""Abilities of a model, and how many classes it has."""
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


def tab_chain(window: MainWindow) -> list[str]:
    """The object names that Tab goes through, from the prompt on."""
    start = named(window, "promptEdit")
    chain, widget = [start.objectName()], start.nextInFocusChain()
    while widget is not None and widget is not start:
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.isVisibleTo(window):
            chain.append(widget.objectName())
        widget = widget.nextInFocusChain()
    return chain


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


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("ready", [True, False])
def test_guidance_can_always_be_moved(window: MainWindow, running: bool, ready: bool) -> None:
    window.run.set_running(running)
    window.run.set_ready(ready)
    assert named(window, "guidanceSlider").isEnabled()
    assert named(window, "guidanceSpin").isEnabled()


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


def test_models_can_be_forgotten(window: MainWindow) -> None:
    heard: list[str] = []
    window.forgetRequested.connect(heard.append)
    entry = action(window, "Forget a model")
    assert not entry.isEnabled()
    window.menu.set_forgettable([("/a", "cats & dogs"), ("/b", "b")])
    assert entry.isEnabled()
    next(a for a in window.findChildren(QAction) if a.text() == "cats && dogs").trigger()
    assert heard == ["/a"]


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


def action(window: MainWindow, text: str) -> QAction:
    """The menu entry with this text, without its mnemonic."""
    found = [a for a in window.findChildren(QAction) if a.text().replace("&", "") == text]
    assert len(found) == 1, text
    return found[0]


@pytest.mark.parametrize(
    ("text", "signal"),
    [
        ("Save as…", "saveRequested"),
        ("Copy", "copyRequested"),
        ("Open model folder…", "openModelRequested"),
        ("Branch from here", "branchRequested"),
        ("Image folder…", "imageFolderRequested"),
    ],
)
def test_menu_entries(window: MainWindow, text: str, signal: str) -> None:
    heard: list[str] = []
    getattr(window, signal).connect(lambda: heard.append(signal))
    action(window, text).trigger()
    assert heard == [signal]


def test_nothing_to_save(window: MainWindow) -> None:
    window.header.set_can_save(False)
    assert not action(window, "Save as…").isEnabled()
    assert not action(window, "Copy").isEnabled()


def test_nothing_to_branch_from(window: MainWindow) -> None:
    window.vary.set_open(True)
    window.set_can_branch(False)
    for name in ("branchButton", "varyButton", "varyStartButton"):
        assert not named(window, name).isEnabled()
    for text in ("Branch from here", "Vary from here…"):
        assert not action(window, text).isEnabled()


def test_one_bar_at_a_time(qtbot: QtBot, window: MainWindow) -> None:
    buttons = [window.findChild(QAbstractButton, f"{name}Button") for name in ("vary", "compare")]
    vary, compare = buttons
    assert vary is not None and compare is not None
    bars = (window.vary, window.compare)

    def open_bars() -> list[bool]:
        assert [bar.isVisible() for bar in bars] == [vary.isChecked(), compare.isChecked()]
        return [bar.isVisible() for bar in bars]

    vary.click()
    assert open_bars() == [True, False]
    action(window, "Compare…").trigger()
    assert open_bars() == [False, True]
    action(window, "Vary from here…").trigger()
    assert open_bars() == [True, False]
    qtbot.keyClick(named(window, "varySlider"), Qt.Key.Key_Escape)
    assert open_bars() == [False, False]
    compare.click()
    compare.click()
    assert open_bars() == [False, False]


def test_timeline_memory_menu(window: MainWindow) -> None:
    heard: list[int] = []
    window.timelineMemoryChosen.connect(heard.append)
    window.menu.set_timeline_memory(1024)
    window.menu.set_timeline_memory(700)  # from a file that somebody wrote by hand
    assert not heard
    assert action(window, "1 GB").isChecked()
    action(window, "128 MB").trigger()
    assert heard == [128]


def test_theme_menu(window: MainWindow) -> None:
    heard: list[str] = []
    window.themeChosen.connect(heard.append)
    window.menu.set_theme("light")
    assert not heard
    assert action(window, "Light").isChecked()
    for text in ("Dark", "Light", "As the system"):
        action(window, text).trigger()
    assert heard == ["dark", "light", "system"]


def test_gallery_can_be_put_away(window: MainWindow) -> None:
    canvas = window.canvas.width()
    entry = action(window, "Gallery")
    entry.trigger()
    QApplication.processEvents()
    assert not window.gallery.isVisible()
    assert window.canvas.width() > canvas
    entry.trigger()
    QApplication.processEvents()
    assert window.gallery.isVisible()


def test_gallery_pushed_to_the_edge_comes_back(window: MainWindow) -> None:
    splitter = window.findChild(QSplitter)
    assert splitter is not None
    splitter.moveSplitter(splitter.width(), 2)
    QApplication.processEvents()
    assert not window.gallery.isVisible()
    entry = action(window, "Gallery")
    assert not entry.isChecked()
    entry.trigger()
    QApplication.processEvents()
    assert window.gallery.isVisible()
    assert window.gallery.width() > 100


def test_large_gallery_and_back(qtbot: QtBot, window: MainWindow) -> None:
    splitter = window.findChild(QSplitter)
    button = window.findChild(QAbstractButton, "galleryLargeButton")
    assert splitter is not None and button is not None
    before, panels = splitter.sizes(), splitter.saveState()
    window.vary.set_open(True)
    window.gallery.setFocus()
    entry = action(window, "Large gallery")
    entry.trigger()
    QApplication.processEvents()
    assert button.isChecked() and not window.canvas.isVisible() and not window.vary.isVisible()
    assert window.gallery.width() > 1000 and window.gallery.height() > 600
    assert window.focusWidget() is window.gallery
    window.errors.show_error("No.")
    assert window.errors.isVisible() and named(window, "generateButton").isVisible()
    window.errors.clear()
    qtbot.keyClick(window.gallery, Qt.Key.Key_Escape)
    QApplication.processEvents()
    assert not entry.isChecked() and not button.isChecked()
    assert window.canvas.isVisible() and window.timeline.isVisible() and window.header.isVisible()
    assert splitter.sizes() == before
    button.click()
    window.gallery.lookRequested.emit()
    assert window.canvas.isVisible()
    button.click()
    assert window.arrangement()[1] == panels
    button.click()
    window.show_grid(True)
    assert window.grid.isVisible() and not entry.isChecked()


def test_large_gallery_of_a_hidden_one(window: MainWindow) -> None:
    gallery, large = action(window, "Gallery"), action(window, "Large gallery")
    gallery.trigger()
    large.trigger()
    assert window.gallery.isVisible() and gallery.isChecked()
    large.trigger()
    assert not window.gallery.isVisible() and not gallery.isChecked()
    large.trigger()
    gallery.trigger()
    assert not window.gallery.isVisible() and not large.isChecked() and window.canvas.isVisible()
    action(window, "Search the gallery").trigger()
    assert window.focusWidget() is named(window, "gallerySearch")
    assert gallery.isChecked() and window.gallery.width() > 100


def test_the_smallest_window(window: MainWindow) -> None:
    window.resize(window.minimumSize())
    for large in (False, True):
        window.set_gallery_large(large)
        QApplication.processEvents()
        assert (window.width(), window.height()) == (860, 520)
        for name in ("gallerySearch", "galleryFilterButton", "galleryView", "generateButton"):
            control = named(window, name)
            assert control.isVisible() and control.width() >= control.minimumSizeHint().width()
            corner = control.mapTo(window, control.rect().bottomRight())
            assert window.rect().contains(corner), name
        assert window.gallery.height() > 150


def test_quit_and_closing(window: MainWindow) -> None:
    heard: list[str] = []
    window.closing.connect(lambda: heard.append("closing"))
    action(window, "Quit").trigger()
    assert heard == ["closing"]
    assert not window.isVisible()


def test_about_is_plain_text(window: MainWindow) -> None:
    action(window, "About Safelight").trigger()
    box = window.findChild(QMessageBox)
    assert box is not None
    assert "Safelight" in box.text()
    assert box.textFormat() == Qt.TextFormat.PlainText
    box.close()


def test_file_dialogs(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[object, ...]] = []

    def answer(path: object) -> object:
        return lambda *values: (asked.append(values), path)[1]

    monkeypatch.setattr(QFileDialog, "getSaveFileName", answer(("/a/b.png", "PNG")))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", answer("/a"))
    assert window.ask_save_path("b.png") == "/a/b.png"
    assert window.ask_folder("Image folder", "/home") == "/a"
    assert asked[0][2] == "b.png"
    assert asked[1][1:] == ("Image folder", "/home")


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


def test_words_are_found_where_qts_own_extractor_puts_them(tmp_path: Path) -> None:
    """It gives a function that stands by itself no context; tr asked for another, so that a
    translation made with Qt's tools was never found."""
    tools, words = Path(sys.executable).parent, tmp_path / "words_th.ts"
    source = Path(__file__).parents[3] / "app/widgets/recipe/seed_field.py"
    subprocess.run([tools / "pyside6-lupdate", source, "-ts", words], check=True)
    empty = '<source>Seed</source>\n        <translation type="unfinished"></translation>'
    text = words.read_text()
    assert empty in text
    words.write_text(text.replace(empty, empty.replace(' type="unfinished">', ">เมล็ด")))
    subprocess.run([tools / "pyside6-lrelease", words], check=True)
    translator = QTranslator()
    assert translator.load(str(words.with_suffix(".qm")))
    QApplication.installTranslator(translator)
    try:
        assert tr("Seed") == "เมล็ด"
    finally:
        QApplication.removeTranslator(translator)
