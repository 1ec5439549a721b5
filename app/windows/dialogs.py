"""The dialogs that the main window opens, each there from the start and filled by `app.wiring`."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.windows.compare_dialog import CompareDialog
from app.windows.download_dialog import DownloadDialog
from app.windows.film_dialog import FilmDialog
from app.windows.library_dialog import LibraryDialog
from app.windows.queue_dialog import QueueDialog


class Dialogs:
    def __init__(self, window: QWidget) -> None:
        self.queue = QueueDialog(window)
        self.compare = CompareDialog(window)
        self.film = FilmDialog(window)
        self.library = LibraryDialog(window)
        self.download = DownloadDialog(window)
