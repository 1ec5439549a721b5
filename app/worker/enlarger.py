"""Enlarger: better pictures of the steps than those that their run can wait for. Built and moved to
the retoucher's thread by the composition root; it asks the worker for its pictures.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QImage

from app.i18n import tr
from app.state.runs.run import RunResult, StepView
from app.worker.retoucher import Retoucher
from app.worker.sentences import GivenUp, sentence_of
from app.worker.shown_steps import SHOWN_EVERY
from app.worker.worker import Worker


class Enlarger(QObject):
    """Makes better pictures of the steps than those that the run itself can wait for, in the thread
    of the retoucher, to which it gives way.

    While a run is under way: of the step that is looked at or else of the newest, as far as the
    previews' share of time goes. While there is none or it is paused: of the step that is looked
    at, and then of all others, the newest first. At most one in `SHOWN_EVERY` seconds.
    """

    enlarged = Signal(int, int, QImage, str)  # run, evaluation, picture, how it was made
    failed = Signal(str)  # once a run

    _asked = Signal()

    def __init__(
        self,
        worker: Worker,
        retoucher: Retoucher,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        super().__init__()
        self._worker = worker
        self._retoucher = retoucher
        self._clock = clock
        self._lock = threading.Lock()
        self._looked: StepView | None = None
        self._newest: StepView | None = None  # that has not been tried
        self._rough: dict[tuple[int, int], StepView] = {}  # oldest first
        self._ending = False  # whether the run is to decode its image
        self._closed = False
        self._failed: set[int] = set()  # runs of which that was told
        self._due = -math.inf
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._work)
        self._asked.connect(self._begin, Qt.ConnectionType.QueuedConnection)

    # From any thread

    def follow(self, step: StepView) -> None:
        """A run has come to that step."""
        with self._lock:
            if step.rough:
                self._rough[step.place] = step
            self._newest = step if step.rough and not step.last else None
            self._ending = step.last
        self._asked.emit()

    def look(self, step: StepView, result: RunResult | None) -> None:
        """That step is looked at, or the image that it stands for."""
        with self._lock:
            self._looked = step if result is None and step.rough else None
        self._asked.emit()

    def give_way(self) -> None:
        """The run is to decode its image: give up the picture that is made now."""
        self._ending = True

    def wake(self) -> None:
        """A run or a load is over, or paused."""
        self._asked.emit()

    def close(self) -> None:
        """Give up what is made now, and make nothing more."""
        self._closed = True

    @property
    def at_rest(self) -> bool:
        """Whether there is nothing to do until something is told."""
        return self._next() is None

    # In its own thread

    @Slot()
    def stop(self) -> None:
        """The thread is about to end, and a timer can only be stopped in it."""
        self._timer.stop()

    @Slot()
    def _begin(self) -> None:
        if not self._timer.isActive() and self._next() is not None:
            self._timer.start(math.ceil(1000 * max(0.0, self._due - self._clock())))

    @Slot()
    def _work(self) -> None:
        step = self._next()
        if step is None or self._clock() < self._due:  # a timer may be early
            self._begin()
            return
        resting, looked_at = self._worker.resting, self._is_looked_at(step)
        self._due = self._clock() + SHOWN_EVERY

        def poll() -> None:
            over = not self._worker.resting if resting else self._ending
            another = resting and self._looked is not None
            late = (looked_at or another) and not self._is_looked_at(step)
            if over or late or self._closed or self._retoucher.waiting:
                raise GivenUp

        made = None
        try:
            made = self._worker.enlarged(*step.place, looked_at, poll)
        except GivenUp:
            pass
        except Exception as error:
            self._settle(step)
            if step.run not in self._failed:
                self._failed.add(step.run)
                self.failed.emit(sentence_of(error, tr("make a better picture of a step")))
        else:
            self._hand_out(step, made, resting)
        if self._worker.resting or made is not None:
            self._begin()

    def _hand_out(self, step: StepView, made: tuple[QImage, str] | None, resting: bool) -> None:
        if made is None:
            self._settle(step)
            return
        better = replace(step, kind=made[1])
        if better.kind != step.kind and not self._closed:
            self.enlarged.emit(*step.place, *made)
        # During a run, what was too dear now may not be so after the next step.
        if resting or not better.rough:
            self._settle(step)
        else:
            self._settle(step, better)

    def _next(self) -> StepView | None:
        """The step to make a picture of now."""
        resting = self._worker.resting
        with self._lock:
            if self._closed:
                return None
            looked = self._looked
            if resting:
                return looked or next(reversed(self._rough.values()), None)
            if self._ending:
                return None
            if looked is not None and looked.kind in ("linear", "") and not looked.last:
                return looked
            return self._newest

    def _is_looked_at(self, step: StepView) -> bool:
        looked = self._looked
        return looked is not None and looked.place == step.place

    def _settle(self, step: StepView, still_rough: StepView | None = None) -> None:
        """That has been tried. still_rough: as it is now, if it can become better."""
        with self._lock:
            if self._newest is not None and self._newest.place == step.place:
                self._newest = None
            if self._is_looked_at(step):
                self._looked = still_rough
            if still_rough is None:
                self._rough.pop(step.place, None)
            elif step.place in self._rough:
                self._rough[step.place] = still_rough
