"""Every widget on its own: what it emits and accepts; that setting a value tells nobody."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest
from PySide6.QtCore import QPoint, Qt, SignalInstance
from PySide6.QtGui import QColor, QContextMenuEvent, QImage, QPaintEvent, QValidator
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QDoubleSpinBox,
    QLabel,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QSlider,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app import theme
from app.i18n import tr
from app.widgets.basic.calm_repaint import CalmRepaint
from app.widgets.basic.flat_button import FlatButton
from app.widgets.basic.plain_label import PlainLabel, plain_tooltip
from app.widgets.basic.slider_spin import SliderSpin
from app.widgets.models.model_picker import ModelPicker
from app.widgets.notices.error_bar import ErrorBar
from app.widgets.notices.status_line import StatusLine
from app.widgets.notices.switch_bar import SwitchBar
from app.widgets.picture.canvas_header import CanvasHeader
from app.widgets.picture.preview_canvas import PreviewCanvas, scaled
from app.widgets.recipe.class_picker import ClassPicker
from app.widgets.recipe.economy_slider import EconomySlider
from app.widgets.recipe.prompt_panel import PromptPanel
from app.widgets.recipe.scheduler_picker import SchedulerPicker
from app.widgets.recipe.seed_field import LARGEST_SEED, SeedField, SeedValidator
from app.widgets.recipe.size_fields import SizeFields
from app.widgets.runs.run_controls import RunControls

W = TypeVar("W", bound=QWidget)
CTRL = Qt.KeyboardModifier.ControlModifier
CTRL_SHIFT = CTRL | Qt.KeyboardModifier.ShiftModifier


class Heard(list[tuple]):
    """What a signal said, in order."""

    def __init__(self, *signals: SignalInstance) -> None:
        super().__init__()
        for signal in signals:
            signal.connect(lambda *values: self.append(values))


def part(widget: QWidget, kind: type[W], name: str) -> W:
    found = widget.findChild(kind, name)
    assert found is not None, f"no {kind.__name__} named {name}"
    return found


def picture(width: int = 16, height: int = 16, colour: str = "#ff0000") -> QImage:
    image = QImage(width, height, QImage.Format.Format_RGB888)
    image.fill(QColor(colour))
    return image


@pytest.fixture
def prompts(qtbot: QtBot) -> PromptPanel:
    panel = PromptPanel()
    qtbot.addWidget(panel)
    panel.show()
    return panel


class TestPromptPanel:
    def test_typing_is_told(self, qtbot: QtBot, prompts: PromptPanel) -> None:
        heard, negative = Heard(prompts.promptChanged), Heard(prompts.negativePromptChanged)
        qtbot.keyClicks(part(prompts, QPlainTextEdit, "promptEdit"), "owl")
        qtbot.keyClicks(part(prompts, QPlainTextEdit, "negativePromptEdit"), "x")
        assert heard == [("o",), ("ow",), ("owl",)]
        assert negative == [("x",)]

    @pytest.mark.parametrize("text", ["", "แมวสีส้ม 🐈", "<b>bold</b> & <img src=x>", "owl " * 1250])
    def test_set_prompts_tells_nobody(self, prompts: PromptPanel, text: str) -> None:
        heard = Heard(prompts.promptChanged, prompts.negativePromptChanged)
        prompts.set_prompt(text)
        prompts.set_negative_prompt(text)
        assert part(prompts, QPlainTextEdit, "promptEdit").toPlainText() == text
        assert part(prompts, QPlainTextEdit, "negativePromptEdit").toPlainText() == text
        assert not heard

    @pytest.mark.parametrize("name", ["promptEdit", "negativePromptEdit"])
    @pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Enter])
    def test_ctrl_enter_asks_once(
        self, qtbot: QtBot, prompts: PromptPanel, name: str, key: Qt.Key
    ) -> None:
        heard, changed = Heard(prompts.generateRequested), Heard(prompts.promptChanged)
        qtbot.keyClick(part(prompts, QPlainTextEdit, name), key, CTRL)
        assert heard == [()]
        assert not changed

    def test_enter_alone_is_a_new_line(self, qtbot: QtBot, prompts: PromptPanel) -> None:
        heard = Heard(prompts.generateRequested)
        edit = part(prompts, QPlainTextEdit, "promptEdit")
        qtbot.keyClick(edit, Qt.Key.Key_Return)
        assert edit.toPlainText() == "\n"
        assert not heard

    def test_pasted_markup_stays_text(self, prompts: PromptPanel) -> None:
        edit = part(prompts, QPlainTextEdit, "promptEdit")
        QApplication.clipboard().setText("<h1>big</h1>")
        edit.paste()
        assert edit.toPlainText() == "<h1>big</h1>"

    def test_field_grows_with_the_prompt_up_to_a_limit(self, prompts: PromptPanel) -> None:
        edit = part(prompts, QPlainTextEdit, "promptEdit")
        short = edit.height()
        prompts.set_prompt("\n".join("abcde"))
        middle = edit.height()
        prompts.set_prompt("\n" * 5000)
        assert short < middle < edit.height() < 300

    def test_setting_the_same_text_keeps_the_cursor(
        self, qtbot: QtBot, prompts: PromptPanel
    ) -> None:
        edit = part(prompts, QPlainTextEdit, "promptEdit")
        prompts.set_prompt("owl")
        qtbot.keyClick(edit, Qt.Key.Key_Home)
        prompts.set_prompt("owl")
        qtbot.keyClicks(edit, "an ")
        assert edit.toPlainText() == "an owl"

    def test_token_note_is_cut_and_plain(self, prompts: PromptPanel) -> None:
        prompts.set_token_note("<b>9</b> of 30 " + "x" * 5000)
        notes = [label for label in prompts.findChildren(PlainLabel) if "of 30" in label.text()]
        assert len(notes) == 1
        assert len(notes[0].text()) < 200
        assert notes[0].textFormat() == Qt.TextFormat.PlainText
        prompts.set_token_note("")
        assert notes[0].isHidden()

    def test_words_for_the_run_under_way(self, qtbot: QtBot, prompts: PromptPanel) -> None:
        steer, generate = Heard(prompts.steerRequested), Heard(prompts.generateRequested)
        edit = part(prompts, QPlainTextEdit, "promptEdit")
        button = part(prompts, FlatButton, "steerButton")
        prompts.set_prompt("owl")
        qtbot.keyClick(edit, Qt.Key.Key_Return, CTRL_SHIFT)
        assert not button.isVisible()
        assert not steer
        prompts.set_steerable(True)
        button.click()
        for key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            qtbot.keyClick(edit, key, CTRL_SHIFT)
        assert steer == [(), (), ()]
        assert edit.toPlainText() == "owl"
        assert not generate
        button.setFocus()
        prompts.set_steerable(False)
        assert not button.isVisible()
        assert prompts.focusWidget() is edit

    def test_a_sentence_stands_in_for_a_prompt(self, prompts: PromptPanel) -> None:
        heard = Heard(prompts.promptChanged, prompts.negativePromptChanged)
        prompts.set_prompt("an owl")
        edit = part(prompts, QPlainTextEdit, "promptEdit")
        negative = part(prompts, QPlainTextEdit, "negativePromptEdit")
        sentence = part(prompts, QLabel, "promptSentence")
        assert sentence.isHidden()
        prompts.set_abilities(frozenset())
        assert not (edit.isVisible() or negative.isVisible())
        assert sentence.isVisible()
        assert "class" not in sentence.text()
        prompts.set_abilities(frozenset({"classes"}))
        assert "class" in sentence.text()
        prompts.set_abilities(frozenset({"prompt"}))
        assert edit.isVisible() and negative.isVisible() and sentence.isHidden()
        assert edit.toPlainText() == "an owl"
        assert not heard


class TestPickers:
    def test_model(self, qtbot: QtBot) -> None:
        picker = ModelPicker()
        qtbot.addWidget(picker)
        heard = Heard(picker.modelChosen)
        box = part(picker, QComboBox, "modelPicker")
        picker.set_models([("bundled", "Emoji", ""), ("/a/b", "b & <b>c</b>", "/a/<b>")])
        picker.set_current("/a/b")
        assert box.currentText() == "b & <b>c</b>"
        assert box.itemData(0, Qt.ItemDataRole.ToolTipRole) is None
        assert "/a/&lt;b&gt;" in box.itemData(1, Qt.ItemDataRole.ToolTipRole)
        picker.set_models([("other", "Other", ""), ("/a/b", "b", "/a/b")])
        assert box.currentData() == "/a/b"
        picker.set_current("gone")
        assert box.currentIndex() == -1
        assert not heard
        picker.set_current("/a/b")
        qtbot.keyClick(box, Qt.Key.Key_Up)
        picker.set_current("other")
        box.activated.emit(0)  # the same one again: that takes a wish back
        assert heard == [("other",), ("other",)]

    def test_open_folder(self, qtbot: QtBot) -> None:
        picker = ModelPicker()
        qtbot.addWidget(picker)
        heard = Heard(picker.openFolderRequested)
        part(picker, QPushButton, "openModelButton").click()
        assert heard == [()]

    def test_scheduler_shows_its_sentence(self, qtbot: QtBot) -> None:
        picker = SchedulerPicker()
        qtbot.addWidget(picker)
        heard = Heard(picker.schedulerChosen)
        picker.set_schedulers([("ddim", "DDIM", "The classic."), ("euler", "Euler", "Simple.")])
        picker.set_current("euler")
        assert not heard
        box = part(picker, QComboBox, "schedulerPicker")
        assert "Simple." in [label.text() for label in picker.findChildren(QLabel)]
        box.setCurrentIndex(0)
        assert heard == [("ddim",)]
        assert "The classic." in [label.text() for label in picker.findChildren(QLabel)]


@pytest.fixture
def guidance(qtbot: QtBot) -> SliderSpin:
    slider_spin = SliderSpin("Guidance", 0, 20, 0.1, 1, "slider", "spin", "tip", spin_high=100)
    qtbot.addWidget(slider_spin)
    slider_spin.resize(300, 60)
    slider_spin.show()
    return slider_spin


class TestSliderSpin:
    def test_set_value_tells_nobody(self, guidance: SliderSpin) -> None:
        heard = Heard(guidance.valueChanged)
        guidance.set_value(7.5)
        assert guidance.value() == 7.5
        assert part(guidance, QSlider, "slider").value() == 75
        assert not heard

    def test_slider_moves_the_spin_box(self, guidance: SliderSpin) -> None:
        heard = Heard(guidance.valueChanged)
        part(guidance, QSlider, "slider").setValue(31)
        assert part(guidance, QDoubleSpinBox, "spin").value() == pytest.approx(3.1)
        assert heard == [(pytest.approx(3.1),)]

    def test_typed_number_counts_when_complete(self, qtbot: QtBot, guidance: SliderSpin) -> None:
        heard = Heard(guidance.valueChanged)
        spin = part(guidance, QDoubleSpinBox, "spin")
        spin.selectAll()
        qtbot.keyClicks(spin, "42")
        assert not heard
        qtbot.keyClick(spin, Qt.Key.Key_Return)
        assert heard == [(42.0,)]
        assert part(guidance, QSlider, "slider").value() == 200
        assert guidance.value() == 42.0

    def test_values_between_the_slider_positions_are_kept(self, guidance: SliderSpin) -> None:
        guidance.set_value(50.3)
        assert guidance.value() == pytest.approx(50.3)

    def test_press_brings_the_handle_there(self, qtbot: QtBot, guidance: SliderSpin) -> None:
        slider = part(guidance, QSlider, "slider")
        middle = QPoint(slider.width() // 2, slider.height() // 2)
        qtbot.mouseClick(slider, Qt.MouseButton.LeftButton, pos=middle)
        assert guidance.value() == pytest.approx(10, abs=0.5)

    def test_arrow_keys(self, qtbot: QtBot, guidance: SliderSpin) -> None:
        guidance.set_value(5)
        qtbot.keyClick(part(guidance, QSlider, "slider"), Qt.Key.Key_Right)
        assert guidance.value() == pytest.approx(5.1)


@pytest.fixture
def economy(qtbot: QtBot) -> EconomySlider:
    slider = EconomySlider()
    qtbot.addWidget(slider)
    slider.set_sentences(["All of it.", "Half of it.", "A third of it."])
    slider.resize(300, 90)
    slider.show()
    return slider


class TestEconomySlider:
    def test_tells_a_level_and_what_it_does(self, qtbot: QtBot, economy: EconomySlider) -> None:
        heard = Heard(economy.levelChosen)
        slider = part(economy, QSlider, "economySlider")
        for key in (Qt.Key.Key_Right, Qt.Key.Key_PageUp, Qt.Key.Key_Right, Qt.Key.Key_Home):
            qtbot.keyClick(slider, key)
        assert heard == [(1,), (2,), (0,)]
        end = QPoint(slider.width() - 2, slider.height() // 2)
        qtbot.mouseClick(slider, Qt.MouseButton.LeftButton, pos=end)
        assert heard[3:] == [(2,)]
        texts = [label.text() for label in economy.findChildren(QLabel)]
        assert {"Exact", "Fast", "A third of it."} <= set(texts)
        assert slider.accessibleDescription() == "A third of it."

    def test_what_is_set_from_outside_tells_nobody(self, economy: EconomySlider) -> None:
        heard = Heard(economy.levelChosen)
        slider = part(economy, QSlider, "economySlider")
        economy.set_level(2)
        economy.set_sentences(["All.", "Half.", "A third."])
        assert (slider.value(), slider.accessibleDescription()) == (2, "A third.")
        economy.set_sentences(["All.", "Half."])
        assert (slider.value(), slider.accessibleDescription()) == (1, "Half.")
        assert not heard


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


@pytest.fixture
def run(qtbot: QtBot) -> RunControls:
    controls = RunControls()
    qtbot.addWidget(controls)
    controls.show()
    return controls


class TestRunControls:
    def test_nothing_can_be_pressed_before_a_model_is_there(self, run: RunControls) -> None:
        for name in ("generateButton", "pauseButton", "stopButton"):
            assert not part(run, QPushButton, name).isEnabled()

    def test_nothing_moves_when_something_waits(self, qtbot: QtBot, run: RunControls) -> None:
        run.show()
        qtbot.waitExposed(run)
        height = run.sizeHint().height()
        run.set_waiting(2)
        assert run.sizeHint().height() == height

    def test_generate_stays_during_a_run(self, run: RunControls) -> None:
        run.set_ready(True)
        run.set_running(True)
        for name in ("generateButton", "pauseButton", "stopButton"):
            assert part(run, QPushButton, name).isEnabled()
        run.set_running(False)
        assert part(run, QPushButton, "generateButton").isEnabled()
        assert not part(run, QPushButton, "pauseButton").isEnabled()
        assert not part(run, QPushButton, "stopButton").isEnabled()

    def test_buttons(self, run: RunControls) -> None:
        run.set_ready(True)
        run.set_running(True)
        generate, stop = Heard(run.generateRequested), Heard(run.stopRequested)
        pause = Heard(run.pauseToggled)
        part(run, QPushButton, "generateButton").click()
        part(run, QPushButton, "pauseButton").click()
        assert part(run, QPushButton, "pauseButton").text() == "Resume"
        part(run, QPushButton, "pauseButton").click()
        part(run, QPushButton, "stopButton").click()
        assert generate == [()]
        assert pause == [(True,), (False,)]
        assert stop == [()]

    @pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Enter])
    def test_ctrl_enter(self, qtbot: QtBot, run: RunControls, key: Qt.Key) -> None:
        heard = Heard(run.generateRequested)
        qtbot.keyClick(run, key, CTRL)
        assert not heard
        run.set_ready(True)
        qtbot.keyClick(run, key, CTRL)
        assert heard == [()]

    def test_setters_tell_nobody(self, run: RunControls) -> None:
        heard = Heard(run.pauseToggled, run.stopRequested, run.generateRequested)
        run.set_running(True)
        run.set_paused(True)
        assert part(run, QPushButton, "pauseButton").isChecked()
        run.set_running(False)
        assert not part(run, QPushButton, "pauseButton").isChecked()
        assert not heard

    def test_ways_to_stop(self, qtbot: QtBot, run: RunControls) -> None:
        heard = Heard(run.stopRequested)
        finish, skip = Heard(run.finishRequested), Heard(run.skipRequested)
        button = part(run, QPushButton, "stopMenuButton")
        assert not button.isEnabled()
        run.set_running(True)
        button.click()
        menu = QApplication.activePopupWidget()
        assert isinstance(menu, QMenu)
        stop_now, with_what_is_there, to_the_next = menu.actions()
        assert not to_the_next.isEnabled()
        run.set_waiting(2)
        for action in (stop_now, with_what_is_there, to_the_next):
            assert action.toolTip() not in ("", action.text())
            action.trigger()
        assert (heard, finish, skip) == ([()], [()], [()])
        run.set_running(False)
        assert not menu.isVisible(), "the run is over: nothing is left to stop"
        assert not to_the_next.isEnabled()

    def test_a_held_queue_goes_on(self, run: RunControls) -> None:
        go_on, paused = Heard(run.goOnRequested), Heard(run.pauseToggled)
        pause = part(run, QPushButton, "pauseButton")
        run.set_running(True)
        run.set_paused(True)
        run.set_held(True)
        run.set_running(False)
        assert (pause.text(), pause.isEnabled(), pause.isChecked()) == ("Go on", True, True)
        assert not go_on
        pause.click()
        assert go_on == [()]
        assert pause.isChecked(), "it is held until someone says otherwise"
        run.set_held(False)
        assert (pause.text(), pause.isEnabled(), pause.isChecked()) == ("Pause", False, False)
        run.set_running(True)
        pause.click()
        assert paused == [(True,)]

    def test_progress(self, run: RunControls) -> None:
        bar = part(run, QProgressBar, "progressBar")
        run.set_progress(7, 20, "7 of 20 · 0.07 s a step")
        assert (bar.value(), bar.maximum()) == (7, 20)
        assert "7 of 20 · 0.07 s a step" in [label.text() for label in run.findChildren(QLabel)]
        run.set_progress(0, 0, "")
        assert (bar.value(), bar.maximum()) == (0, 1)
        run.set_progress(30, 20, "")
        assert bar.value() == 20


@pytest.fixture
def canvas(qtbot: QtBot) -> PreviewCanvas:
    shown = PreviewCanvas()
    qtbot.addWidget(shown)
    shown.resize(400, 300)
    shown.show()
    return shown


def colour_in_the_middle(widget: QWidget) -> str:
    grabbed = widget.grab().toImage()
    return grabbed.pixelColor(grabbed.rect().center()).name()


class TestPreviewCanvas:
    def test_views(self, canvas: PreviewCanvas) -> None:
        canvas.set_pictures(picture(colour="#ff0000"), picture(2, 2, "#0000ff"))
        assert colour_in_the_middle(canvas) == "#ff0000"
        canvas.set_view("noisy")
        assert colour_in_the_middle(canvas) == "#0000ff"
        canvas.set_pictures(picture(colour="#00ff00"), None)
        assert colour_in_the_middle(canvas) == "#00ff00"
        canvas.clear("Nothing here.")
        assert colour_in_the_middle(canvas) not in ("#00ff00", "#0000ff")

    @pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (3000, 2000)])
    def test_any_shape_is_shown_whole(self, canvas: PreviewCanvas, size: tuple[int, int]) -> None:
        canvas.set_caption("แมว <b>&</b> " * 50)
        canvas.set_pictures(picture(*size), None)
        canvas.grab()
        target = canvas._target(picture(*size))
        assert canvas.rect().contains(target.toAlignedRect())

    def test_empty_image_is_no_picture(self, canvas: PreviewCanvas) -> None:
        canvas.set_pictures(QImage(), None)
        canvas.grab()

    def test_noisy_latents_keep_their_squares(self) -> None:
        latents = picture(2, 1, "#000000")
        latents.setPixelColor(1, 0, QColor("#ffffff"))
        enlarged = scaled(latents, latents.size() * 50, blocky=True)
        seen = {enlarged.pixelColor(x, 25).name() for x in range(100)}
        assert seen == {"#000000", "#ffffff"}

    def test_predicted_picture_is_smooth(self) -> None:
        small = picture(2, 1, "#000000")
        small.setPixelColor(1, 0, QColor("#ffffff"))
        enlarged = scaled(small, small.size() * 50)
        seen = {enlarged.pixelColor(x, 25).name() for x in range(100)}
        assert len(seen) > 10

    def test_caption_reaches_screen_readers(self, canvas: PreviewCanvas) -> None:
        canvas.set_caption("step 3 of 20")
        assert canvas.accessibleDescription() == "step 3 of 20"
        canvas.set_explanation("Decoded in full.")
        assert canvas.accessibleDescription() == "step 3 of 20\nDecoded in full."
        assert "Decoded in full." in canvas.toolTip()
        canvas.set_explanation("")
        assert "Decoded" not in canvas.toolTip() + canvas.accessibleDescription()

    def test_context_menu(self, canvas: PreviewCanvas) -> None:
        heard = Heard(canvas.saveRequested)
        canvas.set_pictures(picture(), None)
        menu = open_menu(canvas)
        menu.actions()[0].trigger()
        menu.close()
        assert heard == [()]


def open_menu(widget: QWidget) -> QMenu:
    place = widget.rect().center()
    reason = QContextMenuEvent.Reason.Mouse
    QApplication.sendEvent(widget, QContextMenuEvent(reason, place, widget.mapToGlobal(place)))
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    return menu


def narrow_header() -> CanvasHeader:
    """One whose buttons show their icons."""
    header = CanvasHeader()
    header.resize(header.minimumWidth(), 46)
    return header


class TestCanvasHeader:
    @pytest.fixture
    def header(self, qtbot: QtBot) -> CanvasHeader:
        line = CanvasHeader()
        qtbot.addWidget(line)
        line.resize(800, 46)
        line.show()
        return line

    def test_views(self, header: CanvasHeader) -> None:
        heard = Heard(header.viewChosen)
        part(header, QPushButton, "noisyButton").click()
        part(header, QPushButton, "noisyButton").click()
        part(header, QPushButton, "predictedButton").click()
        assert heard == [("noisy",), ("predicted",)]

    def test_set_view_tells_nobody(self, header: CanvasHeader) -> None:
        heard = Heard(header.viewChosen)
        header.set_view("noisy")
        assert part(header, QPushButton, "noisyButton").isChecked()
        assert not part(header, QPushButton, "predictedButton").isChecked()
        header.set_view("predicted")
        assert not heard
        part(header, QPushButton, "noisyButton").click()
        assert heard == [("noisy",)]

    def test_save_and_copy(self, header: CanvasHeader) -> None:
        save, copy = Heard(header.saveRequested), Heard(header.copyRequested)
        part(header, QPushButton, "saveButton").click()
        assert not save
        header.set_can_save(True)
        part(header, QPushButton, "saveButton").click()
        part(header, QPushButton, "copyButton").click()
        assert (save, copy) == ([()], [()])

    def test_branch(self, header: CanvasHeader) -> None:
        heard = Heard(header.branchRequested)
        part(header, QPushButton, "branchButton").click()
        assert not heard
        header.set_can_branch(True)
        part(header, QPushButton, "branchButton").click()
        assert heard == [()]

    @pytest.mark.parametrize("bar", ["vary", "compare"])
    def test_bars_open_and_close(self, header: CanvasHeader, bar: str) -> None:
        heard = Heard(getattr(header, f"{bar}Toggled"))
        button = part(header, QPushButton, f"{bar}Button")
        button.click()
        assert not button.isChecked()
        header.set_can_branch(True)
        header.set_can_compare(True)
        button.click()
        button.click()
        assert heard == [(True,), (False,)]
        getattr(header, f"set_{bar}_open")(True)
        assert button.isChecked()
        assert len(heard) == 2

    def test_words_give_way_to_the_title(self, header: CanvasHeader) -> None:
        buttons = header.findChildren(QPushButton)
        header.resize(1200, 46)
        assert all(button.text() == button.accessibleName() != "" for button in buttons)
        wordless = []
        for width in (900, 600, 440):
            header.resize(width, 46)
            QApplication.processEvents()
            assert header.width() == width
            title = part(header, QLabel, "")
            assert title.width() >= 100
            if width > 440:  # in the narrowest, the tooltip has all of it
                words = "Comparing 6 pictures"
                assert title.fontMetrics().horizontalAdvance(words) <= title.width(), width
            assert all(bool(button.text()) == button.icon().isNull() for button in buttons)
            assert all(button.width() >= button.sizeHint().width() for button in buttons)
            wordless.append(sum(not button.text() for button in buttons))
        assert wordless == sorted(wordless)
        assert wordless[-1] == len(buttons)
        assert part(header, QPushButton, "saveButton").accessibleName() == "Save"

    def test_a_title_that_is_cut_is_told_in_full(self, header: CanvasHeader) -> None:
        header.set_title("<i>Run 7</i>")
        assert "&lt;i&gt;Run 7&lt;/i&gt;" in part(header, QLabel, "").toolTip()


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


class Painted(QWidget):
    """Counts its paints."""

    count = 0

    def paintEvent(self, event: QPaintEvent) -> None:
        self.count += 1


def test_many_wishes_are_painted_together_and_the_last_one_always(qtbot: QtBot) -> None:
    widget = Painted()
    qtbot.addWidget(widget)
    widget.show()
    qtbot.waitUntil(lambda: widget.count > 0)
    repaint = CalmRepaint(widget)
    before = widget.count
    for _ in range(50):
        repaint.ask()
        QApplication.processEvents()
    early = widget.count - before
    assert 1 <= early < 10
    qtbot.waitUntil(lambda: widget.count - before > early)
    qtbot.wait(80)
    assert widget.count - before < 12


@pytest.fixture
def classes(qtbot: QtBot) -> ClassPicker:
    picker = ClassPicker()
    qtbot.addWidget(picker)
    picker.set_classes(10)
    picker.show()
    return picker


class TestClassPicker:
    def test_typed_class_counts_when_complete(self, qtbot: QtBot, classes: ClassPicker) -> None:
        heard = Heard(classes.classChosen)
        classes.set_classes(1000)
        spin = part(classes, QSpinBox, "classPicker")
        spin.selectAll()
        qtbot.keyClicks(spin, "207")
        assert not heard
        qtbot.keyClick(spin, Qt.Key.Key_Return)
        assert heard == [(207,)]

    def test_setters_tell_nobody(self, classes: ClassPicker) -> None:
        heard = Heard(classes.classChosen)
        spin = part(classes, QSpinBox, "classPicker")
        classes.set_class(7)
        assert (spin.minimum(), spin.value(), spin.maximum()) == (0, 7, 9)
        classes.set_classes(5)
        assert (spin.value(), spin.maximum()) == (4, 4)
        assert not heard

    def test_dice(self, classes: ClassPicker) -> None:
        heard = Heard(classes.diceRequested)
        part(classes, QPushButton, "classDiceButton").click()
        assert heard == [()]


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


def test_status_line(qtbot: QtBot) -> None:
    line = StatusLine()
    qtbot.addWidget(line)
    line.set_status("<i>Ready</i> " * 500)
    line.set_device("CPU, bfloat16")
    memory = part(line, QLabel, "memoryLabel")
    assert memory.isHidden()
    line.set_memory("timeline 3 MB")
    assert memory.text() == "timeline 3 MB"
    assert not memory.isHidden()
    assert part(line, QLabel, "deviceLabel").text() == "CPU, bfloat16"
    assert part(line, QLabel, "statusLabel").text().startswith("<i>Ready</i>")
    assert line.minimumSizeHint().width() < 300
    line.resize(300, 24)
    line.grab()


def test_plain_tooltip_shows_markup_as_text() -> None:
    assert "&lt;b&gt;" in plain_tooltip("<b>")
    assert len(plain_tooltip("x" * 5000)) < 1000


def test_tr_fills_named_places_only() -> None:
    assert tr("Step {step} of {total}", step=3, total=20) == "Step 3 of 20"
    assert tr("{prompt}", prompt="{step} <b>") == "{step} <b>"
    assert tr("100 {braces}") == "100 {braces}"


def luminance(colour: str) -> float:
    """The relative luminance of WCAG 2.2."""
    channels = [value / 255 for value in QColor(colour).getRgb()[:3]]  # type: ignore[index]
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


class TestTheme:
    @pytest.mark.parametrize("colours", [theme.DARK, theme.LIGHT], ids=["dark", "light"])
    def test_everything_can_be_read(self, colours: theme.Tokens) -> None:
        for ground in (colours.background, colours.panel, colours.raised, colours.hover):
            assert contrast(colours.text, ground) >= 7
            assert contrast(colours.muted, ground) >= 4.5
            assert contrast(colours.accent, ground) >= 3
        assert contrast(colours.on_accent, colours.accent) >= 4.5
        assert contrast(colours.on_accent, colours.glow) >= 4.5
        assert contrast(colours.on_alarm, colours.alarm) >= 7

    def test_switches_live(self, qapp: QApplication, canvas: PreviewCanvas) -> None:
        theme.apply(qapp, "light")
        assert theme.tokens() == theme.LIGHT
        assert canvas.grab().toImage().pixelColor(1, 1).name() == theme.LIGHT.background
        theme.apply(qapp, "dark")
        assert canvas.grab().toImage().pixelColor(1, 1).name() == theme.DARK.background
        theme.apply(qapp, "system")
        assert theme.tokens() in (theme.DARK, theme.LIGHT)
        theme.apply(qapp, "dark")

    def test_unknown_name(self, qapp: QApplication) -> None:
        with pytest.raises(ValueError, match=r"'sepia'.*dark, light, system"):
            theme.apply(qapp, "sepia")

    def test_every_name_in_the_style_sheet_is_filled_in(self, qapp: QApplication) -> None:
        theme.apply(qapp, "dark")
        assert "$" not in qapp.styleSheet().replace("$names", "")

    @pytest.mark.parametrize("make", [SeedField, RunControls, narrow_header])
    def test_icons_follow(
        self, qtbot: QtBot, qapp: QApplication, make: Callable[[], QWidget]
    ) -> None:
        theme.apply(qapp, "dark")
        widget = make()
        qtbot.addWidget(widget)
        widget.show()
        button = next(b for b in widget.findChildren(QPushButton) if not b.icon().isNull())
        before = button.icon().pixmap(18, 18).toImage()
        theme.apply(qapp, "light")
        assert button.icon().pixmap(18, 18).toImage() != before
        theme.apply(qapp, "dark")
