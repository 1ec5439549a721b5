"""Worker: the one file where threads meet. It lives on a QThread, pulls the engine there, and tells
the window in plain values and finished QImages. Built and moved by `app.main`.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtGui import QImage, QPainter

from app import paths
from app.i18n import tr
from app.state.run import RunResult, StepView
from app.state.session import ModelCard
from engine.errors import EngineError
from engine.events import Cancelled, Encoded, Finished, Step
from engine.request import Request

STEPS_BYTES = 512 * 2**20
"""What the pictures of one run's steps may take; a long run of large images keeps smaller ones."""

EVERY_STEP = 100
"""A run of up to so many steps shows them all, however quick they are."""

SHOWN_EVERY = 1 / 30
"""Seconds from one step that is shown to the next in a longer run: a person sees no more, and the
window has time for other things."""

log = logging.getLogger("safelight")


class _Closing(Exception):
    """Unwinds a load when the program ends."""


class Worker(QObject):
    """`load`, `run` and `save` are called from any thread and return at once; the work is done in
    the worker's own thread, in the order of asking. `set_paused`, `set_guidance_scale`, `cancel`
    and `close` act on the run under way at once, also on one that is asked for but not yet begun.

    After `run`: one started, then encoded and stepped, then one of finished, cancelled or failed.
    After `load`: loading, then ready or loadFailed. No error ends the worker.
    """

    loading = Signal(str, float)  # what is being done, fraction 0 to 1
    ready = Signal(object)  # ModelCard
    loadFailed = Signal(str)
    started = Signal(object)  # Request
    encoded = Signal(int, str)  # token count, text that did not fit
    stepped = Signal(object)  # StepView
    finished = Signal(object)  # RunResult
    cancelled = Signal(int)  # evaluations done
    failed = Signal(str)
    saved = Signal(str)  # path
    saveFailed = Signal(str)

    _load_asked = Signal(str)
    _run_asked = Signal(object, str, object)
    _save_asked = Signal(int, int, str)

    def __init__(self, engine: ModuleType | Any) -> None:
        super().__init__()
        self._engine = engine
        self._pipeline: Any = None
        self._control: Any = None
        self._control_lock = threading.Lock()
        self._closing = False
        self._number = 0
        self._unsaved: dict[tuple[int, int], tuple[Any, Any]] = {}  # image, record
        self._load_asked.connect(self._load)
        self._run_asked.connect(self._run)
        self._save_asked.connect(self._save)

    # From any thread

    def load(self, source: str) -> None:
        """Load that model; the former one stays until the new one is there."""
        self._load_asked.emit(source)

    def run(self, request: Request, folder: str) -> None:
        """Make the request's images and write them into `folder`."""
        control = self._engine.Control()
        with self._control_lock:
            self._control = control
            if self._closing:
                control.cancel()
        self._run_asked.emit(request, folder, control)

    def save(self, run: int, index: int, path: str) -> None:
        """Write an image that could not be written when its run finished."""
        self._save_asked.emit(run, index, path)

    def set_paused(self, paused: bool) -> None:
        if paused:
            self.pause()
        else:
            self.resume()

    def pause(self) -> None:
        self._steer(lambda control: control.pause())

    def resume(self) -> None:
        self._steer(lambda control: control.resume())

    def cancel(self) -> None:
        self._steer(lambda control: control.cancel())

    def set_guidance_scale(self, scale: float) -> None:
        self._steer(lambda control: control.set_guidance_scale(scale))

    def close(self) -> None:
        """Cancel what is under way and refuse what comes; the thread can be ended after it."""
        with self._control_lock:
            self._closing = True
        self.cancel()

    def _steer(self, act: Any) -> None:
        with self._control_lock:
            if self._control is not None:
                act(self._control)

    # In the worker's thread

    @Slot(str)
    def _load(self, source: str) -> None:
        try:
            self._report_loading(0.0, tr("the engine"))
            with _collector_at_rest():
                pipeline = self._engine.load(source, progress=self._report_loading)
        except _Closing:
            self.loadFailed.emit(tr("Loading was given up."))
        except Exception as error:
            self.loadFailed.emit(_sentence(error, tr("load the model")))
        else:
            former, self._pipeline = self._pipeline, pipeline
            if former is not None:
                former.close()
            self.ready.emit(_card(source, pipeline))

    def _report_loading(self, fraction: float, text: str) -> None:
        if self._closing:
            raise _Closing
        self.loading.emit(tr("Loading: {part}", part=text), fraction)

    @Slot(object, str, object)
    def _run(self, request: Request, folder: str, control: Any) -> None:
        self.started.emit(request)
        try:
            if self._pipeline is None:
                raise EngineError(tr("No model is loaded. Choose one first."))
            events = self._engine.generate(self._pipeline, request, control)
            rhythm = _Rhythm()
            with contextlib.closing(events):
                for event in events:
                    self._report(event, request, Path(folder), rhythm)
        except Exception as error:
            self.failed.emit(_sentence(error, tr("make the image")))
        finally:
            with self._control_lock:
                if self._control is control:
                    self._control = None

    def _report(self, event: Any, request: Request, folder: Path, rhythm: _Rhythm) -> None:
        match event:
            case Encoded():
                self.encoded.emit(event.token_count, event.truncated)
            case Step():
                if rhythm.shows(event):
                    self.stepped.emit(self._view(event, rhythm))
            case Cancelled():
                self.cancelled.emit(event.at)
            case Finished():
                self.finished.emit(self._result(event, request, folder))

    def _view(self, step: Step, rhythm: _Rhythm) -> StepView:
        begun = time.perf_counter()
        snapshot = step.snapshot
        predicted = self._engine.preview(self._pipeline, snapshot.denoised)
        noisy = self._engine.preview(
            self._pipeline, snapshot.latents * snapshot.input_scale, kind="linear"
        )
        return StepView(
            index=step.index,
            total=step.total,
            guidance_scale=step.guidance_scale if self._pipeline.takes_prompt else None,
            seconds=rhythm.seconds_a_step(time.perf_counter() - begun),
            predicted=_kept(_from_array(predicted), step.total),
            noisy=_kept(_from_array(noisy), step.total),
        )

    def _result(self, event: Finished, request: Request, folder: Path) -> RunResult:
        self._number += 1
        written, save_error = [], ""
        for index, image in enumerate(event.images):
            path, problem = self._write(image, event.record, index, folder, request.seed + index)
            if path is None:
                self._unsaved[self._number, index] = (image, event.record)
            written.append(path)
            save_error = save_error or problem
        images = tuple(_from_pil(image) for image in event.images)
        return RunResult(self._number, request, images, _sheet(images), tuple(written), save_error)

    def _write(
        self, image: Any, record: Any, index: int, folder: Path, seed: int
    ) -> tuple[str | None, str]:
        """The path of the written file and no problem, or no path and why."""
        try:
            with paths.new_image(folder, seed) as path:
                self._engine.save(image, path, record, index)
        except Exception as error:
            reason = _sentence(error, tr("save the image"))
            return None, tr("{reason} It is in the gallery: save it elsewhere.", reason=reason)
        return str(path), ""

    @Slot(int, int, str)
    def _save(self, run: int, index: int, path: str) -> None:
        try:
            image, record = self._unsaved[run, index]
            self._engine.save(image, path, record, index)
        except Exception as error:
            self.saveFailed.emit(_sentence(error, tr("save the image")))
        else:
            self.saved.emit(path)


