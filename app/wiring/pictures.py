"""The picture in the middle: what it shows, and how it leaves the program."""

from __future__ import annotations

from PySide6.QtCore import QObject

from app.parts import Parts
from app.state.gallery.exports import Exports
from app.state.gallery.picture import Picture
from app.state.gallery.save_folder import SaveFolder
from app.windows.main_window import MainWindow
from app.worker import DIRECT


def connect(parts: Parts, window: MainWindow) -> None:
    showing, acts, exports = parts.showing, parts.picture_acts, parts.exports
    saving = _Saving(parts.save_folder, exports, window)
    showing.picturesChanged.connect(window.canvas.set_pictures)
    showing.captionChanged.connect(window.canvas.set_caption)
    showing.explained.connect(window.canvas.set_explanation)
    showing.viewChanged.connect(window.canvas.set_view)
    showing.viewChanged.connect(window.header.set_view)
    showing.titleChanged.connect(window.header.set_title)
    showing.savableChanged.connect(window.header.set_can_save)
    window.header.viewChosen.connect(showing.set_view)
    window.saveRequested.connect(acts.save_shown)
    window.copyRequested.connect(acts.copy_shown)
    window.copySettingsRequested.connect(acts.copy_settings_of_shown)
    acts.saveAsked.connect(saving.ask)
    acts.timelineAsked.connect(window.gallery.lookRequested)
    acts.failed.connect(window.errors.show_error)
    exports.done.connect(window.status.set_status)
    exports.failed.connect(window.errors.show_error)
    exports.workerAsked.connect(parts.worker.save, DIRECT)
    parts.worker.saved.connect(exports.tell_saved)
    parts.worker.saveFailed.connect(window.errors.show_error)


class _Saving(QObject):
    """Asks the person under which name a picture is to be saved."""

    def __init__(self, folder: SaveFolder, exports: Exports, window: MainWindow) -> None:
        super().__init__(window)
        self._folder = folder
        self._exports = exports
        self._window = window

    def ask(self, picture: Picture) -> None:
        if target := self._window.ask_save_path(self._folder.suggested(picture.name)):
            self._folder.remember(target)
            self._exports.save(picture, target)
