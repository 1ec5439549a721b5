"""The prompt and the negative prompt, or a sentence where the model takes none. The main window
shows it at the top of the recipe."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QMimeData, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QKeyEvent, QTextCursor
from PySide6.QtWidgets import QApplication, QPlainTextEdit, QVBoxLayout, QWidget

from app import commands, wording
from app.i18n import tr
from app.widgets.basic.command_actions import ButtonLink, CommandActions
from app.widgets.basic.flat_button import FlatButton
from app.widgets.basic.plain_label import PlainLabel, plain_tooltip

NOTE_LENGTH = 160
EDGES = 22


class PromptEdit(QPlainTextEdit):
    """A field for plain text that grows with it from `low` to `high` lines. Ctrl+Enter asks for a
    picture and Tab goes on to the next control."""

    generateRequested = Signal()

    def __init__(self, name: str, low: int, high: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setTabChangesFocus(True)
        self._lines = (low, high)
        self.document().documentLayout().documentSizeChanged.connect(self._fit)
        self._fit()

    def event(self, event: QEvent) -> bool:
        # Without this the window's own Ctrl+Enter would take the key first.
        if event.type() == QEvent.Type.ShortcutOverride and _asks_for_a_picture(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if _asks_for_a_picture(event):
            self.generateRequested.emit()
        else:
            super().keyPressEvent(event)

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        """A file that is dropped here is for the window, which takes its settings."""
        return not source.hasUrls() and super().canInsertFromMimeData(source)

    def set_text(self, text: str) -> None:
        """Shows `text` without telling anyone; the cursor stays when it is there already."""
        if text != self.toPlainText():
            with QSignalBlocker(self):
                self.setPlainText(text)
                self.moveCursor(QTextCursor.MoveOperation.End)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit()

    def _fit(self) -> None:
        """As tall as its lines, so that a long prompt is read without scrolling."""
        low, high = (lines * self.fontMetrics().lineSpacing() for lines in self._lines)
        tall, block = 0.0, self.document().begin()
        while block.isValid() and tall < high:
            tall += self.blockBoundingRect(block).height()
            block = block.next()
        self.setFixedHeight(round(min(max(tall, low), high)) + EDGES)


class PromptPanel(QWidget):
    """Emits each prompt as a person types it. The token note under the prompt says how much of it
    the text encoder reads. What was typed stays while the fields are away.
    The key of its command gives the words to the run under way from anywhere in the window."""

    promptChanged = Signal(str)
    negativePromptChanged = Signal(str)
    generateRequested = Signal()
    steerRequested = Signal()

    def __init__(
        self, actions: CommandActions | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._has_classes, self._has_prompt, self._steerable = False, True, False
        actions = actions or CommandActions(self)
        self._use = actions.adopt(commands.USE_IN_THIS_RUN, self)
        self._fields = QWidget()
        self._sentence = PlainLabel("note")
        self._sentence.setObjectName("promptSentence")
        self._sentence.setWordWrap(True)
        self._sentence.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._sentence.hide()
        self._prompt_label = PlainLabel("caption")
        self._prompt = PromptEdit("promptEdit", 3, 8)
        self._note, self._negative_note = PlainLabel("note"), PlainLabel("note")
        for note in (self._note, self._negative_note):
            note.setWordWrap(True)
            note.hide()
        self._negative_label = PlainLabel("caption")
        self._negative = PromptEdit("negativePromptEdit", 1, 3)
        self._steer = FlatButton()
        self._steer.setObjectName("steerButton")
        self._steer.set_accent(True)
        self._steer.hide()
        self._prompt_label.setBuddy(self._prompt)
        self._negative_label.setBuddy(self._negative)
        self._offer_use()
        self.retranslate()

        self._lay_out()

        self._prompt.textChanged.connect(
            lambda: self.promptChanged.emit(self._prompt.toPlainText())
        )
        self._negative.textChanged.connect(
            lambda: self.negativePromptChanged.emit(self._negative.toPlainText())
        )
        self._prompt.generateRequested.connect(self.generateRequested)
        self._negative.generateRequested.connect(self.generateRequested)
        ButtonLink(self._steer, self._use)
        self._use.triggered.connect(self.steerRequested)

    def _lay_out(self) -> None:
        fields = QVBoxLayout(self._fields)
        fields.setContentsMargins(0, 0, 0, 0)
        fields.setSpacing(5)
        fields.addWidget(self._prompt_label)
        fields.addWidget(self._prompt)
        fields.addWidget(self._note)
        fields.addSpacing(6)
        fields.addWidget(self._negative_label)
        fields.addWidget(self._negative)
        fields.addWidget(self._negative_note)
        fields.addWidget(self._steer, 0, Qt.AlignmentFlag.AlignRight)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._fields)
        layout.addWidget(self._sentence)

    def set_prompt(self, text: str) -> None:
        self._prompt.set_text(text)

    def set_negative_prompt(self, text: str) -> None:
        self._negative.set_text(text)

    def set_abilities(self, abilities: frozenset[str]) -> None:
        """Shows the fields for a model with the ability "prompt", else a sentence. The keyboard
        focus goes over to what takes the place of the control that had it."""
        focused = QApplication.focusWidget()
        inside = focused is not None and self.isAncestorOf(focused)
        self._has_classes = "classes" in abilities
        self._has_prompt = "prompt" in abilities
        self._offer_use()
        self._say_why()
        arriving, leaving = self._fields, self._sentence
        if not self._has_prompt:
            arriving, leaving = leaving, arriving
        arriving.show()
        if inside and not leaving.isHidden():
            (self._prompt if self._has_prompt else self._sentence).setFocus()
        leaving.hide()

    def set_steerable(self, steerable: bool) -> None:
        """Whether a run is under way that these words could still change."""
        if not steerable and self._steer.hasFocus():
            self._prompt.setFocus()
        self._steer.setVisible(steerable)
        self._steerable = steerable
        self._offer_use()

    def set_token_note(self, text: str) -> None:
        """A line such as "9 of 30 tokens"; "" takes it away. A long one is cut, and whole in its
        tooltip."""
        _note(self._note, text)

    def set_negative_note(self, text: str) -> None:
        """A sentence about the negative prompt, shown like the token note; "" takes it away."""
        _note(self._negative_note, text)

    def retranslate(self) -> None:
        self._say_why()
        self._prompt_label.setText(wording.label("prompt"))
        self._prompt.setPlaceholderText(tr("a red apple, 3d"))
        self._prompt.setAccessibleName(wording.label("prompt"))
        self._prompt.setToolTip(wording.tooltip("prompt"))
        self._negative_label.setText(wording.label("negative_prompt"))
        self._negative.setPlaceholderText(tr("what to keep away from"))
        self._negative.setAccessibleName(wording.label("negative_prompt"))
        self._negative.setToolTip(wording.tooltip("negative_prompt"))
        self._use.retranslate()
        self._steer.setText(self._use.iconText())
        self._steer.setAccessibleName(self._use.iconText())

    def _offer_use(self) -> None:
        self._use.setEnabled(self._steerable and self._has_prompt)

    def _say_why(self) -> None:
        self._sentence.setText(
            tr(
                "This model makes pictures without a prompt: choose a class, and each seed is "
                "another picture of it."
            )
            if self._has_classes
            else tr("This model makes pictures without a prompt: each seed is another picture.")
        )


def _note(label: PlainLabel, text: str) -> None:
    label.setText(text if len(text) <= NOTE_LENGTH else text[: NOTE_LENGTH - 1] + "…")
    label.setToolTip(plain_tooltip(text) if len(text) > NOTE_LENGTH else "")
    label.setVisible(bool(text))


def _asks_for_a_picture(event: QEvent) -> bool:
    if not isinstance(event, QKeyEvent):
        return False
    control, shift = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
    return (
        event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        and event.modifiers() & (control | shift) == control
    )
