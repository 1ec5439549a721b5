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

from app import paths
from app.i18n import tr
from app.state import pixels
from app.state.gallery.picture import Picture
from app.state.models.model_card import ModelCard
from app.state.runs.plan import Begun, BegunRun, Plan
from app.state.runs.run import RunResult, SheetResult, StepView
from app.worker.sentences import sentence_of
from app.worker.shown_steps import Rhythm
from engine.errors import EngineError
from engine.families.family import Ability
from engine.request.conditions import course
from engine.request.request import Request
from engine.run.branch import as_branch, branched, vary
from engine.run.events import Cancelled, Encoded, Finished, Step

TIMELINE_BYTES = 512 * 2**20
"""What the snapshots of a run may take, and its pictures, unless the person says otherwise."""

SHEET = -1
"""The number of a comparison's sheet among its images."""

SPARE_MEMORY = 0.5
"""Share of the memory that must be free for a model to stay there when another takes its place."""

UNNOTICED = 0.1
"""Seconds that a picture may take without anyone who waits: one that a slider asks for while it
moves."""

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

    After `run`: one started; for each of its runs encoded with negativeEncoded, planned and
    stepped, and then one of finished, cancelled or failed; at the end of all, idle. A plan that
    cannot begin, such as a branch whose model cannot be loaded again, is refused instead. After
    `load`: loading, then ready or loadFailed, and idle. No error ends the worker.

    What was run stays in memory, for branches and for the retoucher, until `forget`.
    """

    loading = Signal(str, float)  # what is being done, fraction 0 to 1
    ready = Signal(object)  # ModelCard
    loadFailed = Signal(str)
    started = Signal(object)  # Begun
    encoded = Signal(int, int, str)  # run, token count, text that did not fit
    negativeEncoded = Signal(int, str)  # run, text of the negative prompt that did not fit
    planned = Signal(int, tuple)  # run, guidance scale of each evaluation or None where it is off
    stepped = Signal(object)  # StepView
    finished = Signal(object)  # RunResult
    cancelled = Signal(int, int)  # run, evaluations done
    failed = Signal(int, str)  # run
    refused = Signal(str)
    compared = Signal(object)  # SheetResult
    told = Signal(int, object)  # run, Request: what it does as it is steered now, from nothing
    idle = Signal()
    saved = Signal(str)  # path
    written = Signal(int, int, str)  # run, image, path: one that could not be written before
    stillUnwritten = Signal(int, str)  # how many images, why the first of them could not be written
    saveFailed = Signal(str)
    previewFailed = Signal(str)  # once a run, which goes on

    _load_asked = Signal(object)
    _run_asked = Signal(object, str, object)
    _save_asked = Signal(int, int, str)
    _write_asked = Signal(str)

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
        self._loads = 0  # that are asked for and not done
        self._closing = False
        self._number = 0
        self._budget = TIMELINE_BYTES
        self._timelines: dict[int, Any] = {}
        self._models: dict[int, _Model] = {}  # of each run
        self._open: set[int] = set()  # runs that have begun and not ended
        self._pictured: tuple[Any, QImage, QImage, str] = (None, QImage(), QImage(), "")
        self._unsaved: dict[tuple[int, int], tuple[Any, Any]] = {}  # image, record
        self._load_asked.connect(self._load)
        self._run_asked.connect(self._run)
        self._save_asked.connect(self._save)
        self._write_asked.connect(self._write_unsaved)

    # From any thread

    def load(self, source: str, prediction_type: str | None = None) -> None:
        """Load that model; the former one stays until the new one is there. prediction_type: for a
        file that does not tell what it predicts."""
        with self._controls_lock:
            self._loads += 1
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

    def write_unsaved(self, folder: str) -> None:
        """Try again to write all images into that folder that could not be written."""
        self._write_asked.emit(folder)

    def standalone(self, plan: Plan) -> Plan:
        """The plan with what it does without the timeline. Raises EngineError where its step is not
        in memory any more."""
        start = self._start(plan)
        if start is None or plan.origin is None:
            return plan
        requests = tuple(
            branched(
                self._settled(plan, place, request, start),
                start.request,
                start.state.index,
                start.state.total,
            )
            for place, request in enumerate(plan.requests)
        )
        made_with = self._models.get(plan.origin.run)
        if made_with is None:
            return replace(plan, from_nothing=requests)
        return replace(
            plan,
            from_nothing=requests,
            source=made_with.source,
            prediction_type=made_with.prediction_type,
        )

    def set_paused(self, paused: bool) -> None:
        self._act(lambda control: control.pause() if paused else control.resume())

    def cancel(self) -> None:
        self._act(lambda control: control.cancel())

    def finish(self) -> None:
        """End the runs with the images that they predict now."""
        self._act(lambda control: control.finish())

    def steer(self, field: str, value: Any) -> None:
        """Change a setting of the runs from their next evaluation on; see `engine.Control.set`.
        "words", a prompt and a negative prompt, changes both before the same evaluation."""
        if field == "words":
            self._act(lambda control: control.set_prompt(*value))
        else:
            self._act(lambda control: control.set(field, value))

    def set_timeline_bytes(self, budget: int) -> None:
        """What the snapshots of one plan may take, from the next one on."""
        self._budget = budget

    def forget(self, run: int) -> None:
        """Let go of that run's snapshots."""
        self._timelines.pop(run, None)
        self._models.pop(run, None)

    @property
    def resting(self) -> bool:
        """Whether pictures take nothing from a run or a load: there is none, or the run is paused.
        May be asked from any thread."""
        with self._controls_lock:
            return not self._loads and all(control.paused for control in self._controls)

    def retouched(
        self,
        run: int,
        index: int,
        scale: float,
        rescale: float,
        in_full: Callable[[], None] | None = None,
    ) -> tuple[QImage, str] | None:
        """What that step would have predicted under another guidance, and how the picture was made;
        None where there was none or where the run's model is not the present one. in_full: decode
        it by the VAE, however long that takes; it is called often, and raises to give up. Called by
        the retoucher, in its own thread."""
        with self._pipeline_lock:
            snapshot = self._snapshot(run, index)
            if snapshot is None or snapshot.unconditional is None:
                return None
            how = {"kind": "vae", "poll": in_full} if in_full else {"kind": "auto"}
            seconds = UNNOTICED if self.resting else None
            with self._engine.core_left_free():
                latents = self._engine.reguide(self._pipeline, snapshot, scale, rescale)
                made = self._engine.previewed(self._pipeline, latents, seconds=seconds, **how)
            return pixels.from_array(made.pixels, snapshot.request.count), made.kind

    def enlarged(
        self, run: int, index: int, looked_at: bool, poll: Callable[[], None]
    ) -> tuple[QImage, str] | None:
        """As good a picture of that step as there is time for, and how it was made: during a run,
        in its previews' share of time; else in full or, if nobody looks at it, by a tiny
        autoencoder where that is quick. None where the step is not in memory, or the run's model is
        not the present one. poll: raises to give up. Called by the enlarger, in its own thread."""
        with self._pipeline_lock:
            snapshot = self._snapshot(run, index)
            if snapshot is None:
                return None
            resting = self.resting
            kind = "vae" if resting and looked_at else "auto"
            seconds = UNNOTICED if resting else None
            with self._engine.core_left_free():
                made = self._engine.previewed(
                    self._pipeline, snapshot.denoised, kind, seconds=seconds, poll=poll
                )
                if resting and made.kind == "linear":
                    made = self._engine.previewed(
                        self._pipeline, snapshot.denoised, "vae", poll=poll
                    )
            picture = pixels.from_array(made.pixels, snapshot.request.count)
            return pixels.kept(picture, snapshot.state.total, self._budget), made.kind

    def _snapshot(self, run: int, index: int) -> Any:
        """Of that very step, if it is in memory and the run's model is the present one."""
        timeline = self._timelines.get(run)
        snapshot = timeline.at(index) if timeline else None
        if self._model is None or self._models.get(run) != self._model:
            return None
        return snapshot if snapshot is not None and snapshot.index == index else None

    def filmed(self, run: int, index: int, poll: Callable[[], None]) -> QImage | None:
        """The predicted picture of that step in full, None where the step is not in memory any
        more. For another thread; what `poll` raises gives it up."""
        with self._pipeline_lock:
            snapshot = self._snapshot(run, index)
            if snapshot is None:
                return None
            with self._engine.core_left_free():
                made = self._engine.previewed(self._pipeline, snapshot.denoised, "vae", poll=poll)
        return pixels.from_array(made.pixels, snapshot.request.count)

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
            self.loadFailed.emit(sentence_of(error, tr("load the model")))
        with self._controls_lock:
            self._loads -= 1
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
            pipeline = self._engine.load(model.source, progress=self._report_loading, **said)
        try:
            self._engine.keep_previews(pipeline, paths.preview_folder())
        except Exception as error:  # the model makes images all the same
            log.warning("no previews could be prepared", exc_info=error)
        return pipeline

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
            sentence = sentence_of(error, tr("make the image"))
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
        """Load the model that the plan is for, if another has taken its place."""
        wanted = self._models.get(plan.origin.run) if plan.origin else None
        if wanted is None and plan.source:
            wanted = _Model(plan.source, plan.prediction_type)
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
        if plan.sha256 and self._pipeline.checkpoint_sha256() != plan.sha256:
            raise EngineError(
                tr(
                    "That image was made with another model ({sha256}…) than {name}. Choose its "
                    "model first.",
                    sha256=plan.sha256[:10],
                    name=self._pipeline.name,
                )
            )

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

    def _settled(self, plan: Plan, place: int, request: Request, start: Any) -> Request:
        """The request number `place` of the plan as this model takes it, from that snapshot on if
        there is one."""
        assert self._card is not None
        request = self._card.suited(request)
        return request if start is None else _branch(plan, place, request, start)

    def _rows(self, plan: Plan, start: Any) -> tuple[BegunRun, ...]:
        assert self._model is not None
        rows = []
        for place, request in enumerate(plan.requests):
            request = self._settled(plan, place, request, start)
            self._number += 1
            self._models[self._number] = self._model
            rows.append(
                BegunRun(
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
            _Desk(
                row,
                self._engine.Timeline(self._budget // len(begun.rows)),
                folder,
                f"{begun.plan.job}/{place}",
                {i: path for (number, i), path in begun.plan.written.items() if number == place},
            )
            for place, row in enumerate(begun.rows)
        ]
        self._timelines |= {desk.row.number: desk.timeline for desk in desks}
        with contextlib.closing(self._events(desks, start, controls)) as events:
            for place, event in events:
                self._report(event, desks[place])
        if begun.plan.grid and any(desk.image for desk in desks):
            try:
                self.compared.emit(self._sheet(begun.plan.grid, desks, folder))
            except Exception as error:
                self.saveFailed.emit(sentence_of(error, tr("make one picture of the grid")))

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
                self.negativeEncoded.emit(number, event.negative_truncated)
            case Step():
                if desk.rhythm.shows(event):
                    self.stepped.emit(self._view(event, desk))
                if event.snapshot.request is not desk.told:
                    desk.told = event.snapshot.request
                    self.told.emit(number, desk.told)
                    if Ability.PROMPT in self._pipeline.abilities:
                        self.planned.emit(number, _scales(desk.told, event.total))
            case Cancelled():
                self.cancelled.emit(number, event.at)
                self._open.discard(number)
            case Finished():
                self.finished.emit(self._result(event, desk))
                self._open.discard(number)
            case Exception():
                self.failed.emit(number, sentence_of(event, tr("make the image")))
                self._open.discard(number)

    def _view(self, step: Step, desk: _Desk) -> StepView:
        begun = time.perf_counter()
        snapshot = step.snapshot
        if self._pictured[0] is not snapshot.state:  # several cells of a grid may share a step
            self._pictured = (snapshot.state, *self._pictures(step, desk))
        after, desk.shown = desk.shown, step.index
        _, predicted, noisy, kind = self._pictured
        is_guided = Ability.PROMPT in self._pipeline.abilities
        return StepView(
            run=desk.row.number,
            index=step.index,
            total=step.total,
            guidance_scale=step.guidance_scale if is_guided else None,
            seconds=desk.rhythm.seconds_a_step(time.perf_counter() - begun),
            predicted=predicted,
            noisy=noisy,
            kind=kind,
            edits=tuple(e for e in snapshot.request.edits if after < e.step <= step.index),
            snapshot_bytes=desk.timeline.size,
        )

    def _pictures(self, step: Step, desk: _Desk) -> tuple[QImage, QImage, str]:
        """The predicted picture and the noisy latents, by what takes no time: the run waits for
        them. And how the first was made; where that does not succeed, both are black."""
        snapshot = step.snapshot
        try:
            predicted, noisy = (
                self._engine.previewed(self._pipeline, latents, kind="linear")
                for latents in (snapshot.denoised, snapshot.latents * snapshot.input_scale)
            )
        except Exception as error:
            if not desk.preview_failed:
                desk.preview_failed = True
                self.previewFailed.emit(sentence_of(error, tr("show the steps of the run")))
            black = pixels.black()
            return black, black, ""
        rough, noise = (
            pixels.kept(
                pixels.from_array(made.pixels, snapshot.request.count), step.total, self._budget
            )
            for made in (predicted, noisy)
        )
        return rough, noise, predicted.kind

    def _result(self, event: Finished, desk: _Desk) -> RunResult:
        row = desk.row
        written, save_error = [], ""
        desk.image = event.images[0]
        record = replace(event.record, job=desk.job)
        for index, image in enumerate(event.images):
            path, problem = desk.written.get(index), ""
            if path is None:
                path, problem = self._write(
                    image, record, index, desk.folder, row.request.seed + index
                )
            if path is None:
                self._unsaved[row.number, index] = (image, record)
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
            return None, sentence_of(error, tr("save the image"))
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

    @Slot(str)
    def _write_unsaved(self, folder: str) -> None:
        reason = ""
        for (run, index), (image, record) in list(self._unsaved.items()):
            seed = record.request.seed + index if record else f"{run}-grid"
            path, problem = self._write(image, record, max(index, 0), Path(folder), seed)
            if path is None:
                reason = problem
                break
            del self._unsaved[run, index]
            self.written.emit(run, index, path)
        self.stillUnwritten.emit(len(self._unsaved), reason)

    @Slot(int, int, str)
    def _save(self, run: int, index: int, path: str) -> None:
        try:
            image, record = self._unsaved[run, index]
            self._engine.save(image, path, record, max(index, 0))
        except Exception as error:
            self.saveFailed.emit(sentence_of(error, tr("save the image")))
        else:
            self.saved.emit(path)


class _Desk:
    """What the worker has before it of one run."""

    def __init__(
        self, row: BegunRun, timeline: Any, folder: Path, job: str, written: dict[int, str]
    ) -> None:
        self.row = row
        self.timeline = timeline
        self.folder = folder
        self.job = job  # what the images' records say
        self.written = written  # files that are there already, by the image's number
        self.rhythm = Rhythm()
        self.shown = row.first - 1  # the last evaluation that has a view
        self.told: Request | None = None  # the request whose guidance was told last
        self.image: Any = None
        self.preview_failed = False  # and that was told


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
        abilities=pipeline.abilities,
        class_count=pipeline.class_count,
        guessed_prediction=pipeline.guessed_prediction,
    )


def _branch(plan: Plan, place: int, request: Request, start: Any) -> Request:
    """The request number `place` of the plan as a branch from that snapshot."""
    fork, edits = start.state.index, ()
    if plan.vary is not None:
        edits = (vary(fork, plan.vary, plan.vary_seeds[place]),)
    return as_branch(request, start.request, fork, start.state.total, edits)


def _scales(request: Request, total: int) -> tuple[float | None, ...]:
    """The guidance scale of every evaluation, None where guidance is off."""
    return tuple(now.guidance_scale if now.guided else None for now in course(request, total))
