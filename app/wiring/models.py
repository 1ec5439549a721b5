"""Models: the picker, the menu and the question of a switch ask for one; the worker loads it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject

from app.i18n import tr
from app.parts import Parts
from app.state.models.models import Models
from app.windows.main_window import MainWindow
from app.worker import DIRECT


def connect(parts: Parts, window: MainWindow) -> None:
    models, queue, worker = parts.models, parts.queue, parts.worker
    opening = _Opening(models, window)
    window.models.modelChosen.connect(models.choose)
    window.models.openFolderRequested.connect(opening.ask_folder)
    window.openModelRequested.connect(opening.ask_folder)
    window.openModelFileRequested.connect(opening.ask_file)
    window.forgetRequested.connect(models.forget)
    window.switch.afterwardsChosen.connect(queue.load_afterwards)
    window.switch.nowChosen.connect(queue.load_now)
    window.switch.keepChosen.connect(queue.withdraw)
    models.loadRequested.connect(queue.submit_load)
    models.loadWithdrawn.connect(queue.withdraw)
    queue.switchAsked.connect(models.ask)
    queue.switchSettled.connect(models.stop_asking)
    queue.loadDelayed.connect(models.tell_delay)
    queue.stopRequested.connect(worker.cancel, DIRECT)
    queue.loadReleased.connect(models.begin)
    queue.loadReleased.connect(parts.library.load)
    parts.library.loadAsked.connect(worker.load, DIRECT)
    worker.loading.connect(models.show_loading)
    worker.ready.connect(parts.session.adapt)
    worker.ready.connect(models.set_card)
    worker.ready.connect(parts.run.forget_tokens)
    worker.ready.connect(parts.run.forget_negative_cut)
    worker.loadFailed.connect(window.errors.show_error)
    worker.loadFailed.connect(models.fail)

    models.listChanged.connect(window.models.set_models)
    models.currentChanged.connect(window.models.set_current)
    models.forgettableChanged.connect(window.menu.set_forgettable)
    models.questionChanged.connect(window.switch.set_question)
    models.readyChanged.connect(window.run.set_ready)
    models.statusChanged.connect(window.status.set_status)
    models.deviceChanged.connect(window.status.set_device)


class _Opening(QObject):
    """Asks the person for a model that is not in the list."""

    def __init__(self, models: Models, window: MainWindow) -> None:
        super().__init__(window)
        self._models = models
        self._window = window

    def ask_folder(self) -> None:
        if folder := self._window.ask_folder(tr("Open model folder"), str(Path.home())):
            self._models.choose(folder)

    def ask_file(self) -> None:
        if path := self._window.ask_model_file(str(Path.home())):
            self._models.choose(path)
