"""A scripted stand-in for the engine, with the names of its door: small, quick, without torch. The
tests of the application say what it should do and look at what it was asked for.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
from PIL import Image

from engine.errors import EngineError, LoadError, RequestError, SaveError, SchedulerError
from engine.families.family import Ability
from engine.pictures.film import write_film
from engine.record.record import Record
from engine.request.conditions import conditions, edited
from engine.request.grid import Axis, Grid
from engine.request.request import Edit, Request
from engine.run import cost
from engine.run.branch import continued
from engine.run.control import Control, EvaluationDropped, RunCancelled
from engine.run.events import Cancelled, Encoded, Event, Finished, Step

SIDE = 64
SNAPSHOT_BYTES = 1000
SHA256 = "0123456789abcdef" * 4
VERSIONS = {"safelight": "0.1.0"}


class FakeTimeline:
    """Keeps every snapshot, each as if it took `SNAPSHOT_BYTES`, if it does not say its `size`."""

    def __init__(self, budget: int = 2**29) -> None:
        self.budget = budget
        self._kept: list[Any] = []
        self._beside: dict[int, int] = {}

    @property
    def size(self) -> int:
        own = sum(getattr(kept, "size", SNAPSHOT_BYTES) for kept in self._kept)
        return own + sum(self._beside.values())

    def add(self, snapshot: Any) -> None:
        self._kept.append(snapshot)

    def weigh(self, index: int, beside: int) -> None:
        if any(kept.index == index for kept in self._kept):
            self._beside[index] = beside

    def at(self, index: int) -> Any:
        return next((kept for kept in reversed(self._kept) if kept.index <= index), None)

    def __iter__(self) -> Iterator[Any]:
        return iter(list(self._kept))


class FakeRunner:
    """As the engine's LocalRunner."""

    def __init__(self, engine: FakeEngine, pipeline: FakePipeline) -> None:
        self._engine = engine
        self._pipeline = pipeline

    def run(
        self, plan: Any, controls: Any = None, timelines: Any = None
    ) -> Generator[tuple[int, Any], None, None]:
        yield from self._engine.compare(
            self._pipeline, plan.requests, controls, plan.start, timelines
        )


@dataclass
class FakePipeline:
    name: str = "Fake"
    family: str = "stable-diffusion"
    device: str = "cpu"
    dtype: str = "torch.float32"
    sizes: Any = field(default_factory=lambda: SimpleNamespace(multiple=8, minimum=8, maximum=256))
    default_request: Request = field(
        default_factory=lambda: Request(
            width=SIDE, height=SIDE, steps=4, guidance_scale=5.0, scheduler="unipc"
        )
    )
    abilities: frozenset[Ability] = frozenset({Ability.PROMPT, Ability.NEGATIVE})
    class_count: int = 0
    guessed_prediction: bool = False
    closed: bool = False

    def close(self) -> None:
        self.closed = True

    def checkpoint_sha256(self) -> str:
        return SHA256


FAKE_DDPM = FakePipeline(
    family="ddpm",
    abilities=frozenset(),
    default_request=Request(
        width=SIDE, height=SIDE, steps=4, guidance_scale=1.0, scheduler="ddim", class_label=None
    ),
)
FAKE_CLASSES = replace(FAKE_DDPM, abilities=frozenset({Ability.CLASSES}), class_count=10)


class FakeSchedulers:
    _sentences: ClassVar[dict[str, str]] = {
        "unipc": "Sharp in few steps.",
        "euler": "Plain and steady.",
        "ddim": "The old one.",
    }

    def names(self) -> tuple[str, ...]:
        return tuple(self._sentences)

    def describe(self, name: str) -> Any:
        if name not in self._sentences:
            raise SchedulerError(f"There is no scheduler {name!r}; there are {self.names()}.")
        return SimpleNamespace(
            name=name, label=name.title(), sentence=self._sentences[name], network="diffusion"
        )


