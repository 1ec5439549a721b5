"""Run: the run that is under way or was the last one, step by step, and which of its steps is
selected. Fed by the worker; the controls, the timeline and the canvas show it.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QImage

from app.i18n import tr
from engine.request import Request

RECENT = 8  # the pace is the mean of that many last steps
NOTE_LENGTH = 120


@dataclass(frozen=True, eq=False)
class StepView:
    """One model evaluation as pictures. index: 0 to total - 1, where a long run leaves some out;
    guidance_scale: None for a model that cannot be guided; seconds: what a step took since the view
    before, with the pictures; predicted: the picture that this step foresees; noisy: the latents as
    they are."""

    index: int
    total: int
    guidance_scale: float | None
    seconds: float
    predicted: QImage
    noisy: QImage


@dataclass(frozen=True, eq=False)
class RunResult:
    """A finished run. number: counts the worker's runs; sheet: all its images in one near-square
    grid, the image itself if it is one; paths: a file for each image, None where it could not be
    written, and then save_error says why."""

    number: int
    request: Request
    images: tuple[QImage, ...]
    sheet: QImage
    paths: tuple[str | None, ...]
    save_error: str


class Run(QObject):
    begun = Signal(int)  # evaluations in all
    stepAdded = Signal(int, QImage, object)  # index, predicted picture, guidance scale or None
    stepSelected = Signal(object)  # StepView
    selectionChanged = Signal(int)
    progressChanged = Signal(int, int, str)
    runningChanged = Signal(bool)
    pausedChanged = Signal(bool)
    tokensChanged = Signal(str)
    statusChanged = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.steps: list[StepView] = []
        self.total = 0
        self.selected = -1
        self.running = False
        self.paused = False
        self._following = True

    @property
    def done(self) -> int:
        """How many evaluations are done, with those that have no view."""
        return self.steps[-1].index + 1 if self.steps else 0

    @property
    def seconds_per_step(self) -> float:
        """The pace of the last steps, 0.0 before there is one."""
        recent = self.steps[-RECENT:]
        return sum(step.seconds for step in recent) / len(recent) if recent else 0.0

    @property
    def seconds_left(self) -> float:
        return self.seconds_per_step * (self.total - self.done)

    @Slot(object)
    def start(self, request: Request) -> None:
        self.running = True
        self._following = True
        self._begin(request.steps)
        self.runningChanged.emit(True)
        self._set_paused(False)
        reading = tr("Reading the prompt")
        self.statusChanged.emit(reading if request.prompt else tr("The image is developing"))

    @Slot(int, str)
    def encoded(self, token_count: int, truncated: str) -> None:
        note = tr("1 token") if token_count == 1 else tr("{count} tokens", count=token_count)
        if truncated:
            cut = " ".join(truncated.split())
            if len(cut) > NOTE_LENGTH:
                cut = cut[: NOTE_LENGTH - 1].rstrip() + "…"
            note = tr("{note}. Too long, so this was not read: {cut}", note=note, cut=cut)
        self.tokensChanged.emit(note)
        self.statusChanged.emit(tr("The image is developing"))

    @Slot(object)
    def add_step(self, step: StepView) -> None:
        if step.total != self.total:  # some schedulers evaluate more often than once a step
            self._begin(step.total)
        self.steps.append(step)
        self.stepAdded.emit(step.index, step.predicted, step.guidance_scale)
        if self._following:
            self._select(step)
        self._tell_progress()

    @Slot(int)
    def select(self, index: int) -> None:
        """Show that step. While the newest is selected, the selection follows the run."""
        position = bisect_left(self.steps, index, key=lambda step: step.index)
        if position < len(self.steps) and self.steps[position].index == index:
            self._following = index == self.steps[-1].index
            self._select(self.steps[position])

    @Slot()
    def unfollow(self) -> None:
        """Something else is being looked at: leave the canvas alone until a step is selected."""
        self._following = False

    @Slot(bool)
    def set_paused(self, paused: bool) -> None:
        if self.running:
            self._set_paused(paused)
            self._tell_progress()
            self.statusChanged.emit(tr("Paused") if paused else tr("The image is developing"))

    @Slot(object)
    def finish(self, result: RunResult) -> None:
        self._end(tr("Finished"))

    @Slot(int)
    def cancel(self, at: int) -> None:
        text = tr("Stopped after {at} of {total} steps", at=at, total=self.total)
        self._end(text)

    @Slot(str)
    def fail(self, message: str) -> None:
        self._end(tr("The run did not succeed"))

    def _begin(self, total: int) -> None:
        self.steps = []
        self.total = total
        self.selected = -1
        self.begun.emit(total)
        self.progressChanged.emit(0, total, "")

    def _select(self, step: StepView) -> None:
        self.selected = step.index
        self.selectionChanged.emit(step.index)
        self.stepSelected.emit(step)

    def _set_paused(self, paused: bool) -> None:
        self.paused = paused
        self.pausedChanged.emit(paused)

    def _tell_progress(self) -> None:
        done = self.done
        text = tr("{done} of {total}", done=done, total=self.total)
        if self.paused:
            text = tr("{progress} · paused", progress=text)
        elif done:
            pace = _duration(self.seconds_per_step)
            text = tr("{progress} · {pace} a step", progress=text, pace=pace)
            if done < self.total:
                left = _duration(self.seconds_left)
                text = tr("{progress} · {left} left", progress=text, left=left)
        self.progressChanged.emit(done, self.total, text)

    def _end(self, status: str) -> None:
        self.running = False
        self._set_paused(False)
        self.runningChanged.emit(False)
        self.statusChanged.emit(status)


def _duration(seconds: float) -> str:
    """Seconds as people read them: 0.07 s, 4.2 s, 38 s, 3 min 20 s, 1 h 05 min."""
    if seconds < 0.995:
        return tr("{seconds} s", seconds=f"{seconds:.2f}")
    if seconds < 9.95:
        return tr("{seconds} s", seconds=f"{seconds:.1f}")
    whole = round(seconds)
    if whole < 60:
        return tr("{seconds} s", seconds=whole)
    if whole < 3600:
        return tr("{minutes} min {seconds} s", minutes=whole // 60, seconds=f"{whole % 60:02d}")
    return tr("{hours} h {minutes} min", hours=whole // 3600, minutes=f"{whole % 3600 // 60:02d}")
