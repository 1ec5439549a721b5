"""The folder of finished pictures: who chooses it, who writes into it, who looks into it."""

from __future__ import annotations

from PySide6.QtCore import QObject

from app.i18n import tr
from app.parts import Parts
from app.state.gallery.image_folder import ImageFolder
from app.state.runs.plan import Plan
from app.windows.main_window import MainWindow
from app.worker.worker import Worker


def connect(parts: Parts, window: MainWindow) -> None:
    folder, choice = parts.image_folder, _Choice(parts.image_folder, window)
    writing = _Writing(folder, parts.worker, window)
    window.imageFolderRequested.connect(choice.ask)
    window.unsaved.secondChosen.connect(choice.ask)
    folder.changed.connect(parts.gallery.set_folder)
    folder.changed.connect(parts.resumption.set_folder)
    folder.changed.connect(parts.unsaved_images.try_again)
    parts.queue.planReleased.connect(writing.run)
    parts.unsaved_images.tryAsked.connect(writing.write_unsaved)


class _Choice(QObject):
    """Asks the person for another folder."""

    def __init__(self, folder: ImageFolder, window: MainWindow) -> None:
        super().__init__(window)
        self._folder = folder
        self._window = window

    def ask(self) -> None:
        if path := self._window.ask_folder(tr("Image folder"), self._folder.path):
            self._folder.choose(path)


class _Writing(QObject):
    """Tells the worker the folder of now with what it is to write."""

    def __init__(self, folder: ImageFolder, worker: Worker, window: MainWindow) -> None:
        super().__init__(window)
        self._folder = folder
        self._worker = worker

    def run(self, plan: Plan) -> None:
        self._worker.run(plan, self._folder.path)

    def write_unsaved(self) -> None:
        self._worker.write_unsaved(self._folder.path)
