"""The menus of the main window. Their entries are the window's commands, which it connects; only
what is chosen from a list is asked for here."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QMenuBar, QWidget

from app import commands
from app.i18n import tr
from app.widgets.basic.command_actions import CommandActions

TIMELINE_MEMORY = (128, 256, 512, 1024, 2048, 4096)
"""Mebibytes that a person can give to the timeline."""
THEMES = ("dark", "light", "system")

# None stands for a line between two groups.
PICTURES = (
    commands.SAVE,
    commands.COPY,
    commands.COPY_SETTINGS,
    commands.PASTE_SETTINGS,
    commands.EXPORT_FILM,
    None,
)
MODELS = (commands.OPEN_MODEL, commands.OPEN_MODEL_FILE, commands.LIBRARY, commands.DOWNLOAD)
RUN = (
    commands.GENERATE,
    commands.PAUSE,
    commands.STOP,
    commands.FINISH,
    commands.SKIP,
    commands.USE_IN_THIS_RUN,
    None,
    commands.BRANCH,
    commands.VARY,
    None,
    commands.COMPARE,
    None,
    commands.QUEUE,
)
VIEW = (commands.GALLERY, commands.LARGE_GALLERY, commands.SEARCH, None)


class MainMenu(QMenuBar):
    """File, Run, View and Help."""

    forgetRequested = Signal(str)
    themeChosen = Signal(str)
    timelineMemoryChosen = Signal(int)  # mebibytes

    def __init__(self, actions: CommandActions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._actions = actions
        self._file, self._run, self._view, self._help = (self.addMenu("") for _ in range(4))
        self._fill(self._file, (*PICTURES, *MODELS))
        self._forget = self._file.addMenu("")
        self._forget.setEnabled(False)
        self._fill(self._file, (commands.IMAGE_FOLDER, None, commands.QUIT))
        self._fill(self._run, RUN)
        self._fill(self._view, VIEW)
        self._memory = self._view.addMenu("")
        self._memories = {size: self._memory.addAction("") for size in TIMELINE_MEMORY}
        self._view.addSeparator()
        self._themes = {name: self._view.addAction("") for name in THEMES}
        self._fill(self._help, (commands.KEYS, commands.ABOUT))
        _make_choice(self, self._memories.values())
        _make_choice(self, self._themes.values())
        self._themes["dark"].setChecked(True)
        actions[commands.GALLERY].setCheckable(True)
        actions[commands.GALLERY].setChecked(True)
        actions[commands.LARGE_GALLERY].setCheckable(True)
        actions[commands.QUIT].setMenuRole(QAction.MenuRole.QuitRole)
        actions[commands.ABOUT].setMenuRole(QAction.MenuRole.AboutRole)
        self.set_can_film(False)
        self.retranslate()

        self._forget.triggered.connect(lambda entry: self.forgetRequested.emit(entry.data()))
        for size, action in self._memories.items():
            action.triggered.connect(lambda _, size=size: self.timelineMemoryChosen.emit(size))
        for name, action in self._themes.items():
            action.triggered.connect(lambda _, name=name: self.themeChosen.emit(name))

    def set_can_film(self, can_film: bool) -> None:
        """Whether a run is shown that has steps to make a film of."""
        self._actions[commands.EXPORT_FILM].setEnabled(can_film)

    def set_timeline_memory(self, mebibytes: int) -> None:
        """What the timeline may take."""
        if mebibytes in self._memories:
            self._memories[mebibytes].setChecked(True)

    def set_forgettable(self, models: list[tuple[str, str]]) -> None:
        """models: (id, label) of those that can be taken out of the list of models."""
        self._forget.clear()
        for model_id, label in models:
            self._forget.addAction(label.replace("&", "&&")).setData(model_id)
        self._forget.setEnabled(bool(models))

    def set_theme(self, name: str) -> None:
        """name: one of THEMES."""
        self._themes[name].setChecked(True)

    def retranslate(self) -> None:
        """The titles of the menus, and what is chosen from lists. Commands are retranslated on
        their own."""
        self._file.setTitle(tr("&File"))
        self._forget.setTitle(tr("&Forget a model"))
        self._run.setTitle(tr("&Run"))
        self._view.setTitle(tr("&View"))
        self._memory.setTitle(tr("&Timeline memory"))
        for size, action in self._memories.items():
            text = tr("{size} MB", size=size) if size < 1024 else tr("{size} GB", size=size // 1024)
            action.setText(text)
        self._themes["dark"].setText(tr("&Dark"))
        self._themes["light"].setText(tr("&Light"))
        self._themes["system"].setText(tr("&As the system"))
        self._help.setTitle(tr("&Help"))

    def _fill(self, menu: QMenu, entries: Iterable[commands.Command | None]) -> None:
        for command in entries:
            if command is None:
                menu.addSeparator()
            else:
                menu.addAction(self._actions[command])


def _make_choice(owner: QMenuBar, actions: Iterable[QAction]) -> None:
    """One of the actions is checked at a time."""
    choice = QActionGroup(owner)
    for action in actions:
        action.setCheckable(True)
        choice.addAction(action)
