"""The menus of the main window. They only ask; the main window passes it on."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar, QWidget

from app.i18n import tr

TIMELINE_MEMORY = (128, 256, 512, 1024, 2048, 4096)
"""Mebibytes that a person can give to the timeline."""


class MainMenu(QMenuBar):
    """File, Run, View and Help."""

    saveRequested = Signal()
    copyRequested = Signal()
    copySettingsRequested = Signal()
    pasteRequested = Signal()
    filmRequested = Signal()
    openModelRequested = Signal()
    openModelFileRequested = Signal()
    libraryRequested = Signal()
    downloadRequested = Signal()
    forgetRequested = Signal(str)
    imageFolderRequested = Signal()
    quitRequested = Signal()
    galleryToggled = Signal(bool)
    largeGalleryToggled = Signal(bool)
    searchRequested = Signal()
    themeChosen = Signal(str)
    timelineMemoryChosen = Signal(int)  # mebibytes
    branchRequested = Signal()
    varyRequested = Signal()
    compareRequested = Signal()
    queueRequested = Signal()
    aboutRequested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._file, self._run, self._view, self._help = (self.addMenu("") for _ in range(4))
        self._save = _add(self._file, "Ctrl+S")
        self._copy = _add(self._file, "Ctrl+Shift+C")
        self._copy_settings = _add(self._file, "Ctrl+Alt+C")
        self._paste = _add(self._file, "Ctrl+Shift+V")
        self._film = _add(self._file)
        self._file.addSeparator()
        self._open_model = _add(self._file, "Ctrl+O")
        self._open_file = _add(self._file, "Ctrl+Shift+O")
        self._library = _add(self._file, "Ctrl+L")
        self._download = _add(self._file)
        self._forget = self._file.addMenu("")
        self._forget.setEnabled(False)
        self._forget.triggered.connect(lambda entry: self.forgetRequested.emit(entry.data()))
        self._image_folder = _add(self._file)
        self._file.addSeparator()
        self._quit = _add(self._file, "Ctrl+Q")
        self._quit.setMenuRole(QAction.MenuRole.QuitRole)
        self._branch = _add(self._run, "Ctrl+B")
        self._vary = _add(self._run, "Ctrl+Shift+B")
        self._run.addSeparator()
        self._compare = _add(self._run, "Ctrl+K")
        self._run.addSeparator()
        self._queue = _add(self._run, "Ctrl+J")
        self._gallery = _add(self._view, "Ctrl+G")
        self._gallery.setCheckable(True)
        self._gallery.setChecked(True)
        self._large = _add(self._view, "Ctrl+Shift+G")
        self._large.setCheckable(True)
        self._search = _add(self._view, "Ctrl+F")
        self._view.addSeparator()
        self._memory = self._view.addMenu("")
        self._memories = {size: _add(self._memory) for size in TIMELINE_MEMORY}
        _make_choice(self, self._memories.values())
        self._view.addSeparator()
        self._themes = {name: _add(self._view) for name in ("dark", "light", "system")}
        _make_choice(self, self._themes.values())
        self._themes["dark"].setChecked(True)
        self._about = _add(self._help)
        self._about.setMenuRole(QAction.MenuRole.AboutRole)
        self.set_can_save(False)
        self.set_can_branch(False)
        self.set_can_film(False)
        self.retranslate()

        self._save.triggered.connect(self.saveRequested)
        self._copy.triggered.connect(self.copyRequested)
        self._copy_settings.triggered.connect(self.copySettingsRequested)
        self._paste.triggered.connect(self.pasteRequested)
        self._film.triggered.connect(self.filmRequested)
        self._queue.triggered.connect(self.queueRequested)
        self._open_model.triggered.connect(self.openModelRequested)
        self._open_file.triggered.connect(self.openModelFileRequested)
        self._library.triggered.connect(self.libraryRequested)
        self._download.triggered.connect(self.downloadRequested)
        self._image_folder.triggered.connect(self.imageFolderRequested)
        self._quit.triggered.connect(self.quitRequested)
        self._gallery.toggled.connect(self.galleryToggled)
        self._large.toggled.connect(self.largeGalleryToggled)
        self._search.triggered.connect(self.searchRequested)
        self._about.triggered.connect(self.aboutRequested)
        self._branch.triggered.connect(self.branchRequested)
        self._vary.triggered.connect(self.varyRequested)
        self._compare.triggered.connect(self.compareRequested)
        for size, action in self._memories.items():
            action.triggered.connect(lambda _, size=size: self.timelineMemoryChosen.emit(size))
        for name, action in self._themes.items():
            action.triggered.connect(lambda _, name=name: self.themeChosen.emit(name))

    def set_can_save(self, can_save: bool) -> None:
        """Whether there is a picture to save or to copy."""
        self._save.setEnabled(can_save)
        self._copy.setEnabled(can_save)
        self._copy_settings.setEnabled(can_save)

    def set_can_branch(self, can_branch: bool) -> None:
        """Whether a run can begin at the step that is shown."""
        self._branch.setEnabled(can_branch)
        self._vary.setEnabled(can_branch)

    def set_can_film(self, can_film: bool) -> None:
        """Whether a run is shown that has steps to make a film of."""
        self._film.setEnabled(can_film)

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
        """name: "dark", "light" or "system"."""
        self._themes[name].setChecked(True)

    def set_gallery_shown(self, shown: bool) -> None:
        with QSignalBlocker(self):
            self._gallery.setChecked(shown)

    def set_gallery_large(self, large: bool) -> None:
        with QSignalBlocker(self):
            self._large.setChecked(large)

    def retranslate(self) -> None:
        self._file.setTitle(tr("&File"))
        self._save.setText(tr("&Save as…"))
        self._copy.setText(tr("&Copy"))
        self._copy_settings.setText(tr("Copy se&ttings"))
        self._paste.setText(tr("&Paste settings"))
        self._film.setText(tr("&Export film…"))
        self._queue.setText(tr("&Queue…"))
        self._open_model.setText(tr("&Open model folder…"))
        self._open_file.setText(tr("Open model f&ile…"))
        self._library.setText(tr("Model &library…"))
        self._download.setText(tr("&Download a model…"))
        self._forget.setTitle(tr("&Forget a model"))
        self._image_folder.setText(tr("&Image folder…"))
        self._quit.setText(tr("&Quit"))
        self._run.setTitle(tr("&Run"))
        self._branch.setText(tr("&Branch from here"))
        self._vary.setText(tr("&Vary from here…"))
        self._compare.setText(tr("&Compare…"))
        self._view.setTitle(tr("&View"))
        self._memory.setTitle(tr("&Timeline memory"))
        for size, action in self._memories.items():
            text = tr("{size} MB", size=size) if size < 1024 else tr("{size} GB", size=size // 1024)
            action.setText(text)
        self._gallery.setText(tr("&Gallery"))
        self._large.setText(tr("La&rge gallery"))
        self._search.setText(tr("&Search the gallery"))
        self._themes["dark"].setText(tr("&Dark"))
        self._themes["light"].setText(tr("&Light"))
        self._themes["system"].setText(tr("&As the system"))
        self._help.setTitle(tr("&Help"))
        self._about.setText(tr("&About Safelight"))


def _make_choice(owner: QMenuBar, actions: Iterable[QAction]) -> None:
    """One of the actions is checked at a time."""
    choice = QActionGroup(owner)
    for action in actions:
        action.setCheckable(True)
        choice.addAction(action)


def _add(menu: QMenu, shortcut: str = "") -> QAction:
    action = menu.addAction("")
    if shortcut:
        action.setShortcut(QKeySequence(shortcut))
    return action
