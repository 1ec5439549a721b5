"""A scripted stand-in for the engine, with the names of its door: small, quick, without torch. The
tests of the application say what it should do and look at what it was asked for.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
from PIL import Image

from engine.control import Control, RunCancelled
from engine.errors import EngineError, LoadError, RequestError, SaveError, SchedulerError
from engine.events import Cancelled, Encoded, Event, Finished, Step
from engine.request import Edit, Request
from engine.timeline import Timeline

SIDE = 64


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
    takes_prompt: bool = True
    classes: int = 0
    closed: bool = False

    def close(self) -> None:
        self.closed = True


FAKE_DDPM = FakePipeline(
    family="ddpm",
    takes_prompt=False,
    default_request=Request(
        width=SIDE, height=SIDE, steps=4, guidance_scale=1.0, scheduler="ddim", class_label=None
    ),
)
FAKE_CLASSES = replace(FAKE_DDPM, classes=10)


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
    evaluation takes. truncated: the text that did not fit. failures:
    an exception for "load", a source, "encode", a step's number from 0, "preview" or "save"; it
    happens until it is taken out. gate: a run waits for it before each evaluation, where it is set;
    load_gate: the same for a load."""

    Cancelled, Encoded, Finished, Step = Cancelled, Encoded, Finished, Step
    Control, Edit, Request = Control, Edit, Request
    EngineError, LoadError, RequestError = EngineError, LoadError, RequestError
    SaveError = SaveError

    def __init__(self) -> None:
        self.schedulers = FakeSchedulers()
        self.pipeline = FakePipeline()
        self.models: dict[str, FakePipeline] = {}
        self.step_seconds = 0.0
        self.truncated = ""
        self.failures: dict[Any, Exception] = {}
        self.gate: threading.Semaphore | None = None
        self.load_gate: threading.Event | None = None
        self.requests: list[Request] = []
        self.loaded: list[str] = []
        self.threads: set[int] = set()
        self.generators_closed = 0

    def load(
        self,
        source: str,
        device: str = "auto",
        dtype: str = "auto",
        progress: Callable[[float, str], None] | None = None,
    ) -> FakePipeline:
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

    def generate(
        self,
        pipeline: FakePipeline,
        request: Request,
        control: Control | None = None,
        start: Any = None,
    ) -> Iterator[Event]:
        self.requests.append(request)
        control = control or Control()
        guidance = request.guidance_scale
        edits: list[Edit] = []
        timeline = Timeline()
        index = 0
        try:
            control.poll()
            self._check(pipeline, request)
            self._fail("encode")
            yield Encoded(len(request.prompt.split()), self.truncated)
            for index in range(request.steps):
                self._wait(control)
                for edit in control.take_edits(index):
                    edits.append(edit)
                    guidance = edit.value
                self._fail(index)
                yield Step(
                    index, request.steps, 1.0, guidance, self._snapshot(request, index), 0.01
                )
        except RunCancelled:
            yield Cancelled(index, timeline)
            return
        finally:
            self.generators_closed += 1
        images = tuple(
            Image.new("RGB", (request.width or SIDE, request.height or SIDE), (seed % 256, 90, 40))
            for seed in range(request.seed, request.seed + request.count)
        )
        record = SimpleNamespace(request=replace(request, edits=tuple(edits)))
        yield Finished(images, record, timeline)  # pyright: ignore[reportArgumentType]

    def preview(
        self, pipeline: FakePipeline, latents: np.ndarray, kind: str = "auto"
    ) -> np.ndarray:
        self._fail("preview")
        return np.clip(latents, 0, 255).astype(np.uint8)

    def save(self, image: Image.Image, path: Any, record: Any, index: int = 0) -> None:
        self._fail("save")
        image.save(path)

    def _check(self, pipeline: FakePipeline, request: Request) -> None:
        """As the engine: what a model has no use for must be at its own default."""
        own = pipeline.default_request
        if not pipeline.takes_prompt:
            for name in ("prompt", "negative_prompt", "guidance_scale"):
                if getattr(request, name) != getattr(own, name):
                    raise RequestError(name, "means nothing to this model.")

    def _wait(self, control: Control) -> None:
        time.sleep(self.step_seconds)
        while self.gate and not self.gate.acquire(timeout=0.005):
            control.poll()

    def _fail(self, stage: Any) -> None:
        if stage in self.failures:
            raise self.failures[stage]

    def _snapshot(self, request: Request, index: int) -> Any:
        """Grey that brightens with the steps; the noisy view is darker, and coarse."""
        level = 255 * (index + 1) / request.steps
        denoised = np.full((request.height or SIDE, request.width or SIDE, 3), level)
        return SimpleNamespace(denoised=denoised, latents=denoised[::8, ::8] / 4, input_scale=2.0)
