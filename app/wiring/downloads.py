"""What is fetched from the Hub, and the dialog that asks for it."""

from __future__ import annotations

from app.parts import Parts
from app.state.models.downloads import StartingPoints
from app.windows.download_dialog import DownloadDialog
from app.windows.main_window import MainWindow


def connect(parts: Parts, window: MainWindow) -> None:
    downloads, dialog = parts.downloads, DownloadDialog(window)
    dialog.set_starting_points(StartingPoints(dialog))
    window.downloadRequested.connect(dialog.open_up)
    dialog.lookRequested.connect(downloads.look)
    dialog.downloadRequested.connect(downloads.fetch)
    dialog.cancelRequested.connect(downloads.cancel)
    downloads.stateChanged.connect(dialog.set_state)
    downloads.found.connect(dialog.set_found)
    downloads.progressed.connect(dialog.set_progress)
    downloads.done.connect(dialog.show_done)
    downloads.done.connect(parts.library.refresh)
    downloads.stopped.connect(dialog.show_stopped)
    downloads.failed.connect(dialog.show_failure)
