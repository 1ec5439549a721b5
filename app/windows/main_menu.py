"""The menus of the main window. They only ask; the main window passes it on."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar, QWidget

from app.i18n import tr


class MainMenu(QMenuBar):
    """File, View and Help."""

    saveRequested = Signal()
    copyRequested = Signal()
    openModelRequested = Signal()
    forgetRequested = Signal(str)
    imageFolderRequested = Signal()
    quitRequested = Signal()
    galleryToggled = Signal(bool)
    themeChosen = Signal(str)
    aboutRequested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._file, self._view, self._help = (self.addMenu("") for _ in range(3))
        self._save = _add(self._file, "Ctrl+S")
        self._copy = _add(self._file, "Ctrl+Shift+C")
        self._file.addSeparator()
        self._open_model = _add(self._file, "Ctrl+O")
        self._forget = self._file.addMenu("")
        self._forget.setEnabled(False)
        self._forget.triggered.connect(lambda entry: self.forgetRequested.emit(entry.data()))
        self._image_folder = _add(self._file)
        self._file.addSeparator()
        self._quit = _add(self._file, "Ctrl+Q")
        self._quit.setMenuRole(QAction.MenuRole.QuitRole)
        self._gallery = _add(self._view, "Ctrl+G")
        self._gallery.setCheckable(True)
        self._gallery.setChecked(True)
        self._view.addSeparator()
        self._themes = {name: _add(self._view) for name in ("dark", "light", "system")}
        choice = QActionGroup(self)
        for action in self._themes.values():
            action.setCheckable(True)
            choice.addAction(action)
        self._themes["dark"].setChecked(True)
        self._about = _add(self._help)
        self._about.setMenuRole(QAction.MenuRole.AboutRole)
        self.set_can_save(False)
        self.retranslate()

        self._save.triggered.connect(self.saveRequested)
        self._copy.triggered.connect(self.copyRequested)
        self._open_model.triggered.connect(self.openModelRequested)
        self._image_folder.triggered.connect(self.imageFolderRequested)
        self._quit.triggered.connect(self.quitRequested)
        self._gallery.toggled.connect(self.galleryToggled)
        self._about.triggered.connect(self.aboutRequested)
        for name, action in self._themes.items():
            action.triggered.connect(lambda _, name=name: self.themeChosen.emit(name))

    def set_can_save(self, can_save: bool) -> None:
        """Whether there is a picture to save or to copy."""
        self._save.setEnabled(can_save)
        self._copy.setEnabled(can_save)

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

    def retranslate(self) -> None:
        self._file.setTitle(tr("&File"))
        self._save.setText(tr("&Save as…"))
        self._copy.setText(tr("&Copy"))
        self._open_model.setText(tr("&Open model folder…"))
        self._forget.setTitle(tr("&Forget a model"))
        self._image_folder.setText(tr("&Image folder…"))
        self._quit.setText(tr("&Quit"))
        self._view.setTitle(tr("&View"))
        self._gallery.setText(tr("&Gallery"))
        self._themes["dark"].setText(tr("&Dark"))
        self._themes["light"].setText(tr("&Light"))
        self._themes["system"].setText(tr("&As the system"))
        self._help.setTitle(tr("&Help"))
        self._about.setText(tr("&About Safelight"))


def _add(menu: QMenu, shortcut: str = "") -> QAction:
    action = menu.addAction("")
    if shortcut:
        action.setShortcut(QKeySequence(shortcut))
    return action
