"""Run: how far the runs under way have come, in numbers and words. Fed by the worker; the controls
and the status line show it. What was made of them is in `app.state.runs.history`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QImage

from app.i18n import tr
from app.state.gallery.picture import Picture
from app.state.runs.plan import Begun
from engine.request.request import Edit, Request

RECENT = 8  # the pace is the mean of that many last steps
NOTE_LENGTH = 120


@dataclass(frozen=True, eq=False)
class StepView:
    """One model evaluation as pictures. run: its number; index: 0 to total - 1, where a long run
    leaves some out; guidance_scale: None for a model that cannot be guided; seconds: what a step
    took since the view before, with the pictures; predicted: the picture that this step foresees;
    noisy: the latents as they are; kind: how `predicted` was made, see `engine.Preview`, "" where
    that did not succeed; edits: what was changed since the view before; retouched: the guidance
    scale that `predicted` was made with afterwards.
    """

    run: int
    index: int
    total: int
    guidance_scale: float | None
    seconds: float
    predicted: QImage
    noisy: QImage
    kind: str = "image"
    edits: tuple[Edit, ...] = ()
    retouched: float | None = None

    @property
    def place(self) -> tuple[int, int]:
        return self.run, self.index

    @property
    def last(self) -> bool:
        return self.index == self.total - 1

    @property
    def rough(self) -> bool:
        """Whether a better picture of it can be made."""
        return self.kind not in ("vae", "image")


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


@dataclass(frozen=True, eq=False)
class SheetResult:
    """The labelled picture of a comparison, and why it could not be written, if so."""

    picture: Picture
    save_error: str


@dataclass
class _Progress:
    """first: a run's first evaluation; done: how far it is, counted from 0; total: of the run."""

    first: int
    done: int
    total: int
    over: bool = False


class Run(QObject):
    progressChanged = Signal(int, int, str)
    runningChanged = Signal(bool)
    pausedChanged = Signal(bool)
    tokensChanged = Signal(str)
    negativeCutChanged = Signal(str)  # a sentence, "" where all was read
    statusChanged = Signal(str)
    failed = Signal(str)  # why

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.running = False
        self.paused = False
        self._runs: dict[int, _Progress] = {}
        self._recent: deque[float] = deque(maxlen=RECENT)
        self._outcome = ""

    @property
    def numbers(self) -> tuple[int, ...]:
        """The runs under way, or those that were last."""
        return tuple(self._runs)

    @property
    def done(self) -> int:
        """How many evaluations are done, with those that have no view, and with those that a branch
        has from its parent."""
        return sum(run.done for run in self._runs.values())

    @property
    def total(self) -> int:
        return sum(run.total for run in self._runs.values())

    @property
    def seconds_per_step(self) -> float:
        """The pace of the last steps, 0.0 before there is one."""
        return sum(self._recent) / len(self._recent) if self._recent else 0.0

    @property
    def seconds_left(self) -> float:
        left = sum(run.total - run.done for run in self._runs.values() if not run.over)
        return self.seconds_per_step * left

    @Slot(object)
    def start(self, begun: Begun) -> None:
        self.running = True
        self._runs = {
            run.number: _Progress(run.first, run.first, max(run.request.steps, run.first))
            for run in begun.runs
        }
        self._recent.clear()
        self._outcome = ""
        self.runningChanged.emit(True)
        self._set_paused(False)
        self._tell_progress()
        prompt = begun.runs[0].request.prompt
        self.statusChanged.emit(tr("Reading the prompt") if prompt else self._developing)

    @Slot(int, int, str)
    def encoded(self, run: int, token_count: int, truncated: str) -> None:
        note = tr("1 token") if token_count == 1 else tr("{count} tokens", count=token_count)
        if truncated:
            cut = _shortened(truncated)
            note = tr("{note}. Too long, so this was not read: {cut}", note=note, cut=cut)
        self.tokensChanged.emit(note)
        self.statusChanged.emit(self._developing)

    @Slot(int, str)
    def negative_encoded(self, run: int, truncated: str) -> None:
        cut = _shortened(truncated)
        note = tr("Too long, so this was not read: {cut}", cut=cut) if cut else ""
        self.negativeCutChanged.emit(note)

    @Slot()
    def forget_tokens(self) -> None:
        """The prompt has changed, or the model: what was told of it holds no more."""
        self.tokensChanged.emit("")

    @Slot()
    def forget_negative_cut(self) -> None:
        """The same of the negative prompt."""
        self.negativeCutChanged.emit("")

    @Slot(object)
    def add_step(self, step: StepView) -> None:
        run = self._runs[step.run]
        run.done, run.total = step.index + 1, step.total
        self._recent.append(step.seconds)
        self._tell_progress()

    @Slot(bool)
    def set_paused(self, paused: bool) -> None:
        if self.running:
            self._set_paused(paused)
            self._tell_progress()
            self.statusChanged.emit(tr("Paused") if paused else self._developing)

    @Slot(object)
    def finish(self, result: RunResult) -> None:
        run = self._runs[result.number]
        self._outcome = (
            tr("Finished")
            if run.done >= run.total
            else tr("Finished after {at} of {total} steps", at=run.done, total=run.total)
        )
        run.over = True

    @Slot(int, int)
    def cancel(self, number: int, at: int) -> None:
        run = self._runs[number]
        self._outcome = tr("Stopped after {at} of {total} steps", at=at, total=run.total)
        run.over = True

    @Slot(int, str)
    def fail(self, number: int, message: str) -> None:
        self._outcome = tr("The run did not succeed")
        self._runs[number].over = True
        self.failed.emit(message)

    @Slot()
    def end(self) -> None:
        """All that was begun together is over."""
        if self.running:
            self.running = False
            self._set_paused(False)
            self.runningChanged.emit(False)
            self.statusChanged.emit(self._outcome)

    @property
    def _developing(self) -> str:
        if len(self._runs) > 1:
            return tr("{count} images are developing", count=len(self._runs))
        return tr("The image is developing")

    def _set_paused(self, paused: bool) -> None:
        self.paused = paused
        self.pausedChanged.emit(paused)

    def _tell_progress(self) -> None:
        done, total = self.done, self.total
        text = tr("{done} of {total}", done=done, total=total) if self._recent else ""
        if self.paused:
            text = tr("{progress} · paused", progress=text) if text else tr("paused")
        elif self._recent:
            pace = _duration(self.seconds_per_step)
            text = tr("{progress} · {pace} a step", progress=text, pace=pace)
            if done < total:
                left = _duration(self.seconds_left)
                text = tr("{progress} · {left} left", progress=text, left=left)
        self.progressChanged.emit(done, total, text)


def _shortened(cut: str) -> str:
    """Words that were not read, for a line."""
    line = " ".join(cut.split())
    return line if len(line) <= NOTE_LENGTH else line[: NOTE_LENGTH - 1].rstrip() + "…"


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
