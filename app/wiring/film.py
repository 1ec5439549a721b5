"""The steps of a run as a film, and the dialog that asks how it is to be."""

from __future__ import annotations

from PySide6.QtCore import QObject

from app.parts import Parts
from app.state.gallery.save_folder import SaveFolder
from app.windows.film_dialog import FilmDialog
from app.windows.main_window import MainWindow


def connect(parts: Parts, window: MainWindow) -> None:
    film, dialog = parts.film, FilmDialog(window)
    naming = _Naming(parts.save_folder, dialog)
    parts.history.selectionChanged.connect(film.refresh)
    film.availableChanged.connect(window.menu.set_can_film)
    window.filmRequested.connect(film.offer)
    film.offered.connect(naming.open_dialog)
    dialog.exportRequested.connect(film.export)
    dialog.stopRequested.connect(film.stop)
    dialog.revealRequested.connect(film.reveal)
    film.began.connect(dialog.begin)
    film.progressed.connect(dialog.set_progress)
    film.done.connect(dialog.show_done)
    film.stopped.connect(dialog.show_stopped)
    film.failed.connect(dialog.show_failure)


class _Naming(QObject):
    """Opens the dialog with a path to begin with."""

    def __init__(self, folder: SaveFolder, dialog: FilmDialog) -> None:
        super().__init__(dialog)
        self._folder = folder
        self._dialog = dialog

    def open_dialog(self, title: str, steps: int, name: str) -> None:
        self._dialog.open_up(title, steps, self._folder.suggested(name))
