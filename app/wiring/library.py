"""The library of models and its dialog."""

from __future__ import annotations

from app.parts import Parts
from app.windows.library_dialog import LibraryDialog
from app.windows.main_window import MainWindow


def connect(parts: Parts, window: MainWindow) -> None:
    library, dialog = parts.library, LibraryDialog(window)
    dialog.set_models(library.model)
    window.libraryRequested.connect(dialog.open_up)
    dialog.opened.connect(library.refresh)
    dialog.filterChanged.connect(library.set_filter)
    dialog.folderAdded.connect(library.add_folder)
    dialog.folderRemoved.connect(library.remove_folder)
    dialog.revealRequested.connect(library.reveal)
    dialog.verifyRequested.connect(library.verify)
    dialog.stopVerifyRequested.connect(library.stop_verifying)
    dialog.predictionTypeChosen.connect(library.set_prediction_type)
    dialog.loadRequested.connect(parts.models.choose)
    dialog.downloadRequested.connect(window.downloadRequested)
    library.sourcesChanged.connect(parts.models.set_found)
    library.foldersChanged.connect(dialog.set_folders)
    library.scanningChanged.connect(dialog.set_scanning)
    library.verifyingChanged.connect(dialog.set_verifying)
    library.noteChanged.connect(dialog.set_note)
    library.predictionTypeChanged.connect(parts.models.load_again)
    library.warned.connect(window.errors.show_error)
    parts.worker.ready.connect(library.warn_of_a_guess)