class FakeEngine:
    """models: the pipeline of a source, where it is not the usual one. step_seconds: how long an
    evaluation takes. truncated, negative_truncated: the text that did not fit. failures: an
    exception for "load", a source, "encode", ("seed", a seed), a step's number from 0, "preview",
    "reguide", "sheet" or "save"; it happens until it is taken out. gate: a run waits for it before
    each evaluation, where it is set; load_gate and reguide_gate: the same for a load and for
    reguiding. kinds: how a preview of each kind is made; the latents are the image unless a test
    says otherwise. preview_gate: a preview that is not linear waits for it, or to be given up."""

    Cancelled, Encoded, Finished, Step = Cancelled, Encoded, Finished, Step
    Control, Edit, Request = Control, Edit, Request
    Axis, Grid, Timeline = Axis, Grid, FakeTimeline
    EngineError, LoadError, RequestError = EngineError, LoadError, RequestError
    SaveError = SaveError
    ask_first = staticmethod(cost.ask_first)
    write_film = staticmethod(write_film)

    def __init__(self) -> None:
        self.schedulers = FakeSchedulers()
        self.pipeline = FakePipeline()
        self.models: dict[str, FakePipeline] = {}
        self.step_seconds = 0.0
        self.truncated = self.negative_truncated = ""
        self.failures: dict[Any, Exception] = {}
        self.gate: threading.Semaphore | None = None
        self.load_gate: threading.Event | None = None
        self.reguide_gate: threading.Event | None = None
        self.kinds: dict[str, str] = {}
        self.preview_gate: threading.Semaphore | None = None
        self.previewed_kinds: list[str] = []  # that were asked for, but for the linear ones
        self.given_up = 0  # previews
        self.requests: list[Request] = []
        self.starts: list[Any] = []  # of each run: the snapshot it began at, or None
        self.evaluated: list[int] = []  # the index of each evaluation that was begun
        self.reguided: list[float] = []  # the scale of each reguiding that was begun
        self.alive = 0  # generators that have begun and not ended
        self.loaded: list[str] = []
        self.compiled = False  # whether that was asked for
        self.memory = 0.0  # the share that is free
        self.threads: set[int] = set()
        self.generators_closed = 0

    def load(
        self,
        source: str,
        device: str = "auto",
        dtype: str = "auto",
        progress: Callable[[float, str], None] | None = None,
        compiled: bool = False,
    ) -> FakePipeline:
        self.compiled = compiled
        self.threads.add(threading.get_ident())
        self.loaded.append(source)
        while self.load_gate and not self.load_gate.wait(0.01):
            if progress:
                progress(0.5, "UNet")
        self._fail("load")
        self._fail(source)
        usual = self.models.get(source, FakePipeline())
        self.pipeline = replace(usual, name=Path(source).name.title(), closed=False)
        return self.pipeline

    def LocalRunner(self, pipeline: FakePipeline) -> FakeRunner:
        return FakeRunner(self, pipeline)

    def core_left_free(self) -> Any:
        return contextlib.nullcontext()

    def memory_left(self, device: Any) -> float:
        return self.memory

    def generate(
        self,
        pipeline: FakePipeline,
        request: Request,
        control: Control | None = None,
        start: Any = None,
        timeline: FakeTimeline | None = None,
    ) -> Iterator[Event]:
        self.requests.append(request)
        self.starts.append(start)
        control = control or Control()
        timeline = timeline or FakeTimeline()
        total = request.steps
        index, branches = 0, ()
        if start is not None:
            index = start.index + 1
            request, branches = continued(request, start)
        self.alive += 1
        try:
            control.poll()
            self._check(pipeline, request)
            self._fail("encode")
            self._fail(("seed", request.seed))
            words = conditions(request, index, total).words
            yield self._encoded(words)
            while index < total:
                self._wait(control)
                request = edited(request, control.take_edits(index))
                now = conditions(request, index, total)
                if now.finish and index:
                    break
                if now.words != words:
                    words = now.words
                    yield self._encoded(words)
                self._fail(index)
                self.evaluated.append(index)
                snapshot = self._snapshot(request, index, now.guided, branches)
                timeline.add(snapshot)
                yield Step(index, total, 1.0, now.guidance_scale, snapshot, 0.01)
                index += 1
        except RunCancelled:
            yield Cancelled(index, timeline)  # pyright: ignore[reportArgumentType]
            return
        finally:
            self.alive -= 1
            self.generators_closed += 1
        images = tuple(
            Image.new("RGB", (request.width or SIDE, request.height or SIDE), (seed % 256, 90, 40))
            for seed in range(request.seed, request.seed + request.count)
        )
        record = Record(
            request,
            executed_steps=index,
            checkpoint=pipeline.name,
            sha256=SHA256,
            device="cpu",
            dtype="float32",
            versions=VERSIONS,
            notes=(),
            takes_prompt=Ability.PROMPT in pipeline.abilities,
            branches=branches,
        )
        yield Finished(images, record, timeline)  # pyright: ignore[reportArgumentType]

    def compare(
        self,
        pipeline: FakePipeline,
        requests: Sequence[Request],
        controls: Sequence[Control] | None = None,
        start: Any = None,
        timelines: Sequence[FakeTimeline] | None = None,
    ) -> Iterator[tuple[int, Any]]:
        """Side by side, without sharing."""
        controls = controls or [Control() for _ in requests]
        timelines = timelines or [FakeTimeline() for _ in requests]
        runs = dict(
            enumerate(
                self.generate(pipeline, request, control, start, timeline)
                for request, control, timeline in zip(requests, controls, timelines, strict=True)
            )
        )
        try:
            while runs:
                for number, events in list(runs.items()):
                    try:
                        event = next(events)
                    except EngineError as error:
                        event = error
                    if not isinstance(event, Encoded | Step):
                        runs.pop(number).close()  # pyright: ignore[reportAttributeAccessIssue]
                    yield number, event
        finally:
            for events in runs.values():
                events.close()  # pyright: ignore[reportAttributeAccessIssue]

    def reguide(
        self,
        pipeline: FakePipeline,
        snapshot: Any,
        guidance_scale: float,
        guidance_rescale: float | None = None,
    ) -> np.ndarray:
        """Grey of the guidance scale's brightness."""
        self.threads.add(threading.get_ident())
        self.reguided.append(guidance_scale)
        if self.reguide_gate:
            self.reguide_gate.wait(5)
        self._fail("reguide")
        return np.full_like(snapshot.denoised, 10 * guidance_scale)

    def sheet(self, grid: Grid, images: list[Any]) -> Image.Image:
        self._fail("sheet")
        return Image.new("RGB", (SIDE * grid.columns, SIDE * grid.rows), "white")

    def preview(
        self, pipeline: FakePipeline, latents: np.ndarray, kind: str = "auto"
    ) -> np.ndarray:
        return self.previewed(pipeline, latents, kind).pixels

    def previewed(
        self,
        pipeline: FakePipeline,
        latents: np.ndarray,
        kind: str = "auto",
        seconds: float | None = None,
        poll: Callable[[], None] = lambda: None,
    ) -> Any:
        if kind not in ("auto", "vae", "tiny", "linear"):
            raise EngineError(f"There is no preview {kind!r}.")
        if kind != "linear":
            self.previewed_kinds.append(kind)
            self._pass_previews(poll)
        self._fail("preview")
        pixels = np.clip(latents, 0, 255).astype(np.uint8)
        return SimpleNamespace(pixels=pixels, kind=self.kinds.get(kind, "image"))

    def keep_previews(self, pipeline: FakePipeline, folder: Path) -> None:
        self._fail("keep_previews")

    def _pass_previews(self, poll: Callable[[], None]) -> None:
        try:
            poll()
            while self.preview_gate and not self.preview_gate.acquire(timeout=0.002):
                poll()
        except BaseException:
            self.given_up += 1
            raise

    def save(self, image: Image.Image, path: Any, record: Any, index: int = 0) -> None:
        self._fail("save")
        try:
            image.save(path)
        except OSError as error:
            raise SaveError(f"{path} cannot be written ({error}).") from error

    def _check(self, pipeline: FakePipeline, request: Request) -> None:
        """As the engine: what a model has no use for must be at its own default, and what it has a
        use for must be there."""
        own, sizes = pipeline.default_request, pipeline.sizes
        for name in ("width", "height"):
            value = getattr(request, name) or getattr(own, name)
            if value % sizes.multiple or not sizes.minimum <= value <= sizes.maximum:
                raise RequestError(name, f"{value} is no size of this model.")
        if request.scheduler not in (None, *self.schedulers.names()):
            raise SchedulerError(f"There is no scheduler {request.scheduler!r}.")
        label = request.class_label
        if label is not None and label >= pipeline.class_count:
            raise RequestError("class_label", f"{label} is not a class of this model.")
        if Ability.PROMPT not in pipeline.abilities:
            for name in ("prompt", "negative_prompt", "guidance_scale"):
                if getattr(request, name) != getattr(own, name):
                    raise RequestError(name, "means nothing to this model.")

    def _wait(self, control: Control) -> None:
        time.sleep(self.step_seconds)
        while self.gate and not self.gate.acquire(timeout=0.005):
            try:
                control.poll_evaluation()
            except EvaluationDropped:
                return

    def _fail(self, stage: Any) -> None:
        if stage in self.failures:
            raise self.failures[stage]

    def _encoded(self, words: tuple[str, str]) -> Encoded:
        return Encoded(len(words[0].split()), self.truncated, self.negative_truncated)

    def _snapshot(
        self, request: Request, index: int, guided: bool, branches: tuple[int, ...]
    ) -> Any:
        """Grey that brightens with the steps; the noisy view is darker, and coarse."""
        level = 255 * (index + 1) / request.steps
        denoised = np.full((request.height or SIDE, request.width or SIDE, 3), level)
        return SimpleNamespace(
            index=index,
            denoised=denoised,
            latents=denoised[::8, ::8] / 4,
            input_scale=2.0,
            request=request,
            branches=branches,
            unconditional=denoised if guided else None,
            state=SimpleNamespace(index=index + 1, total=request.steps),
            scheduler=SimpleNamespace(entries=range(request.steps + 1)),
        )
