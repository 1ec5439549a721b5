"""The composition root: builds every object of the window and connects it, one connection a line.
`safelight` and `python -m app` come here through `app.cli`; tests call `build`.

Nothing here imports torch: the window is on the screen before the worker loads the engine.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

from PySide6.QtCore import QByteArray, QEvent, QObject, Qt, QThread, QTimer, Signal
from PySide6.QtWidgets import QApplication

import engine as real_engine
from app import paths, theme
from app.i18n import tr
from app.preferences import Preferences
from app.state.background import Background
from app.state.exports import Exports
from app.state.gallery import GalleryModel
from app.state.models import Models
from app.state.picture import Picture
from app.state.queue import Queue
from app.state.run import Run
from app.state.session import Session
from app.state.showing import Showing
from app.windows.main_window import MainWindow
from app.worker import Worker
from engine.request import Request

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
        bundled = tuple((m.source, m.label) for m in paths.bundled_models() if m.present)

        self.preferences = Preferences(paths.preferences_file(), self)
        self.background = Background(self)
        self.session = Session(self.preferences, tuple(s.name for s in schedulers), self)
        self.queue = Queue(self)
        self.models = Models(self.preferences, bundled, self.background, self)
        self.run = Run(self)
        self.showing = Showing(self)
        self.gallery = GalleryModel(self.background, self)
        self.exports = Exports(self.background, self)
        self.window = MainWindow()
        self.worker = Worker(engine)
        self.worker_thread = QThread(self)
        self._starter = QTimer(self, singleShot=True)
        self._closed = False

        self.window.scheduler.set_schedulers([(s.name, s.label, s.sentence) for s in schedulers])
        self.window.gallery.setModel(self.gallery)
        self._connect_recipe()
        self._connect_models()
        self._connect_runs()
        self._connect_pictures()
        self._connect_window()
        self._restore()

        self.worker.moveToThread(self.worker_thread)
        self.worker_thread.start()

    @property
    def image_folder(self) -> str:
        return self.preferences.get("image_folder", "") or str(paths.image_folder())

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
            geometry, panels = self.window.arrangement()
            self.preferences.set("geometry", _to_text(geometry))
            self.preferences.set("panels", _to_text(panels))
            self.preferences.flush()
            self.window.hide()
            self.queue.clear()
            self.worker.close()
            self.background.close()
            self.worker_thread.quit()
        return self.worker_thread.wait(ENDING)

    def _connect_recipe(self) -> None:
        session, window = self.session, self.window
        window.prompt.promptChanged.connect(session.set_prompt)
        window.prompt.negativePromptChanged.connect(session.set_negative_prompt)
        window.scheduler.schedulerChosen.connect(session.set_scheduler)
        window.steps.valueChanged.connect(session.set_steps)
        window.guidance.valueChanged.connect(session.set_guidance_scale)
        window.guidance.valueChanged.connect(self.worker.set_guidance_scale, DIRECT)
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
        session.negativePromptChanged.connect(window.prompt.set_negative_prompt)
        session.schedulerChanged.connect(window.scheduler.set_current)
        session.stepsChanged.connect(window.steps.set_value)
        session.guidanceChanged.connect(window.guidance.set_value)
        session.seedChanged.connect(window.seed.set_seed)
        session.lockChanged.connect(window.seed.set_locked)
        session.limitsChanged.connect(window.size_fields.set_limits)
        session.sizeChanged.connect(window.size_fields.set_size)
        session.countChanged.connect(window.size_fields.set_count)
        session.conditionsChanged.connect(window.set_conditions)
        session.classChanged.connect(window.class_picker.set_class)
        session.refused.connect(window.errors.show_error)
        session.released.connect(self.queue.submit)

    def _connect_models(self) -> None:
        models, window, worker = self.models, self.window, self.worker
        window.models.modelChosen.connect(models.choose)
        window.models.openFolderRequested.connect(self._open_model)
        window.openModelRequested.connect(self._open_model)
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
        self.queue.loadReleased.connect(worker.load, DIRECT)
        worker.loading.connect(models.show_loading)
        worker.ready.connect(self.session.adapt)
        worker.ready.connect(models.set_card)
        worker.ready.connect(self._forget_tokens)
        worker.ready.connect(self.queue.next)
        worker.loadFailed.connect(window.errors.show_error)
        worker.loadFailed.connect(models.fail)
        worker.loadFailed.connect(self.queue.next)

        models.listChanged.connect(window.models.set_models)
        models.currentChanged.connect(window.models.set_current)
        models.forgettableChanged.connect(window.menu.set_forgettable)
        models.questionChanged.connect(window.switch.set_question)
        models.readyChanged.connect(window.run.set_ready)
        models.statusChanged.connect(window.status.set_status)
        models.deviceChanged.connect(window.status.set_device)

    def _connect_runs(self) -> None:
        run, window, worker = self.run, self.window, self.worker
        self.queue.requestReleased.connect(self._start_run)
        self.queue.lengthChanged.connect(self._tell_waiting)
        window.run.pauseToggled.connect(worker.set_paused, DIRECT)
        window.run.pauseToggled.connect(run.set_paused)
        window.run.stopRequested.connect(worker.cancel, DIRECT)
        window.timeline.stepSelected.connect(run.select)
        worker.started.connect(run.start)
        worker.encoded.connect(run.encoded)
        worker.stepped.connect(run.add_step)
        worker.finished.connect(run.finish)
        worker.finished.connect(self.gallery.add)
        worker.finished.connect(self.showing.show_result)
        worker.finished.connect(self._tell_save_error)
        worker.finished.connect(self.queue.next)
        worker.cancelled.connect(run.cancel)
        worker.cancelled.connect(self.queue.next)
        worker.failed.connect(run.fail)
        worker.failed.connect(window.errors.show_error)
        worker.failed.connect(self.queue.next)

        run.begun.connect(window.timeline.start_run)
        run.begun.connect(self.showing.begin)
        run.stepAdded.connect(window.timeline.add_step)
        run.selectionChanged.connect(window.timeline.set_selected)
        run.stepSelected.connect(self.showing.show_step)
        run.progressChanged.connect(window.run.set_progress)
        run.runningChanged.connect(window.run.set_running)
        run.pausedChanged.connect(window.run.set_paused)
        run.tokensChanged.connect(window.prompt.set_token_note)
        run.statusChanged.connect(window.status.set_status)

    def _connect_pictures(self) -> None:
        showing, window, exports = self.showing, self.window, self.exports
        showing.picturesChanged.connect(window.canvas.set_pictures)
        showing.captionChanged.connect(window.canvas.set_caption)
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

        window.gallery.imageActivated.connect(self.run.unfollow)
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

    def _connect_window(self) -> None:
        window = self.window
        window.themeChosen.connect(self._set_theme)
        window.imageFolderRequested.connect(self._choose_image_folder)
        window.closing.connect(self.close)
        self.preferences.troubled.connect(window.errors.show_error)
        self.unexpected.connect(window.errors.show_error)

    def _restore(self) -> None:
        """Bring back what was there when the program was closed."""
        self._set_theme(self.preferences.get("theme", "dark"))
        geometry, panels = self.preferences.get("geometry", ""), self.preferences.get("panels", "")
        self.window.arrange(_from_text(geometry), _from_text(panels))
        self.session.announce()
        self.models.announce()
        self.gallery.set_folder(self.image_folder)
        if self.preferences.warning:
            self.window.errors.show_error(self.preferences.warning)

    def _start_run(self, request: Request) -> None:
        self.worker.run(self.models.suited(request), self.image_folder)

    def _tell_waiting(self, waiting: int) -> None:
        if waiting:
            self.window.status.set_status(tr("Waiting for their turn: {count}", count=waiting))

    def _tell_save_error(self, result: Any) -> None:
        if result.save_error:
            self.window.errors.show_error(result.save_error)

    def _forget_tokens(self) -> None:
        self.window.prompt.set_token_note("")

    def _open_model(self) -> None:
        folder = self.window.ask_folder(tr("Open model folder"), str(Path.home()))
        if folder:
            self.models.choose(folder)

    def _choose_image_folder(self) -> None:
        folder = self.window.ask_folder(tr("Image folder"), self.image_folder)
        if folder:
            self.preferences.set("image_folder", folder)
            self.gallery.set_folder(folder)

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


def build(engine: ModuleType | Any = real_engine) -> Application:
    """The whole application, connected but not yet shown. There must be a QApplication. engine: the
    real one, or a scripted stand-in with the same names."""
    return Application(engine)


def main(argv: Sequence[str] | None = None) -> int:
    """Open the window and return when it is closed."""
    qt = QApplication(list(sys.argv if argv is None else argv))
    qt.setApplicationName(paths.NAME)
    qt.setApplicationDisplayName(paths.NAME)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Qt's loop would not let Python see Ctrl+C
    application = build()

    def report(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        sys.__excepthook__(kind, error, trace)
        application.unexpected.emit(
            tr(
                "Something unexpected happened ({kind}: {reason}). You can go on.",
                kind=kind.__name__,
                reason=error,
            )
        )

    sys.excepthook = report
    application.show()
    code = qt.exec()
    if not application.close():
        os._exit(code)  # all is written; a thread that still imports torch cannot be ended
    return code


def _to_text(bytes_: QByteArray) -> str:
    return bytes_.toBase64().toStdString()


def _from_text(text: str) -> QByteArray:
    return QByteArray.fromBase64(text.encode("ascii", "replace"))
