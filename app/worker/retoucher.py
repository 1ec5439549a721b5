"""Retoucher: the step that is looked at under another guidance, while a person moves the slider.
Built and moved to its thread by the composition root; it asks the worker for its pictures.
"""

from __future__ import annotations

import threading

from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtGui import QImage

from app.i18n import tr
from app.state.runs.run import RunResult, StepView
from app.worker.sentences import GivenUp, sentence_of
from app.worker.worker import Worker

RESTED = 250
"""Milliseconds without a new wish after which a slider is held to be where it was wanted."""

ROUGH = ("linear", "tiny")
"""How a picture was made of which the VAE makes a better one."""


class Retoucher(QObject):
    """Shows a step under another guidance while a person moves the slider, in a thread of its own:
    the worker may be paused, or in the middle of an evaluation. The latest wish wins. Once the
    slider rests, and no run is under way or it is paused, the picture comes in full."""

    retouched = Signal(int, int, float, QImage, str)  # run, evaluation, scale; how it was made
    failed = Signal(str)

    _asked = Signal()

    def __init__(self, worker: Worker) -> None:
        super().__init__()
        self._worker = worker
        self._wish: tuple[int, int, float, float] | None = None
        self._rough: tuple[int, int, float, float] | None = None  # that is shown, but not in full
        self._closed = False
        self._lock = threading.Lock()
        self._rest = QTimer(self, singleShot=True, interval=RESTED)
        self._rest.timeout.connect(self._refine)
        self._asked.connect(self._work)

    # From any thread

    @property
    def waiting(self) -> bool:
        """Whether there is a wish that is not done as well as it can be now."""
        return self._wish is not None or (self._rough is not None and self._worker.resting)

    def ask(self, run: int, index: int, scale: float, rescale: float) -> None:
        """What evaluation `index` of that run predicts under this guidance."""
        with self._lock:
            waiting, self._wish = self._wish, (run, index, scale, rescale)
            self._rough = None
        if waiting is None:
            self._asked.emit()

    def leave(self, step: StepView, result: RunResult | None) -> None:
        """Something else is looked at: what is not made yet is not wanted any more."""
        with self._lock:
            self._rough = None

    def wake(self) -> None:
        """A run or a load is over, or paused."""
        self._asked.emit()

    def close(self) -> None:
        """Give up what is made now, and make nothing more in full."""
        self._closed = True

    # In its own thread

    @Slot()
    def stop(self) -> None:
        """The thread is about to end, and a timer can only be stopped in it."""
        self._rest.stop()

    @Slot()
    def _work(self) -> None:
        with self._lock:
            wish, self._wish = self._wish, None
        if wish is None:
            self._await_rest()
            return
        try:
            made = self._worker.retouched(*wish)
        except Exception as error:
            self.failed.emit(sentence_of(error, tr("show this step under another guidance")))
        else:
            if made is not None:
                self.retouched.emit(*wish[:3], *made)
                with self._lock:
                    self._rough = wish if self._wish is None and made[1] in ROUGH else None
                self._await_rest()

    def _await_rest(self) -> None:
        if self._rough is not None and not self._closed:
            self._rest.start()

    @Slot()
    def _refine(self) -> None:
        wish = self._rough
        if wish is None or self._closed or not self._worker.resting:
            return

        def poll() -> None:
            if self._closed or self._rough is not wish or not self._worker.resting:
                raise GivenUp

        made = None
        try:
            made = self._worker.retouched(*wish, in_full=poll)
        except GivenUp:
            return  # where it is still wanted, it comes when the run rests again
        except Exception as error:
            self.failed.emit(sentence_of(error, tr("show this step under another guidance")))
        with self._lock:
            is_wanted, self._rough = (
                self._rough is wish,
                None if self._rough is wish else self._rough,
            )
        if made is not None and is_wanted:
            self.retouched.emit(*wish[:3], *made)
