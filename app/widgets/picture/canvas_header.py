"""The line over the picture: what is shown, which view of it, and what can be made from it. The
main window shows it above the canvas."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSignalBlocker, Signal
from PySide6.QtGui import QIcon, QResizeEvent
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QWidget

from app import commands
from app.widgets.basic.command_actions import ButtonLink, CommandActions
from app.widgets.basic.icon_button import IconButton
from app.widgets.basic.plain_label import PlainLabel, plain_tooltip

SIDE = 16
GAP, WIDE_GAP = 8, 14
TITLE_ROOM = 150
"""For "Comparing 6 pictures" and "Developing: Run 12"."""
MADE = (commands.BRANCH, commands.VARY, commands.COMPARE, commands.COPY, commands.SAVE)
SHOWN = (commands.PREDICTED_PICTURE, commands.NOISY_LATENTS, *MADE)
GIVING_WAY = (("copy", "save"), ("compare", "vary"), ("branch",), ("predicted", "noisy"))
"""Which buttons lose their words first when the window is narrow."""


class WordsOrIcon(IconButton):
    """Says its accessible name where there is room for it, and shows its icon where there is not.
    It never changes its size on its own: the header decides for all of them."""

    _in_words = True

    def show_words(self, in_words: bool) -> None:
        self._in_words = in_words
        self.setText(self.accessibleName() if in_words else "")
        self.setProperty("bare", not in_words)
        self.style().unpolish(self)
        self.style().polish(self)
        self._choose_icon()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        self._choose_icon()

    def _choose_icon(self) -> None:
        if self._in_words:
            self.setIcon(QIcon())
        elif self.icon().isNull():
            self.set_icon(self._icon_name)


class CanvasHeader(QWidget):
    """The two views are the predicted picture and the noisy latents. What can be made from them is
    offered as the commands are."""

    viewChosen = Signal(str)
    branchRequested = Signal()
    varyToggled = Signal(bool)
    compareToggled = Signal(bool)
    saveRequested = Signal()
    copyRequested = Signal()

    def __init__(
        self, actions: CommandActions | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._title = PlainLabel("title", elided=True)
        self._buttons = {command.icon: WordsOrIcon(command.icon) for command in SHOWN}
        for name, button in self._buttons.items():
            button.setObjectName(f"{name}Button")
        actions = actions or CommandActions(self)
        self._actions = {command.icon: actions.adopt(command, self) for command in MADE}
        self._copy_settings = actions.adopt(commands.COPY_SETTINGS, self)
        self._views = {name: self._buttons[name] for name in ("predicted", "noisy")}
        group = QButtonGroup(self)
        for side, button in zip(("left", "right"), self._views.values(), strict=True):
            button.setCheckable(True)
            button.setProperty("segment", side)
            group.addButton(button)
        self._views["predicted"].setChecked(True)
        self._buttons["vary"].setCheckable(True)
        self._buttons["compare"].setCheckable(True)
        self._widths: dict[tuple[str, bool], int] = {}
        self._wordless: frozenset[str] | None = None
        self.set_can_branch(False)
        self.set_can_compare(False)
        self.set_can_save(False)

        layout = QHBoxLayout(self)
        layout.setContentsMargins(SIDE, 8, SIDE, 8)
        layout.setSpacing(0)
        layout.addWidget(self._title, 1)
        for name, button in self._buttons.items():
            layout.addSpacing(_gap_before(name))
            layout.addWidget(button)
        self.retranslate()

        for name, action in self._actions.items():
            # The bars of these two open and close with their buttons; their commands only open.
            ButtonLink(self._buttons[name], action, presses=name not in ("vary", "compare"))
        for view, button in self._views.items():
            button.toggled.connect(lambda on, view=view: on and self.viewChosen.emit(view))
        self._buttons["vary"].clicked.connect(self.varyToggled)
        self._buttons["compare"].clicked.connect(self.compareToggled)
        self._actions["branch"].triggered.connect(self.branchRequested)
        self._actions["save"].triggered.connect(self.saveRequested)
        self._actions["copy"].triggered.connect(self.copyRequested)

    def set_title(self, text: str) -> None:
        self._title.setText(text)
        self._title.setToolTip(plain_tooltip(text))  # in the narrowest window its end is cut

    def set_view(self, view: str) -> None:
        """view: "predicted" or "noisy"."""
        with QSignalBlocker(self._views["predicted"]), QSignalBlocker(self._views["noisy"]):
            self._views[view].setChecked(True)
        for button in self._views.values():
            button.update()

    def set_can_branch(self, can_branch: bool) -> None:
        """Whether a step is shown from which a run can start."""
        self._actions["branch"].setEnabled(can_branch)
        self._actions["vary"].setEnabled(can_branch)

    def set_can_compare(self, can_compare: bool) -> None:
        """Whether there is a model to compare settings with."""
        self._actions["compare"].setEnabled(can_compare)

    def set_vary_open(self, opened: bool) -> None:
        """Whether the bar of the variations is open."""
        self._buttons["vary"].setChecked(opened)

    def set_compare_open(self, opened: bool) -> None:
        """Whether the bar of the comparison is open."""
        self._buttons["compare"].setChecked(opened)

    def set_can_save(self, can_save: bool) -> None:
        """Whether there is a picture to save or to copy."""
        for action in (self._actions["save"], self._actions["copy"], self._copy_settings):
            action.setEnabled(can_save)

    def retranslate(self) -> None:
        for command in SHOWN:
            self._buttons[command.icon].setAccessibleName(command.button_text)
            self._buttons[command.icon].setToolTip(command.tooltip)
        self._widths.clear()
        self._make_room()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._make_room()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.StyleChange:
            self._widths.clear()
        elif event.type() == QEvent.Type.LayoutRequest:
            self._make_room()
        return super().event(event)

    def _make_room(self) -> None:
        """In a narrow window the title matters more than the words on the buttons."""
        if not self._widths:
            self._measure()
        wordless: frozenset[str] = frozenset()
        for group in GIVING_WAY:
            if self._wanted(wordless) + TITLE_ROOM <= self.width():
                break
            wordless |= set(group)
        if wordless != self._wordless:
            self._wordless = wordless
            for name, button in self._buttons.items():
                button.show_words(name not in wordless)

    def _measure(self) -> None:
        """How wide every button is with its words and without."""
        self._wordless = None
        for in_words in (True, False):
            for name, button in self._buttons.items():
                button.show_words(in_words)
                self._widths[name, in_words] = button.sizeHint().width()
        # The header may be as narrow as its icons, not as its buttons happen to be now.
        self.setMinimumWidth(self._wanted(frozenset(self._buttons)))

    def _wanted(self, wordless: frozenset[str]) -> int:
        """The width of everything but the title."""
        widths = (self._widths[name, name not in wordless] for name in self._buttons)
        return sum(widths) + sum(map(_gap_before, self._buttons)) + 2 * SIDE


def _gap_before(name: str) -> int:
    return {"predicted": WIDE_GAP, "noisy": 0, "branch": WIDE_GAP, "copy": WIDE_GAP}.get(name, GAP)
