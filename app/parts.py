"""Parts: all that stands behind the window: the state, and the worker with its threads. Built by
`app.main`, connected by `app.wiring`; knows no window, and tests can build it without one.

The engine's functions that the state needs are handed in from here. What reads and writes image
files is imported when it is first used, in the background: the window is there sooner.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QThread, Signal
from PySide6.QtGui import QImage

from app import paths
from app.preferences import Preferences
from app.state.background import Background
from app.state.gallery.exports import Exports
from app.state.gallery.gallery import GalleryModel
from app.state.gallery.image_folder import ImageFolder
from app.state.gallery.pair import Pair
from app.state.gallery.picture_acts import PictureActs
from app.state.gallery.save_folder import SaveFolder
from app.state.gallery.unsaved_images import UnsavedImages
from app.state.models.downloads import Downloads
from app.state.models.library import Library
from app.state.models.models import Models
from app.state.pixels import to_pil
from app.state.recipe.imports import Imports
from app.state.recipe.session import Session
from app.state.runs.branching import Branching
from app.state.runs.comparing import Comparing
from app.state.runs.film import Film
from app.state.runs.history import History
from app.state.runs.queue import Queue
from app.state.runs.queue_list import QueueList
from app.state.runs.reopening import Reopening
from app.state.runs.resumption import Resumption
from app.state.runs.run import Run
from app.state.runs.run_memory import RunMemory
from app.state.runs.showing import Showing
from app.state.runs.steering import Steering
from app.state.runs.submission import Submission
from app.state.runs.timeline_memory import TimelineMemory
from app.state.store.former_files import FormerFiles
from app.state.store.open_session import OpenSession
from app.state.store.store_thread import StoreThread
from app.worker.enlarger import Enlarger
from app.worker.retoucher import Retoucher
from app.worker.worker import Worker
from engine import checkpoint, hub
from engine.checkpoint.hub_cache import cache_folder
from engine.run.cost import cost_of

if TYPE_CHECKING:
    from app.worker.engine_door import Engine
    from engine.record.record import Record
    from engine.schedulers import Description

ENDING = 10_000
"""Milliseconds that the worker's thread has to end. It ends within a fraction of a step, but the
import of torch cannot be cut short."""


class Parts(QObject):
    """engine: the real one, or a scripted stand-in with the same names."""

    unexpected = Signal(str)  # a sentence about an error that nobody has caught

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self._engine = engine
        self._closed = False
        self.schedulers = _schedulers_for_diffusion(engine)
        self._build_store()
        self._build_models()
        self._build_worker()
        self._build_runs()
        self._build_gallery()

    def start(self) -> None:
        """Begin the threads, when all is connected."""
        self.worker.moveToThread(self.worker_thread)
        self.worker_thread.start()
        self.retoucher.moveToThread(self.retoucher_thread)
        self.enlarger.moveToThread(self.retoucher_thread)
        self.retoucher_thread.start()

    def close(self) -> bool:
        """End the run under way and the threads, and keep what waits. Whether the threads have
        ended; may be called again."""
        if not self._closed:
            self._closed = True
            self.unsaved_images.close()
            self.film.close()
            self.downloads.close()
            self.library.close()
            self.gallery.close()
            self.background.close()
            self.resumption.close()  # before the queue is emptied, which is no wish of the person
            self.store.close()
            self.queue.clear()
            self.worker.close()
            self.enlarger.close()
            self.retoucher.close()
            self.worker_thread.quit()
            self.retoucher_thread.quit()
            self.open_session.remove()
        return self.worker_thread.wait(ENDING) and self.retoucher_thread.wait(ENDING)

    def _build_store(self) -> None:
        self.open_session = OpenSession(paths.session_folder())
        self.former_files = FormerFiles(paths.preferences_file(), paths.session_folder())
        self.store = StoreThread(paths.store_file(), self.former_files.rows, self)
        self.preferences = Preferences(self.store, self)
        self.timeline_memory = TimelineMemory(self.preferences, self)
        self.image_folder = ImageFolder(self.preferences, self)
        self.save_folder = SaveFolder(self.preferences)
        self.background = Background(self)

    def _build_models(self) -> None:
        present = [model for model in paths.bundled_models() if model.present]
        bundled = tuple((model.source, model.label) for model in present)
        self.models = Models(self.preferences, bundled, self.background, self)
        self.library = Library(
            self.preferences,
            tuple((model.source, model.label, str(model.folder)) for model in present),
            inspect=checkpoint.inspect,
            scan=checkpoint.scan,
            hub_cache=checkpoint.hub_cache,
            hub_folder=cache_folder,
            verify=checkpoint.verify,
            parent=self,
        )
        self.downloads = Downloads(hub, self)

    def _build_worker(self) -> None:
        self.run_memory = RunMemory(self.timeline_memory.bytes)
        self.worker = Worker(self._engine, self.run_memory)
        self.worker_thread = QThread(self)
        self.retoucher = Retoucher(self.worker)
        self.enlarger = Enlarger(self.worker, self.retoucher)
        self.retoucher_thread = QThread(self)

    def _build_runs(self) -> None:
        names = tuple(scheduler.name for scheduler in self.schedulers)
        self.session = Session(self.preferences, names, self)
        self.queue = Queue(self)
        self.queue_list = QueueList(self.queue, self)
        self.resumption = Resumption(
            self.store,
            self.open_session.number,
            self.open_session.take,
            lambda: self.open_session.crashed,
            self.queue,
            self.background,
            _job_of,
            self,
        )
        self.run = Run(self)
        self.submission = Submission(
            self.queue, self.run, self.worker.standalone, self.library.prediction_type, self
        )
        self.history = History(self.run_memory, self)
        self.steering = Steering(self.session, self.run, self.history, self)
        self.branching = Branching(self.session, self.history, self)
        self.comparing = Comparing(self.session, self)
        self.showing = Showing(self)
        write_film = partial(_write_film, self._engine)
        self.film = Film(self.history, self.worker.filmed, write_film, self)

    def _build_gallery(self) -> None:
        index = paths.cache_folder() / "gallery"
        self.gallery = GalleryModel(self.background, index, _recipe_of, self)
        self.unsaved_images = UnsavedImages(self)
        self.exports = Exports(self.background, self, _convert)
        self.pair = Pair(self.background, _recipe_of, self)
        self.imports = Imports(self.session, self.background, _recipe_of, _recipe_of_text, self)
        self.reopening = Reopening(
            self.history, self.background, _record_of, cost_of, self.models.source_of, self
        )
        self.picture_acts = PictureActs(
            self.showing,
            self.gallery,
            self.exports,
            self.imports,
            self.pair,
            self.reopening,
            self,
        )


def _schedulers_for_diffusion(engine: Engine) -> list[Description]:
    """What the picker offers: the others draw garbage with the kinds of network that are here."""
    every = [engine.schedulers.describe(name) for name in engine.schedulers.names()]
    return [scheduler for scheduler in every if scheduler.network == "diffusion"]


def _write_film(engine: Engine, frames: Iterable[tuple[int, QImage]], **how: object) -> Path:
    return engine.write_film(((number, to_pil(image)) for number, image in frames), **how)


def _recipe_of(path: str) -> Any:
    from engine.record.interchange import programs

    return programs.recipe_of_picture(path)


def _recipe_of_text(text: str) -> Any:
    from engine.record.interchange import programs

    return programs.recipe_of_text(text)


def _record_of(path: str) -> Record:
    from engine.record.record import read_record

    return read_record(path)


def _convert(source: str, target: str) -> Any:
    from engine.record import image_file

    return image_file.convert(source, target)


def _job_of(path: str) -> tuple[str, int]:
    """The job and the seed in the record of an image."""
    record = _record_of(path)
    return record.job, record.request.seed
