"""Sketches: the pictures of a step that its run waits for, by what takes no time. Made by the
worker, in its own thread; better ones come beside the run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtGui import QImage

from app.i18n import tr
from app.state import pixels
from app.worker.sentences import sentence_of

if TYPE_CHECKING:
    from app.worker.engine_door import Engine
    from app.worker.signals import WorkerSignals
    from engine.pipelines.pipeline import Pipeline
    from engine.run.events import Step
    from engine.schedulers.scheduler import State


class Sketch(NamedTuple):
    """The predicted picture and the noisy latents; kind: how the first was made, see
    `engine.Preview`, "" where that did not succeed, and then both are black."""

    predicted: QImage
    noisy: QImage
    kind: str


class Sketches:
    """Those of one plan. budget: bytes that all of a run's may take."""

    def __init__(
        self, engine: Engine, tell: WorkerSignals, pipeline: Pipeline, budget: int
    ) -> None:
        self._engine = engine
        self._tell = tell
        self._pipeline = pipeline
        self._budget = budget
        self._failed: set[int] = set()  # runs of which that was told
        self._latest: tuple[State, Sketch] | None = None

    def of(self, step: Step, run: int) -> Sketch:
        """Several cells of a grid may share a step, which is drawn once."""
        state = step.snapshot.state
        if self._latest is None or self._latest[0] is not state:
            self._latest = state, self._drawn(step, run)
        return self._latest[1]

    def _drawn(self, step: Step, run: int) -> Sketch:
        snapshot = step.snapshot
        try:
            predicted, noisy = (
                self._engine.previewed(self._pipeline, latents, kind="linear")
                for latents in (snapshot.denoised, snapshot.latents * snapshot.input_scale)
            )
        except Exception as error:
            if run not in self._failed:
                self._failed.add(run)
                self._tell.previewFailed.emit(sentence_of(error, tr("show the steps of the run")))
            black = pixels.black()
            return Sketch(black, black, "")
        rough, noise = (
            pixels.kept(
                pixels.from_array(made.pixels, snapshot.request.count), step.total, self._budget
            )
            for made in (predicted, noisy)
        )
        return Sketch(rough, noise, predicted.kind)
