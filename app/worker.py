"""Worker: the one file where threads meet. It lives on a QThread, pulls the engine there, and tells
the window in plain values and finished QImages. Built and moved by `app.main`.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import threading
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QImage

from app import paths, pixels
from app.i18n import tr
from app.rhythm import Rhythm
from app.state.picture import Picture
from app.state.plan import Begun, Plan, Row
from app.state.run import RunResult, SheetResult, StepView
from app.state.session import ModelCard
from engine.errors import EngineError
from engine.events import Cancelled, Encoded, Finished, Step
from engine.request import Edit, Request
from engine.steering import FIXED, conditions, course

TIMELINE_BYTES = 512 * 2**20
"""What the snapshots of a run may take, and its pictures, unless the person says otherwise."""

SHEET = -1
"""The number of a comparison's sheet among its images."""

SPARE_MEMORY = 0.5
"""Share of the memory that must be free for a model to stay there when another takes its place."""

log = logging.getLogger("safelight")


class _Model(NamedTuple):
    """What makes a pipeline what it is. prediction_type: what the person said that a file predicts
    which does not tell it."""

    source: str
    prediction_type: str | None


class _Closing(Exception):
    """Unwinds a load when the program ends."""


class Worker(QObject):
    """`load`, `run` and `save` are called from any thread and return at once; the work is done in
    the worker's own thread, in the order of asking. `set_paused`, `steer`, `finish`, `cancel` and
    `close` act on the runs under way at once, also on those that are asked for but not yet begun.

    After `run`: one started; for each of its runs encoded, planned and stepped, and then one of
    finished, cancelled or failed; at the end of all, idle. A plan that cannot begin, such as a
    branch whose model cannot be loaded again, is refused instead. After `load`: loading, then ready
    or loadFailed, and idle. No error ends the worker.

    What was run stays in memory, for branches and for the retoucher, until `forget`.
    """

    loading = Signal(str, float)  # what is being done, fraction 0 to 1
    ready = Signal(object)  # ModelCard
    loadFailed = Signal(str)
    started = Signal(object)  # Begun
    encoded = Signal(int, int, str)  # run, token count, text that did not fit
    planned = Signal(int, tuple)  # run, guidance scale of each evaluation or None where it is off
    stepped = Signal(object)  # StepView
    finished = Signal(object)  # RunResult
    cancelled = Signal(int, int)  # run, evaluations done
    failed = Signal(int, str)  # run
    refused = Signal(str)
    compared = Signal(object)  # SheetResult
    idle = Signal()
    saved = Signal(str)  # path
    saveFailed = Signal(str)

    _load_asked = Signal(object)
    _run_asked = Signal(object, str, object)
    _save_asked = Signal(int, int, str)

    def __init__(self, engine: ModuleType | Any) -> None:
        super().__init__()
        self._engine = engine
        self._model: _Model | None = None  # that the pipeline was made of
        self._spare: tuple[_Model, Any] | None = None
        self._card: ModelCard | None = None
        self._pipeline: Any = None
        self._pipeline_lock = threading.Lock()
        self._controls: tuple[Any, ...] = ()
        self._controls_lock = threading.Lock()
        self._closing = False
        self._number = 0
        self._budget = TIMELINE_BYTES
        self._timelines: dict[int, Any] = {}
        self._models: dict[int, _Model] = {}  # of each run
        self._open: set[int] = set()  # runs that have begun and not ended
        self._pictured: tuple[Any, QImage, QImage] = (None, QImage(), QImage())
        self._unsaved: dict[tuple[int, int], tuple[Any, Any]] = {}  # image, record
        self._load_asked.connect(self._load)
        self._run_asked.connect(self._run)
        self._save_asked.connect(self._save)

    # From any thread

    def load(self, source: str, prediction_type: str | None = None) -> None:
        """Load that model; the former one stays until the new one is there. prediction_type: for a
        file that does not tell what it predicts."""
        self._load_asked.emit(_Model(source, prediction_type))

    def run(self, plan: Plan, folder: str) -> None:
        """Make the images of the plan and write them into `folder`."""
        controls = tuple(self._engine.Control() for _ in plan.requests)
        with self._controls_lock:
            self._controls = controls
            if self._closing:
                for control in controls:
                    control.cancel()
        self._run_asked.emit(plan, folder, controls)

    def save(self, run: int, index: int, path: str) -> None:
        """Write an image that could not be written when its run finished."""
        self._save_asked.emit(run, index, path)

    def set_paused(self, paused: bool) -> None:
        self._act(lambda control: control.pause() if paused else control.resume())

    def cancel(self) -> None:
        self._act(lambda control: control.cancel())

    def finish(self) -> None:
        """End the runs with the images that they predict now."""
        self._act(lambda control: control.finish())

    def steer(self, field: str, value: Any) -> None:
        """Change "guidance_scale", "guidance_rescale" or "words", which are a prompt and a negative
        prompt, from the next evaluation on."""
        match field:
            case "guidance_scale":
                self._act(lambda control: control.set_guidance_scale(value))
            case "guidance_rescale":
                self._act(lambda control: control.set_guidance_rescale(value))
            case "words":
                self._act(lambda control: control.set_prompt(value[0], negative=value[1]))

    def set_timeline_bytes(self, budget: int) -> None:
        """What the snapshots of one plan may take, from the next one on."""
        self._budget = budget

    def forget(self, run: int) -> None:
        """Let go of that run's snapshots."""
        self._timelines.pop(run, None)
        self._models.pop(run, None)

    def retouched(self, run: int, index: int, scale: float, rescale: float) -> QImage | None:
        """What that step would have predicted under another guidance, None where there was none or
        where the run's model is not the present one. Called by the retoucher, in its own thread."""
        timeline = self._timelines.get(run)
        snapshot = timeline.at(index) if timeline else None
        with self._pipeline_lock:
            if self._model is None or self._models.get(run) != self._model:
                return None
            if snapshot is None or snapshot.index != index or snapshot.unconditional is None:
                return None
            with self._engine.core_left_free():
                latents = self._engine.reguide(self._pipeline, snapshot, scale, rescale)
                return pixels.from_array(self._engine.preview(self._pipeline, latents))

    def close(self) -> None:
        """Cancel what is under way and refuse what comes; the thread can be ended after it."""
        with self._controls_lock:
            self._closing = True
        self.cancel()

    def _act(self, act: Callable[[Any], None]) -> None:
        with self._controls_lock:
            for control in self._controls:
                act(control)

    # In the worker's thread

    @Slot(object)
    def _load(self, model: _Model) -> None:
        try:
            self._exchange(model)
        except _Closing:
            self.loadFailed.emit(tr("Loading was given up."))
        except Exception as error:
            self.loadFailed.emit(_sentence(error, tr("load the model")))
        self.idle.emit()

    def _exchange(self, model: _Model) -> None:
        """Make that model the present one. The former stays at hand while memory allows."""
        self._report_loading(0.0, tr("the engine"))
        spare, self._spare = self._spare, None
        if spare is not None and spare[0] == model:
            pipeline = spare[1]
        else:
            if spare is not None:
                spare[1].close()  # first, for its memory
            pipeline = self._loaded(model)
        with self._pipeline_lock:
            former_model, self._model = self._model, model
            former, self._pipeline = self._pipeline, pipeline
        if former_model is not None:
            if self._engine.memory_left(pipeline.device) > SPARE_MEMORY:
                self._spare = (former_model, former)
            else:
                former.close()
        self._card = _card(model.source, pipeline)
        self.ready.emit(self._card)

    def _loaded(self, model: _Model) -> Any:
        said = {"prediction_type": model.prediction_type} if model.prediction_type else {}
        with _collector_at_rest():
            return self._engine.load(model.source, progress=self._report_loading, **said)

    def _report_loading(self, fraction: float, text: str) -> None:
        if self._closing:
            raise _Closing
        self.loading.emit(tr("Loading: {part}", part=text), fraction)

    @Slot(object, str, object)
    def _run(self, plan: Plan, folder: str, controls: tuple[Any, ...]) -> None:
        begun: Begun | None = None
        try:
            self._make_ready(plan)
            start = self._start(plan)
            begun = Begun(plan, self._rows(plan, start))
            self._open = {row.number for row in begun.rows}
            self.started.emit(begun)
            self._develop(begun, start, controls, Path(folder))
        except _Closing:
            self.refused.emit(tr("Loading was given up."))
        except Exception as error:
            sentence = _sentence(error, tr("make the image"))
            if begun is None:
                self.refused.emit(sentence)
            else:
                for number in sorted(self._open):
                    self.failed.emit(number, sentence)
        finally:
            self._open.clear()
            with self._controls_lock:
                if self._controls is controls:
                    self._controls = ()
            self.idle.emit()

    def _make_ready(self, plan: Plan) -> None:
        """Load the model that a branch's run was made with, if another has taken its place."""
        wanted = self._models.get(plan.origin.run) if plan.origin else None
        if wanted is not None and wanted != self._model:
            try:
                self._exchange(wanted)
            except (EngineError, OSError) as error:
                raise EngineError(
                    tr(
                        "The model of that run, {source}, cannot be loaded again. {reason}",
                        source=wanted.source,
                        reason=error,
                    )
                ) from error
        if self._pipeline is None:
            raise EngineError(tr("No model is loaded. Choose one first."))

    def _start(self, plan: Plan) -> Any:
        """The snapshot that the plan starts at, None where it starts from nothing: that of its
        step, or the nearest before it that is there and can be left."""
        if plan.origin is None:
            return None
        timeline: Any = self._timelines.get(plan.origin.run)
        snapshot = timeline.at(plan.origin.index) if timeline else None
        while plan.vary and snapshot and snapshot.state.index not in snapshot.scheduler.entries:
            snapshot = timeline.at(snapshot.index - 1)
        if snapshot is None:
            raise EngineError(
                tr(
                    "That step is not in memory any more. Give the timeline more memory in the "
                    "menu View, and run it again."
                )
            )
        return snapshot

    def _rows(self, plan: Plan, start: Any) -> tuple[Row, ...]:
        assert self._card is not None and self._model is not None
        rows = []
        for place, request in enumerate(plan.requests):
            request = self._card.suited(request)
            if start is not None:
                request = _branch(plan, place, request, start)
            self._number += 1
            self._models[self._number] = self._model
            rows.append(
                Row(
                    number=self._number,
                    request=request,
                    first=0 if start is None else start.state.index,
                    parent=plan.origin.run if plan.origin else None,
                    label=plan.grid.label(place) if plan.grid else "",
                    title=plan.grid.title(place) if plan.grid else "",
                    varied=plan.vary is not None,
                )
            )
        return tuple(rows)

    def _develop(self, begun: Begun, start: Any, controls: tuple[Any, ...], folder: Path) -> None:
        desks = [
            _Desk(row, self._engine.Timeline(self._budget // len(begun.rows)), folder)
            for row in begun.rows
        ]
        self._timelines |= {desk.row.number: desk.timeline for desk in desks}
        with contextlib.closing(self._events(desks, start, controls)) as events:
            for place, event in events:
                self._report(event, desks[place])
        if begun.plan.grid and any(desk.image for desk in desks):
            try:
                self.compared.emit(self._sheet(begun.plan.grid, desks, folder))
            except Exception as error:
                self.saveFailed.emit(_sentence(error, tr("make one picture of the grid")))

    def _events(
        self, desks: list[_Desk], start: Any, controls: tuple[Any, ...]
    ) -> Generator[tuple[int, Any], None, None]:
        requests = [desk.row.request for desk in desks]
        timelines = [desk.timeline for desk in desks]
        if len(desks) > 1:
            yield from self._engine.compare(self._pipeline, requests, controls, start, timelines)
            return
        events = self._engine.generate(
            self._pipeline, requests[0], controls[0], start, timelines[0]
        )
        with contextlib.closing(events):
            for event in events:
                yield 0, event

    def _report(self, event: Any, desk: _Desk) -> None:
        number = desk.row.number
        match event:
            case Encoded():
                self.encoded.emit(number, event.token_count, event.truncated)
            case Step():
                if desk.rhythm.shows(event):
                    self.stepped.emit(self._view(event, desk))
                if event.snapshot.request is not desk.told:
                    desk.told = event.snapshot.request
                    if self._pipeline.takes_prompt:
                        self.planned.emit(number, _scales(desk.told, event.total))
            case Cancelled():
                self.cancelled.emit(number, event.at)
                self._open.discard(number)
            case Finished():
                self.finished.emit(self._result(event, desk))
                self._open.discard(number)
            case Exception():
                self.failed.emit(number, _sentence(event, tr("make the image")))
                self._open.discard(number)

    def _view(self, step: Step, desk: _Desk) -> StepView:
        begun = time.perf_counter()
        snapshot = step.snapshot
        if self._pictured[0] is not snapshot.state:  # several cells of a grid may share a step
            predicted = self._engine.preview(self._pipeline, snapshot.denoised)
            noisy = self._engine.preview(
                self._pipeline, snapshot.latents * snapshot.input_scale, kind="linear"
            )
            self._pictured = (
                snapshot.state,
                pixels.kept(pixels.from_array(predicted), step.total, self._budget),
                pixels.kept(pixels.from_array(noisy), step.total, self._budget),
            )
        after, desk.shown = desk.shown, step.index
        _, predicted, noisy = self._pictured
        return StepView(
            run=desk.row.number,
            index=step.index,
            total=step.total,
            guidance_scale=step.guidance_scale if self._pipeline.takes_prompt else None,
            seconds=desk.rhythm.seconds_a_step(time.perf_counter() - begun),
            predicted=predicted,
            noisy=noisy,
            edits=tuple(e for e in snapshot.request.edits if after < e.step <= step.index),
            snapshot_bytes=desk.timeline.size,
        )

    def _result(self, event: Finished, desk: _Desk) -> RunResult:
        row = desk.row
        written, save_error = [], ""
        desk.image = event.images[0]
        for index, image in enumerate(event.images):
            path, problem = self._write(
                image, event.record, index, desk.folder, row.request.seed + index
            )
            if path is None:
                self._unsaved[row.number, index] = (image, event.record)
            written.append(path)
            save_error = save_error or problem
        images = tuple(pixels.from_pil(image) for image in event.images)
        return RunResult(
            row.number, row.request, images, pixels.sheet(images), tuple(written), save_error
        )

    def _write(
        self, image: Any, record: Any, index: int, folder: Path, seed: int | str
    ) -> tuple[str | None, str]:
        """The path of the written file and no problem, or no path and why."""
        try:
            with paths.new_image(folder, seed) as path:
                self._engine.save(image, path, record, index)
        except Exception as error:
            reason = _sentence(error, tr("save the image"))
            return None, tr("{reason} It is in the gallery: save it elsewhere.", reason=reason)
        return str(path), ""

    def _sheet(self, grid: Any, desks: list[_Desk], folder: Path) -> SheetResult:
        """All pictures of a comparison as one labelled picture, written as a file."""
        whole = self._engine.sheet(grid, [desk.image for desk in desks])
        first = desks[0].row
        name = f"{first.request.seed}-grid"
        path, problem = self._write(whole, None, 0, folder, name)
        if path is None:
            unsaved = (first.number, SHEET)
            self._unsaved[unsaved] = (whole, None)
            picture = Picture(f"{name}.png", pixels.from_pil(whole), unsaved=unsaved)
        else:
            picture = Picture(Path(path).name, pixels.from_pil(whole), path)
        return SheetResult(picture, problem)

    @Slot(int, int, str)
    def _save(self, run: int, index: int, path: str) -> None:
        try:
            image, record = self._unsaved[run, index]
            self._engine.save(image, path, record, max(index, 0))
        except Exception as error:
            self.saveFailed.emit(_sentence(error, tr("save the image")))
        else:
            self.saved.emit(path)


class Retoucher(QObject):
    """Shows a step under another guidance while a person moves the slider, in a thread of its own:
    the worker may be paused, or in the middle of an evaluation. The latest wish wins."""

    retouched = Signal(int, int, float, QImage)  # run, evaluation, guidance scale
    failed = Signal(str)

    _asked = Signal()

    def __init__(self, worker: Worker) -> None:
        super().__init__()
        self._worker = worker
        self._wish: tuple[int, int, float, float] | None = None
        self._lock = threading.Lock()
        self._asked.connect(self._work)

    def ask(self, run: int, index: int, scale: float, rescale: float) -> None:
        """From any thread: what evaluation `index` of that run predicts under this guidance."""
        with self._lock:
            waiting, self._wish = self._wish, (run, index, scale, rescale)
        if waiting is None:
            self._asked.emit()

    @Slot()
    def _work(self) -> None:
        with self._lock:
            wish, self._wish = self._wish, None
        if wish is None:
            return
        try:
            picture = self._worker.retouched(*wish)
        except Exception as error:
            self.failed.emit(_sentence(error, tr("show this step under another guidance")))
        else:
            if picture is not None:
                self.retouched.emit(*wish[:3], picture)


class _Desk:
    """What the worker has before it of one run."""

    def __init__(self, row: Row, timeline: Any, folder: Path) -> None:
        self.row = row
        self.timeline = timeline
        self.folder = folder
        self.rhythm = Rhythm()
        self.shown = row.first - 1  # the last evaluation that has a view
        self.told: Request | None = None  # the request whose guidance was told last
        self.image: Any = None


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
        guessed_prediction=pipeline.guessed_prediction,
    )


def _branch(plan: Plan, place: int, request: Request, start: Any) -> Request:
    """The request number `place` of the plan as a branch from that snapshot."""
    origin, fork = start.request, start.state.index
    there = conditions(origin, start.index, start.state.total)
    edits = ()
    if plan.vary is not None:
        edits = (Edit(fork, "vary", {"amount": plan.vary, "seed": plan.vary_seeds[place]}),)
    return replace(
        request,
        **{name: getattr(origin, name) for name in FIXED},
        scheduler_options=there.scheduler_options,
        eta=there.eta,
        edits=edits,
    )


def _scales(request: Request, total: int) -> tuple[float | None, ...]:
    """The guidance scale of every evaluation, None where guidance is off."""
    return tuple(now.guidance_scale if now.guided else None for now in course(request, total))


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
