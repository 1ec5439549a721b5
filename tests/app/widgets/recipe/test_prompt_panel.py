"""The fields of the prompts: what is typed is told, Enter, the notes, a model without a prompt."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QPlainTextEdit
from pytestqt.qtbot import QtBot

from app.widgets.basic.flat_button import FlatButton
from app.widgets.basic.plain_label import PlainLabel
from app.widgets.recipe.prompt_panel import PromptPanel
from tests.app.widgets.probes import Heard, part

CTRL = Qt.KeyboardModifier.ControlModifier
CTRL_SHIFT = CTRL | Qt.KeyboardModifier.ShiftModifier


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