class _Rhythm:
    """Which steps of one run are shown: all of a short one; of a longer one the first, the last,
    and as many between them as there is time for."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._shown = -math.inf
        self._seconds: list[float] = []  # of the evaluations since the last step that was shown

    def shows(self, step: Step) -> bool:
        self._seconds.append(step.seconds)
        now = self._clock()
        due = now - self._shown >= SHOWN_EVERY
        if step.total <= EVERY_STEP or step.index == step.total - 1 or due:
            self._shown = now
            return True
        return False

    def seconds_a_step(self, pictures: float) -> float:
        """The mean since the last step that was shown, with the seconds that pictures took."""
        mean = (sum(self._seconds) + pictures) / len(self._seconds)
        self._seconds.clear()
        return mean


@contextlib.contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Importing torch and transformers makes some million objects, and a collection over them
    stops the window for a third of a second, again and again. So none runs meanwhile, and what the
    first load has imported is left out of all later ones."""
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():
            gc.freeze()
        gc.enable()


def _card(source: str, pipeline: Any) -> ModelCard:
    return ModelCard(
        source=source,
        name=pipeline.name,
        family=pipeline.family,
        device=str(pipeline.device),
        dtype=str(pipeline.dtype),
        multiple=pipeline.sizes.multiple,
        minimum=pipeline.sizes.minimum,
        maximum=pipeline.sizes.maximum,
        default_request=pipeline.default_request,
        takes_prompt=pipeline.takes_prompt,
        classes=pipeline.classes,
    )


def _sentence(error: Exception, task: str) -> str:
    """What to tell the person. Errors of the engine are sentences already."""
    if isinstance(error, EngineError):
        return str(error)
    if isinstance(error, MemoryError):
        return tr(
            "There was too little memory to {task}. Close other programs, or take a smaller size "
            "or fewer images at once.",
            task=task,
        )
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        return tr(
            "It was not possible to {task} ({reason}).",
            task=task,
            reason=f"{place}{error.strerror or error}",
        )
    log.error("could not %s", task, exc_info=error)
    return tr(
        "Something unexpected happened while trying to {task} ({kind}: {reason}). You can try "
        "again.",
        task=task,
        kind=type(error).__name__,
        reason=error,
    )


def _from_array(pixels: Any) -> QImage:
    """uint8 (H, W, 3) as an image that owns its pixels."""
    height, width, _ = pixels.shape
    return _image(pixels.tobytes(), width, height)


def _from_pil(image: Any) -> QImage:
    return _image(image.convert("RGB").tobytes(), image.width, image.height)


def _image(rgb: bytes, width: int, height: int) -> QImage:
    # RGB32 is what painting is fastest with, and converting copies: `rgb` may go.
    borrowed = QImage(rgb, width, height, 3 * width, QImage.Format.Format_RGB888)
    return borrowed.convertToFormat(QImage.Format.Format_RGB32)


def _kept(image: QImage, total: int) -> QImage:
    """The image, smaller if `total` steps with two such images each would take too much memory."""
    side = math.isqrt(STEPS_BYTES // (2 * 4 * total))
    if max(image.width(), image.height()) <= side:
        return image
    return image.scaled(
        side,
        side,
        Qt.AspectRatioMode.KeepAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    )


def _sheet(images: tuple[QImage, ...]) -> QImage:
    """All images of a run in one near-square grid, in the order of the preview's."""
    first = images[0]
    if len(images) == 1:
        return first
    columns = math.ceil(math.sqrt(len(images)))
    rows = math.ceil(len(images) / columns)
    sheet = QImage(columns * first.width(), rows * first.height(), first.format())
    sheet.fill(0)
    painter = QPainter(sheet)
    for index, image in enumerate(images):
        row, column = divmod(index, columns)
        painter.drawImage(column * first.width(), row * first.height(), image)
    painter.end()
    return sheet
