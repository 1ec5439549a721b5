"""The commands of one window as Qt's actions, one a command: its words, its keys and whether it can
be asked for are the same in every menu and on every button. The main window makes one set; a widget
that stands alone makes its own.
"""

from __future__ import annotations

from PySide6.QtCore import QKeyCombination, QObject, Qt
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractButton, QWidget

from app.commands import Command


class CommandAction(QAction):
    """What a command is in one window. `wear` gives it the words and keys of another moment, such
    as Resume in place of Pause. A key that is held asks once."""

    def __init__(self, command: Command, parent: QObject) -> None:
        super().__init__(parent)
        self.face = command
        self.setObjectName(command.name)
        self.setIconVisibleInMenu(False)
        self.setAutoRepeat(False)
        self.wear(command)

    def wear(self, face: Command) -> None:
        """Show these words from now on."""
        self.face = face
        self.setShortcuts([QKeySequence(key) for key in face.keys])
        self.retranslate()

    def retranslate(self) -> None:
        self.setText(self.face.menu_text)
        self.setIconText(self.face.button_text)
        self.setToolTip(self.face.tooltip)


class CommandActions(QObject):
    """Made when they are first asked for: `actions[commands.SAVE]`."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._made: dict[str, CommandAction] = {}

    def __getitem__(self, command: Command) -> CommandAction:
        if command.name not in self._made:
            self._made[command.name] = CommandAction(command, self)
        return self._made[command.name]

    def adopt(self, command: Command, owner: QWidget) -> CommandAction:
        """That of the command, as a part of the widget that knows when it can be asked for: its
        keys act in the owner's window."""
        action = self[command]
        action.setParent(owner)
        owner.addAction(action)
        return action

    def retranslate(self) -> None:
        for action in self._made.values():
            action.retranslate()


class ButtonLink(QObject):
    """Keeps a button in step with an action: it can be pressed when the action can be asked for,
    and has its tooltip. With presses=True a click asks for the action."""

    def __init__(
        self, button: QAbstractButton, action: CommandAction, *, presses: bool = True
    ) -> None:
        super().__init__(button)
        self._button, self._action = button, action
        self._follow()

        action.changed.connect(self._follow)
        if presses:
            button.clicked.connect(action.trigger)

    def _follow(self) -> None:
        self._button.setEnabled(self._action.isEnabled())
        self._button.setToolTip(self._action.toolTip())


def asks_for(event: QKeyEvent, command: Command) -> bool:
    """Whether that is one of the command's keys, on the keypad or not."""
    modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    pressed = QKeySequence(QKeyCombination(modifiers, Qt.Key(event.key())))
    return any(pressed == QKeySequence(key) for key in command.keys)
