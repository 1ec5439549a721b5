"""The composition root: builds every object of the window and connects it, one connection a line.
`safelight` and `python -m app` come here through `app.cli.program`; tests call `build`.

Nothing here imports torch: the window is on the screen before the worker loads the engine.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from PySide6.QtCore import QByteArray, QEvent, QMimeData, QObject, Qt, QThread, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QApplication

import engine as real_engine
from app import paths, theme
from app.i18n import tr
from app.preferences import Preferences
from app.state.background import Background
from app.state.gallery.exports import Exports
from app.state.gallery.gallery import GalleryModel
from app.state.gallery.pair import Pair
from app.state.gallery.picture import Picture
from app.state.gallery.unsaved_images import UnsavedImages
from app.state.models.downloads import Downloads, StartingPoints
from app.state.models.library import Library
from app.state.models.model_card import ModelCard
from app.state.models.models import Models
from app.state.pixels import to_pil
from app.state.recipe import economies, presets
from app.state.recipe.imports import Imports
from app.state.recipe.session import Session
from app.state.runs.branching import Branching
from app.state.runs.comparing import Comparing
from app.state.runs.film import Film
from app.state.runs.history import MEBIBYTE, History
from app.state.runs.plan import Plan
from app.state.runs.queue import Queue
from app.state.runs.queue_list import QueueList
from app.state.runs.reopening import Reopening
from app.state.runs.resumption import Resumption
from app.state.runs.run import Run
from app.state.runs.showing import Showing
from app.state.runs.steering import Steering
from app.state.store.former_files import FormerFiles
from app.state.store.open_session import OpenSession
from app.state.store.store_thread import StoreThread
from app.unfailing import tell_the_person
from app.windows.compare_dialog import CompareDialog
from app.windows.download_dialog import DownloadDialog
from app.windows.film_dialog import FilmDialog
from app.windows.library_dialog import LibraryDialog
from app.windows.main_window import MainWindow, local_files
from app.windows.question_box import QuestionBox
from app.windows.queue_dialog import QueueDialog
from app.worker.enlarger import Enlarger
from app.worker.retoucher import Retoucher
from app.worker.worker import Worker
from engine import checkpoint, hub
from engine.checkpoint.hub_cache import cache_folder
from engine.errors import EngineError
from engine.foreign import is_folder
from engine.request.request import Request
from engine.run.cost import cost_of

TIMELINE_MEMORY = 512
"""Mebibytes for the timeline of the last runs, until the person says otherwise."""

ENDING = 10_000
"""Milliseconds that the worker's thread has to end. It ends within a fraction of a step, but the
import of torch cannot be cut short."""

# The worker is busy while it runs, so what steers it is called from the window's thread.
DIRECT = Qt.ConnectionType.DirectConnection


class Application(QObject):
    """The window with all that stands behind it. `show` opens it and then loads the last model."""

    unexpected = Signal(str)

    def __init__(self, engine: ModuleType | Any) -> None:
        super().__init__()
        schedulers = _schedulers_for_diffusion(engine)
        present = [model for model in paths.bundled_models() if model.present]
        bundled = tuple((model.source, model.label) for model in present)

        self.open_session = OpenSession(paths.session_folder())
        self._former = FormerFiles(paths.preferences_file(), paths.session_folder())
        self.store = StoreThread(paths.store_file(), self._former.rows, self)
        self.preferences = Preferences(self.store, self)
        self.background = Background(self)
        self.session = Session(self.preferences, tuple(s.name for s in schedulers), self)
        self.queue = Queue(self)
        self.queue_list = QueueList(self.queue, self)
        self.resumption = Resumption(
            self.store,
            self.open_session.number,
            self.open_session.take,
            lambda: self.open_session.crashed,
            self.queue,
            self.background,
            partial(_grid_of_values, engine),
            _job_of,
            self,
        )
        self.unsaved_images = UnsavedImages(self)
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
        self.run = Run(self)
        self.history = History(self.timeline_bytes, self)
        self.steering = Steering(self.session, self.run, self.history, self)
        self.branching = Branching(self.session, self.history, self)
        self.comparing = Comparing(self.session, partial(_grid, engine), self)
        self.showing = Showing(self)
        index = paths.cache_folder() / "gallery"
        self.gallery = GalleryModel(self.background, index, _recipe_of, self)
        self.exports = Exports(self.background, self, _convert)
        self.pair = Pair(self.background, _recipe_of, self)
        self.imports = Imports(self.session, self.background, _recipe_of, _recipe_of_text, self)
        self.reopening = Reopening(
            self.history, self.background, _record_of, cost_of, self.models.source_of, self
        )
        self.window = MainWindow()
        self.queue_dialog = QueueDialog(self.window)
        self.compare_dialog = CompareDialog(self.window)
        self.film_dialog = FilmDialog(self.window)
        self.library_dialog = LibraryDialog(self.window)
        self.download_dialog = DownloadDialog(self.window)
        self.worker = Worker(engine)
        self.worker_thread = QThread(self)
        self.retoucher = Retoucher(self.worker)
        self.enlarger = Enlarger(self.worker, self.retoucher)
        self.retoucher_thread = QThread(self)
        self.film = Film(self.history, self.worker.filmed, partial(_write_film, engine), self)
        self._starter = QTimer(self, singleShot=True)
        self._arranged = QTimer(self, singleShot=True, interval=400)
        self._closed = False

        self.window.scheduler.set_schedulers([(s.name, s.label, s.sentence) for s in schedulers])
        self.window.guidance.set_presets(presets.described())
        self._describe_economies(self.session.abilities)
        self.window.gallery.setModel(self.gallery)
        self.queue_dialog.set_plans(self.queue_list)
        self.library_dialog.set_models(self.library.model)
        self.download_dialog.set_starting_points(StartingPoints(self.download_dialog))
        self._connect_recipe()
        self._connect_models()
        self._connect_library()
        self._connect_downloads()
        self._connect_queue()
        self._connect_resumption()
        self._connect_unwritten()
        self._connect_taking()
        self._connect_runs()
        self._connect_steering()
        self._connect_comparing()
        self._connect_pictures()
        self._connect_gallery()
        self._connect_film()
        self._connect_enlarger()
        self._connect_window()
        self._restore()

        self.worker.moveToThread(self.worker_thread)
        self.worker_thread.start()
        self.retoucher.moveToThread(self.retoucher_thread)
        self.enlarger.moveToThread(self.retoucher_thread)
        self.retoucher_thread.start()

    @property
    def timeline_bytes(self) -> int:
        """What the timeline of the last runs may take."""
        return self.preferences.get("timeline_memory", TIMELINE_MEMORY) * MEBIBYTE

    @property
    def image_folder(self) -> str:
        chosen = self.preferences.get("image_folder", "")
        if not chosen or "\0" in chosen:  # no folder has such a name
            return str(paths.image_folder())
        return chosen

    def show(self) -> None:
        self.window.installEventFilter(self)
        self._starter.start(1000)  # for a window that starts minimised and is not painted
        self.window.show()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Load the engine as soon as the window has been painted once."""
        if event.type() == QEvent.Type.Paint:
            self.window.removeEventFilter(self)
            self._starter.start(0)
        return False

    def close(self) -> bool:
        """End the run under way and the worker's thread, and keep the settings. Whether the thread
        has ended; may be called again."""
        if not self._closed:
            self._closed = True
            self._starter.stop()
            self.window.arrangementChanged.disconnect(self._arranged.start)
            self._arranged.stop()
            self._keep_arrangement()
            self.preferences.flush()
            self.window.hide()
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

    def _connect_recipe(self) -> None:
        session, window = self.session, self.window
        window.prompt.promptChanged.connect(session.set_prompt)
        window.prompt.negativePromptChanged.connect(session.set_negative_prompt)
        window.scheduler.schedulerChosen.connect(session.set_scheduler)
        window.steps.valueChanged.connect(session.set_steps)
        window.economy.levelChosen.connect(session.set_economy)
        window.guidance.scaleChanged.connect(session.set_guidance_scale)
        window.guidance.rescaleChanged.connect(session.set_guidance_rescale)
        window.guidance.presetChosen.connect(session.set_preset)
        window.guidance.curveChanged.connect(session.set_curve)
        window.guidance.intervalChanged.connect(session.set_interval)
        window.guidance.openedChanged.connect(self._keep_panel_open)
        window.seed.seedChanged.connect(session.set_seed)
        window.seed.lockChanged.connect(session.set_seed_locked)
        window.seed.diceRequested.connect(session.roll_seed)
        window.size_fields.sizeChanged.connect(session.set_size)
        window.size_fields.countChanged.connect(session.set_count)
        window.class_picker.classChosen.connect(session.set_class_label)
        window.class_picker.diceRequested.connect(session.roll_class)
        window.prompt.generateRequested.connect(session.generate)
        window.run.generateRequested.connect(session.generate)

        session.promptChanged.connect(window.prompt.set_prompt)
        session.promptChanged.connect(self._forget_tokens)
        session.negativePromptChanged.connect(self._forget_negative_cut)
        session.negativePromptChanged.connect(window.prompt.set_negative_prompt)
        session.schedulerChanged.connect(window.scheduler.set_current)
        session.stepsChanged.connect(window.steps.set_value)
        session.stepsChanged.connect(window.guidance.set_steps)
        session.economyChanged.connect(window.economy.set_level)
        session.guidanceChanged.connect(window.guidance.set_scale)
        session.rescaleChanged.connect(window.guidance.set_rescale)
        session.ownRescaleChanged.connect(window.guidance.set_own_rescale)
        session.curveChanged.connect(window.guidance.set_curve)
        session.presetChanged.connect(window.guidance.set_preset)
        session.intervalChanged.connect(window.guidance.set_interval)
        session.seedChanged.connect(window.seed.set_seed)
        session.lockChanged.connect(window.seed.set_locked)
        session.limitsChanged.connect(window.size_fields.set_limits)
        session.sizeChanged.connect(window.size_fields.set_size)
        session.countChanged.connect(window.size_fields.set_count)
        session.extrasChanged.connect(window.scheduler.set_extras)
        window.scheduler.dropRequested.connect(session.drop_extras)
        session.abilitiesChanged.connect(window.set_abilities)
        session.abilitiesChanged.connect(self._describe_economies)
        session.abilitiesChanged.connect(self._offer_axes)
        session.classChanged.connect(window.class_picker.set_class)
        session.refused.connect(window.errors.show_error)
        session.released.connect(self._submit)

    def _connect_models(self) -> None:
        models, window, worker = self.models, self.window, self.worker
        window.models.modelChosen.connect(models.choose)
        window.models.openFolderRequested.connect(self._open_model)
        window.openModelRequested.connect(self._open_model)
        window.openModelFileRequested.connect(self._open_model_file)
        window.forgetRequested.connect(models.forget)
        window.switch.afterwardsChosen.connect(self.queue.load_afterwards)
        window.switch.nowChosen.connect(self.queue.load_now)
        window.switch.keepChosen.connect(self.queue.withdraw)
        self._starter.timeout.connect(models.load_last)
        models.loadRequested.connect(self.queue.submit_load)
        models.loadWithdrawn.connect(self.queue.withdraw)
        self.queue.switchAsked.connect(models.ask)
        self.queue.switchSettled.connect(models.stop_asking)
        self.queue.loadDelayed.connect(models.tell_delay)
        self.queue.stopRequested.connect(worker.cancel, DIRECT)
        self.queue.loadReleased.connect(models.begin)
        self.queue.loadReleased.connect(self._load)
        worker.loading.connect(models.show_loading)
        worker.ready.connect(self.session.adapt)
        worker.ready.connect(models.set_card)
        worker.ready.connect(self._forget_tokens)
        worker.ready.connect(self._forget_negative_cut)
        worker.loadFailed.connect(window.errors.show_error)
        worker.loadFailed.connect(models.fail)

        models.listChanged.connect(window.models.set_models)
        models.currentChanged.connect(window.models.set_current)
        models.forgettableChanged.connect(window.menu.set_forgettable)
        models.questionChanged.connect(window.switch.set_question)
        models.readyChanged.connect(window.run.set_ready)
        models.statusChanged.connect(window.status.set_status)
        models.deviceChanged.connect(window.status.set_device)

    def _connect_library(self) -> None:
        library, dialog = self.library, self.library_dialog
        self.window.libraryRequested.connect(dialog.open_up)
        dialog.opened.connect(library.refresh)
        dialog.filterChanged.connect(library.set_filter)
        dialog.folderAdded.connect(library.add_folder)
        dialog.folderRemoved.connect(library.remove_folder)
        dialog.revealRequested.connect(library.reveal)
        dialog.verifyRequested.connect(library.verify)
        dialog.stopVerifyRequested.connect(library.stop_verifying)
        dialog.predictionTypeChosen.connect(library.set_prediction_type)
        dialog.loadRequested.connect(self.models.choose)
        dialog.downloadRequested.connect(self.download_dialog.open_up)
        library.sourcesChanged.connect(self.models.set_found)
        library.foldersChanged.connect(dialog.set_folders)
        library.scanningChanged.connect(dialog.set_scanning)
        library.verifyingChanged.connect(dialog.set_verifying)
        library.noteChanged.connect(dialog.set_note)
        library.predictionTypeChanged.connect(self._load_again)
        self.worker.ready.connect(self._ask_prediction)
        self._starter.timeout.connect(library.announce)

    def _connect_downloads(self) -> None:
        downloads, dialog = self.downloads, self.download_dialog
        self.window.downloadRequested.connect(dialog.open_up)
        dialog.lookRequested.connect(downloads.look)
        dialog.downloadRequested.connect(downloads.fetch)
        dialog.cancelRequested.connect(downloads.cancel)
        downloads.stateChanged.connect(dialog.set_state)
        downloads.found.connect(dialog.set_found)
        downloads.progressed.connect(dialog.set_progress)
        downloads.done.connect(dialog.show_done)
        downloads.done.connect(self.library.refresh)
        downloads.stopped.connect(dialog.show_stopped)
        downloads.failed.connect(dialog.show_failure)

    def _connect_queue(self) -> None:
        queue, window, worker = self.queue, self.window, self.worker
        queue.planReleased.connect(self._start)
        queue.planReleased.connect(self.steering.release)
        queue.lengthChanged.connect(self._tell_waiting)
        queue.lengthChanged.connect(window.run.set_waiting)
        queue.heldChanged.connect(window.run.set_held)
        window.run.stopRequested.connect(queue.hold)
        window.run.stopRequested.connect(worker.cancel, DIRECT)
        window.run.skipRequested.connect(worker.cancel, DIRECT)
        window.run.finishRequested.connect(worker.finish, DIRECT)
        window.run.goOnRequested.connect(queue.go_on)
        window.run.forgetRequested.connect(queue.forget)
        worker.idle.connect(self.run.end)
        worker.idle.connect(self.history.rest)
        worker.idle.connect(self.steering.rest)
        worker.idle.connect(queue.next)

        plans, dialog = self.queue_list, self.queue_dialog
        window.queueRequested.connect(dialog.open_up)
        window.run.queueRequested.connect(dialog.open_up)
        queue.holdingChanged.connect(dialog.set_held)
        dialog.holdRequested.connect(queue.hold)
        dialog.goOnRequested.connect(queue.go_on)
        dialog.view.moveRequested.connect(queue.move)
        dialog.view.removeRequested.connect(queue.remove)
        dialog.view.againRequested.connect(plans.run_again)
        plans.againAsked.connect(queue.submit)
        worker.started.connect(plans.begin)
        worker.told.connect(plans.tell)
        worker.finished.connect(plans.finish)
        worker.failed.connect(plans.fail)
        worker.refused.connect(plans.refuse)

    def _connect_resumption(self) -> None:
        resumption, window, worker = self.resumption, self.window, self.worker
        resumption.offered.connect(window.resume.set_notice)
        resumption.told.connect(window.note.set_notice)
        resumption.submitted.connect(self._submit_for_their_models)
        window.resume.firstChosen.connect(resumption.go_on)
        window.resume.secondChosen.connect(resumption.forget)
        self.models.currentChanged.connect(resumption.set_source)
        worker.started.connect(resumption.begin)
        worker.told.connect(resumption.tell)
        worker.finished.connect(resumption.finish)
        worker.written.connect(resumption.note_written)

    def _connect_unwritten(self) -> None:
        unsaved, window, worker = self.unsaved_images, self.window, self.worker
        worker.finished.connect(unsaved.add)
        worker.compared.connect(unsaved.add_sheet)
        unsaved.blockedChanged.connect(self.queue.set_blocked)
        unsaved.noticed.connect(window.unsaved.set_notice)
        unsaved.tryAsked.connect(self._write_unsaved)
        worker.stillUnwritten.connect(unsaved.set_left)
        worker.written.connect(self.gallery.saved)
        window.unsaved.firstChosen.connect(unsaved.try_again)
        window.unsaved.secondChosen.connect(self._choose_image_folder)

    def _connect_taking(self) -> None:
        imports, window = self.imports, self.window
        window.filesDropped.connect(self._take_files)
        window.pasteRequested.connect(self._paste)
        window.copySettingsRequested.connect(self._copy_settings_of_shown)
        imports.noticed.connect(window.note.set_notice)
        imports.failed.connect(window.errors.show_error)
        imports.copied.connect(window.status.set_status)
        window.note.firstChosen.connect(self._put_note_away)
        self.reopening.asked.connect(self._submit_for_its_model)
        self.reopening.questioned.connect(self._ask_about_cost)
        self.reopening.failed.connect(window.errors.show_error)

    def _connect_runs(self) -> None:
        run, history, window, worker = self.run, self.history, self.window, self.worker
        window.run.pauseToggled.connect(worker.set_paused, DIRECT)
        window.run.pauseToggled.connect(run.set_paused)
        window.timeline.stepSelected.connect(history.select)
        window.timeline.rowSelected.connect(history.select_run)
        worker.started.connect(self.showing.begin)
        worker.started.connect(run.start)
        worker.started.connect(history.start)
        worker.started.connect(self.comparing.start)
        worker.encoded.connect(run.encoded)
        worker.negativeEncoded.connect(run.negative_encoded)
        worker.planned.connect(window.timeline.set_plan)
        worker.stepped.connect(run.add_step)
        worker.stepped.connect(history.add_step)
        worker.stepped.connect(self.comparing.add_step)
        worker.finished.connect(run.finish)
        worker.finished.connect(self.gallery.add)
        worker.finished.connect(history.finish)
        worker.finished.connect(self.comparing.finish)
        worker.compared.connect(self.gallery.add_sheet)
        worker.cancelled.connect(run.cancel)
        worker.cancelled.connect(history.end)
        worker.cancelled.connect(self.comparing.cancel)
        worker.failed.connect(run.fail)
        worker.failed.connect(history.end)
        worker.failed.connect(self.comparing.fail)
        worker.failed.connect(self._show_failure)
        worker.previewFailed.connect(window.errors.show_error)
        worker.refused.connect(window.errors.show_error)
        worker.refused.connect(self.models.rest)

        history.lineAdded.connect(window.timeline.add_row)
        history.lineRemoved.connect(window.timeline.remove_row)
        history.stepAdded.connect(window.timeline.add_step)
        history.stepPictured.connect(window.timeline.add_step)
        history.marked.connect(window.timeline.add_mark)
        history.selectionChanged.connect(window.timeline.set_selected)
        history.shown.connect(self.gallery.leave)
        history.shown.connect(self.showing.show_step)
        history.titleChanged.connect(window.header.set_title)
        history.memoryChanged.connect(window.status.set_memory)
        history.forgotten.connect(worker.forget, DIRECT)
        run.progressChanged.connect(window.run.set_progress)
        run.runningChanged.connect(window.run.set_running)
        run.pausedChanged.connect(window.run.set_paused)
        run.tokensChanged.connect(window.prompt.set_token_note)
        run.negativeCutChanged.connect(window.prompt.set_negative_note)
        run.statusChanged.connect(window.status.set_status)

    def _connect_steering(self) -> None:
        steering, session, window = self.steering, self.session, self.window
        window.guidance.scaleChanged.connect(steering.move_scale)
        window.guidance.rescaleChanged.connect(steering.move_rescale)
        window.prompt.steerRequested.connect(steering.use_words)
        session.promptChanged.connect(steering.refresh)
        session.negativePromptChanged.connect(steering.refresh)
        steering.steered.connect(self.worker.steer, DIRECT)
        steering.wordsSteerableChanged.connect(window.prompt.set_steerable)
        steering.retouchAsked.connect(self.retoucher.ask, DIRECT)
        self.retoucher.retouched.connect(self.showing.show_retouched)
        self.retoucher.failed.connect(window.errors.show_error)
        self.history.shown.connect(self.retoucher.leave, DIRECT)
        self.worker.idle.connect(self.retoucher.wake, DIRECT)
        window.run.pauseToggled.connect(self.retoucher.wake, DIRECT)
        self.retoucher_thread.finished.connect(self.retoucher.stop, DIRECT)

        self.history.branchableChanged.connect(window.set_can_branch)
        window.branchRequested.connect(self.branching.branch)
        window.vary.varyRequested.connect(self.branching.vary)
        self.branching.asked.connect(self._submit_branch)
        self.branching.refused.connect(window.errors.show_error)

    def _connect_comparing(self) -> None:
        comparing, window = self.comparing, self.window
        window.header.compareToggled.connect(comparing.come_back)
        window.compare.axesChanged.connect(comparing.set_axes)
        window.compare.compareRequested.connect(comparing.compare)
        window.grid.cellActivated.connect(comparing.open)
        comparing.asked.connect(self.queue.submit)
        self.session.stepsChanged.connect(comparing.check)
        comparing.noteChanged.connect(window.compare.set_note)
        comparing.startableChanged.connect(window.compare.set_can_start)
        comparing.labelsChanged.connect(window.grid.set_labels)
        comparing.cellChanged.connect(window.grid.set_cell)
        comparing.cellNoted.connect(window.grid.set_cell_note)
        comparing.shownChanged.connect(window.show_grid)
        comparing.runChosen.connect(self.history.select_run)
        comparing.titleChanged.connect(window.header.set_title)
        comparing.sheetShown.connect(self.showing.show_picture)
        window.timeline.stepSelected.connect(comparing.leave)
        window.timeline.rowSelected.connect(comparing.leave)
        window.gallery.imageActivated.connect(comparing.leave)
        self.worker.compared.connect(comparing.show_sheet)
        self.models.readyChanged.connect(window.header.set_can_compare)

    def _connect_pictures(self) -> None:
        showing, window = self.showing, self.window
        showing.picturesChanged.connect(window.canvas.set_pictures)
        showing.captionChanged.connect(window.canvas.set_caption)
        showing.explained.connect(window.canvas.set_explanation)
        showing.viewChanged.connect(window.canvas.set_view)
        showing.viewChanged.connect(window.header.set_view)
        showing.titleChanged.connect(window.header.set_title)
        showing.savableChanged.connect(window.header.set_can_save)
        window.header.viewChosen.connect(showing.set_view)
        window.header.saveRequested.connect(self._save_shown)
        window.header.copyRequested.connect(self._copy_shown)
        window.canvas.saveRequested.connect(self._save_shown)
        window.canvas.copyRequested.connect(self._copy_shown)
        window.saveRequested.connect(self._save_shown)
        window.copyRequested.connect(self._copy_shown)

    def _connect_gallery(self) -> None:
        window, gallery, exports = self.window, self.gallery, self.exports
        panel, view, pair, showing = window.gallery_panel, window.gallery, self.pair, self.showing
        panel.searchChanged.connect(gallery.set_search)
        panel.modelChosen.connect(gallery.set_model)
        panel.schedulerChosen.connect(gallery.set_scheduler)
        panel.favouritesToggled.connect(gallery.set_favourites_only)
        panel.sinceChosen.connect(gallery.set_since)
        panel.sortChosen.connect(gallery.set_sort)
        panel.undoRequested.connect(gallery.undo_trash)
        view.favouriteRequested.connect(gallery.set_favourite)
        view.noteRequested.connect(gallery.set_note)
        view.trashRequested.connect(gallery.trash)
        view.reuseRequested.connect(self._reuse_row)
        view.reuseSeedRequested.connect(self._reuse_seed_of_row)
        view.copySettingsRequested.connect(self._copy_settings_of_row)
        view.reopenRequested.connect(self._reopen_row)
        view.compareRequested.connect(self._compare_rows)
        gallery.countChanged.connect(panel.set_count)
        gallery.choicesChanged.connect(panel.set_choices)
        gallery.indexingChanged.connect(panel.set_indexing)
        gallery.trashed.connect(panel.set_undo)
        pair.compared.connect(self.compare_dialog.show_pair)
        pair.failed.connect(window.errors.show_error)
        window.gallery.imageActivated.connect(self.history.unfollow)
        window.gallery.imageActivated.connect(self.gallery.open)
        window.gallery.saveRequested.connect(self._save_row)
        window.gallery.copyRequested.connect(self._copy_row)
        window.gallery.revealRequested.connect(self._reveal_row)
        self.gallery.opened.connect(showing.show_picture)
        self.gallery.failed.connect(window.errors.show_error)
        exports.done.connect(window.status.set_status)
        exports.failed.connect(window.errors.show_error)
        exports.workerAsked.connect(self.worker.save, DIRECT)
        self.worker.saved.connect(exports.tell_saved)
        self.worker.saveFailed.connect(window.errors.show_error)

    def _connect_film(self) -> None:
        film, dialog, window = self.film, self.film_dialog, self.window
        self.history.selectionChanged.connect(film.refresh)
        film.availableChanged.connect(window.menu.set_can_film)
        window.filmRequested.connect(film.offer)
        film.offered.connect(self._open_film)
        dialog.exportRequested.connect(film.export)
        dialog.stopRequested.connect(film.stop)
        dialog.revealRequested.connect(film.reveal)
        film.began.connect(dialog.begin)
        film.progressed.connect(dialog.set_progress)
        film.done.connect(dialog.show_done)
        film.stopped.connect(dialog.show_stopped)
        film.failed.connect(dialog.show_failure)

    def _connect_enlarger(self) -> None:
        enlarger, history, run_bar = self.enlarger, self.history, self.window.run
        self.worker.stepped.connect(enlarger.follow, DIRECT)
        self.worker.idle.connect(enlarger.wake, DIRECT)
        run_bar.pauseToggled.connect(enlarger.wake, DIRECT)
        run_bar.finishRequested.connect(enlarger.give_way, DIRECT)
        history.shown.connect(enlarger.look, DIRECT)
        enlarger.enlarged.connect(history.repicture)
        enlarger.failed.connect(self.window.errors.show_error)
        history.repictured.connect(self.showing.repicture)
        history.repictured.connect(self.comparing.repicture)
        self.retoucher_thread.finished.connect(enlarger.stop, DIRECT)

    def _connect_window(self) -> None:
        window = self.window
        window.themeChosen.connect(self._set_theme)
        window.timelineMemoryChosen.connect(self._set_timeline_memory)
        window.imageFolderRequested.connect(self._choose_image_folder)
        window.arrangementChanged.connect(self._arranged.start)
        self._arranged.timeout.connect(self._keep_arrangement)
        window.closing.connect(self.close)
        self.store.troubled.connect(window.errors.show_error)
        self.unexpected.connect(window.errors.show_error)

    def _restore(self) -> None:
        """Bring back what was there when the program was closed."""
        self._set_theme(self.preferences.get("theme", "dark"))
        geometry, panels = self.preferences.get("geometry", ""), self.preferences.get("panels", "")
        self._set_timeline_memory(self.timeline_bytes // MEBIBYTE)
        self.window.guidance.set_opened(self.preferences.get("guidance_opened", False))
        self.window.arrange(_from_text(geometry), _from_text(panels))
        self.session.announce()
        self.models.announce()
        self.gallery.set_folder(self.image_folder)
        self.resumption.start(self.image_folder)
        left = [
            tr(
                "What an earlier Safelight kept in {path} could not be read ({reason}); the file "
                "is left as it is.",
                path=path,
                reason=reason,
            )
            for path, reason in self._former.told
        ]
        if told := " ".join(filter(None, [*left, self.store.warning])):
            self.window.errors.show_error(told)

    def _load(self, source: str) -> None:
        self.worker.load(source, self.library.prediction_type(source))

    def _ask_prediction(self, card: ModelCard) -> None:
        if card.guessed_prediction:
            self.window.errors.show_error(
                tr(
                    "{name} does not tell what it predicts, so v-prediction is assumed. If its "
                    "pictures are noise, choose epsilon in the model library (Ctrl+L).",
                    name=card.name,
                )
            )

    def _load_again(self, source: str) -> None:
        """What a file predicts was said anew: that holds for the model that is loaded, too."""
        if self.models.card and self.models.card.source == source:
            self.queue.submit_load(source)

    def _submit(self, request: Request) -> None:
        self.queue.submit(Plan((request,)))

    def _submit_branch(self, plan: Plan) -> None:
        """A branch of a paused run takes its place at once; its steps stay in the timeline, and it
        can go on from any of them. Of a run that goes on, the branch waits its turn."""
        try:
            plan = self.worker.standalone(plan)
        except EngineError as error:
            self.window.errors.show_error(str(error))
            return
        if self.run.paused:
            self.queue.submit_first(plan)
            self.worker.cancel()
        else:
            self.queue.submit(plan)

    def _submit_for_its_model(self, plan: Plan) -> None:
        self._submit_for_their_models((plan,))

    def _submit_for_their_models(self, plans: tuple[Plan, ...]) -> None:
        """What the last session left, or an image that is opened again, is made with the model that
        it was for, and with what the person said that this one predicts."""
        untold = {plan.source for plan in plans if plan.prediction_type is None} - {""}
        told = {source: self.library.prediction_type(source) for source in untold}
        predicted = {source: kind for source, kind in told.items() if kind is not None}
        self.queue.submit_all(
            tuple(
                replace(plan, prediction_type=predicted[plan.source])
                if plan.source in predicted and plan.prediction_type is None
                else plan
                for plan in plans
            )
        )

    def _write_unsaved(self) -> None:
        self.worker.write_unsaved(self.image_folder)

    def _take_files(self, files: list[str]) -> None:
        """A model is loaded, of an image the settings are taken."""
        path = files[0]
        if is_folder(path) or path.lower().endswith(".safetensors"):
            self.models.choose(path)
        else:
            self.imports.take(path)

    def _paste(self) -> None:
        """Settings that were copied: as text, or as the image file that has them."""
        copied: QMimeData | None = QGuiApplication.clipboard().mimeData()  # Qt: of nothing, null
        files = local_files(copied) if copied else []
        if files:
            self._take_files(files)
        elif copied and copied.hasText():
            self.imports.take_text(copied.text())
        else:
            self.window.errors.show_error(
                tr("There are no settings on the clipboard. Copy their text first.")
            )

    def _copy_settings_of_shown(self) -> None:
        picture = self.showing.picture
        if picture is not None and picture.path:
            self.imports.copy(picture.path)
        else:
            self.window.errors.show_error(
                tr("What is shown has no file with settings. Choose a finished image.")
            )

    def _put_note_away(self) -> None:
        self.window.note.set_notice("")

    def _keep_arrangement(self) -> None:
        geometry, panels = self.window.arrangement()
        self.preferences.set("geometry", _to_text(geometry))
        self.preferences.set("panels", _to_text(panels))

    def _start(self, plan: Plan) -> None:
        self.worker.run(plan, self.image_folder)

    def _tell_waiting(self, waiting: int) -> None:
        if waiting:
            self.window.status.set_status(tr("Waiting for their turn: {count}", count=waiting))

    def _show_failure(self, run: int, message: str) -> None:
        self.window.errors.show_error(message)

    def _describe_economies(self, abilities: frozenset[str]) -> None:
        self.window.economy.set_sentences(economies.described(abilities))

    def _offer_axes(self) -> None:
        self.window.compare.set_fields(self.comparing.fields())
        self.comparing.set_axes(self.window.compare.axes())

    def _set_timeline_memory(self, mebibytes: int) -> None:
        self.preferences.set("timeline_memory", mebibytes)
        self.history.set_budget(mebibytes * MEBIBYTE)
        self.worker.set_timeline_bytes(mebibytes * MEBIBYTE)
        self.window.menu.set_timeline_memory(mebibytes)

    def _keep_panel_open(self, opened: bool) -> None:
        self.preferences.set("guidance_opened", opened)

    def _forget_tokens(self) -> None:
        self.window.prompt.set_token_note("")

    def _forget_negative_cut(self) -> None:
        self.window.prompt.set_negative_note("")

    def _open_model(self) -> None:
        folder = self.window.ask_folder(tr("Open model folder"), str(Path.home()))
        if folder:
            self.models.choose(folder)

    def _open_model_file(self) -> None:
        if path := self.window.ask_model_file(str(Path.home())):
            self.models.choose(path)

    def _choose_image_folder(self) -> None:
        folder = self.window.ask_folder(tr("Image folder"), self.image_folder)
        if folder:
            self.preferences.set("image_folder", folder)
            self.gallery.set_folder(folder)
            self.resumption.set_folder(folder)
            self.unsaved_images.try_again()

    def _set_theme(self, name: str) -> None:
        name = name if name in theme.NAMES else "dark"
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        theme.apply(app, name)
        self.window.menu.set_theme(name)
        self.preferences.set("theme", name)

    def _save_shown(self) -> None:
        self._save(self.showing.picture)

    def _copy_shown(self) -> None:
        if picture := self.showing.picture:
            self.exports.copy(picture)

    def _save_row(self, row: int) -> None:
        self._save(self.gallery.picture(row))

    def _copy_row(self, row: int) -> None:
        if picture := self.gallery.picture(row):
            self.exports.copy(picture)

    def _reveal_row(self, row: int) -> None:
        if picture := self.gallery.picture(row):
            self.exports.reveal(picture)

    def _path_of(self, row: int) -> str:
        """The file of that row; "" and a word about it where there is none."""
        picture = self.gallery.picture(row)
        if picture is not None and not picture.path:
            self.window.errors.show_error(tr("This image has no file yet. Save it first."))
        return picture.path if picture is not None else ""

    def _reuse_row(self, row: int) -> None:
        if path := self._path_of(row):
            self.imports.take(path)

    def _reuse_seed_of_row(self, row: int) -> None:
        if path := self._path_of(row):
            self.imports.take_seed(path)

    def _copy_settings_of_row(self, row: int) -> None:
        if path := self._path_of(row):
            self.imports.copy(path)

    def _reopen_row(self, row: int) -> None:
        if path := self._path_of(row):
            self.window.set_gallery_large(False)
            self.reopening.open(path)

    def _ask_about_cost(self, question: str) -> None:
        words = tr("Make it all the same?"), question, tr("Make it"), tr("Leave it")
        box = QuestionBox(*words, self.window)
        box.answered.connect(self.reopening.answer)
        box.open()

    def _compare_rows(self, left: int, right: int) -> None:
        pictures = self.gallery.picture(left), self.gallery.picture(right)
        if pictures[0] is not None and pictures[1] is not None:
            self.pair.compare(pictures[0], pictures[1])

    def _open_film(self, title: str, steps: int, name: str) -> None:
        folder = self.preferences.get("save_folder", "") or str(Path.home())
        self.film_dialog.open_up(title, steps, str(Path(folder) / name))

    def _save(self, picture: Picture | None) -> None:
        if picture is None:
            return
        folder = self.preferences.get("save_folder", "") or str(Path.home())
        target = self.window.ask_save_path(str(Path(folder) / picture.name))
        if target:
            self.preferences.set("save_folder", str(Path(target).parent))
            self.exports.save(picture, target)


def _schedulers_for_diffusion(engine: ModuleType | Any) -> list[Any]:
    """What the picker offers: the others draw garbage with the kinds of network that are here."""
    every = [engine.schedulers.describe(name) for name in engine.schedulers.names()]
    return [scheduler for scheduler in every if scheduler.network == "diffusion"]


def _grid(engine: ModuleType | Any, axes: tuple[tuple[str, str], ...]) -> Any:
    return engine.Grid(tuple(engine.Axis.parse(name, text) for name, text in axes))


def _grid_of_values(engine: ModuleType | Any, axes: tuple[tuple[str, tuple], ...]) -> Any:
    return engine.Grid(tuple(engine.Axis(name, values) for name, values in axes))


def _write_film(engine: ModuleType | Any, frames: Iterable[tuple[int, QImage]], **how: Any) -> Any:
    return engine.write_film(((number, to_pil(image)) for number, image in frames), **how)


# What reads and writes image files is imported when it is first used, in the background: the window
# is there sooner.


def _recipe_of(path: str) -> Any:
    from engine.record.interchange import programs

    return programs.recipe_of_picture(path)


def _recipe_of_text(text: str) -> Any:
    from engine.record.interchange import programs

    return programs.recipe_of_text(text)


def _record_of(path: str) -> Any:
    from engine.record.record import read_record

    return read_record(path)


def _convert(source: str, target: str) -> Any:
    from engine.record import image_file

    return image_file.convert(source, target)


def _job_of(path: str) -> tuple[str, int]:
    """The job and the seed in the record of an image."""
    record = _record_of(path)
    return record.job, record.request.seed


def build(engine: ModuleType | Any = real_engine) -> Application:
    """The whole application, connected but not yet shown. There must be a QApplication. engine: the
    real one, or a scripted stand-in with the same names."""
    return Application(engine)


def main(argv: Sequence[str] | None = None) -> int:
    """Open the window and return when it is closed. There may be a QApplication already."""
    qt = QApplication.instance() or QApplication([*(sys.argv if argv is None else argv)])
    qt.setApplicationName(paths.NAME)
    qt.setApplicationDisplayName(paths.NAME)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Qt's loop would not let Python see Ctrl+C
    application = build()
    tell_the_person(application.unexpected.emit)
    application.show()
    code = qt.exec()
    if not application.close():
        os._exit(code)  # all is written; a thread that still imports torch cannot be ended
    return code


def _to_text(bytes_: QByteArray) -> str:
    return bytes_.toBase64().toStdString()


def _from_text(text: str) -> QByteArray:
    return QByteArray.fromBase64(text.encode("ascii", "replace"))
