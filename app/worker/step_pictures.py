"""StepPictures: pictures of the steps that are kept, made beside the run in other threads than the
worker's: under another guidance, better than the run could wait for, in full for a film.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtGui import QImage

from app.state import pixels

if TYPE_CHECKING:
    from app.state.runs.run_memory import RunMemory
    from app.worker.engine_door import Engine
    from app.worker.loading import PresentModel
    from app.worker.run_controls import RunControls
    from engine.pipelines.pipeline import Pipeline
    from engine.run.timeline import Snapshot

UNNOTICED = 0.1
"""Seconds that a picture may take without anyone who waits: one that a slider asks for while it
moves."""


class StepPictures:
    def __init__(
        self, engine: Engine, present: PresentModel, controls: RunControls, memory: RunMemory
    ) -> None:
        self._engine = engine
        self._present = present
        self._controls = controls
        self._memory = memory

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
        it by the VAE, however long that takes; it is called often, and raises to give up."""
        with self._present.lock:
            pipeline, snapshot = self._kept(run, index)
            if pipeline is None or snapshot is None or snapshot.unconditional is None:
                return None
            seconds = UNNOTICED if self._controls.resting else None
            with self._engine.core_left_free():
                latents = self._engine.reguide(pipeline, snapshot, scale, rescale)
                if in_full is None:
                    made = self._engine.previewed(pipeline, latents, seconds=seconds)
                else:
                    made = self._engine.previewed(pipeline, latents, "vae", seconds, in_full)
            return pixels.from_array(made.pixels, snapshot.request.count), made.kind

    def enlarged(
        self, run: int, index: int, looked_at: bool, poll: Callable[[], None]
    ) -> tuple[QImage, str] | None:
        """As good a picture of that step as there is time for, and how it was made: during a run,
        in its previews' share of time; else in full or, if nobody looks at it, by a tiny
        autoencoder where that is quick. None where the step is not in memory, or the run's model is
        not the present one. poll: raises to give up."""
        with self._present.lock:
            pipeline, snapshot = self._kept(run, index)
            if pipeline is None or snapshot is None:
                return None
            resting = self._controls.resting
            kind = "vae" if resting and looked_at else "auto"
            seconds = UNNOTICED if resting else None
            with self._engine.core_left_free():
                made = self._engine.previewed(pipeline, snapshot.denoised, kind, seconds, poll)
                if resting and made.kind == "linear":
                    made = self._engine.previewed(pipeline, snapshot.denoised, "vae", poll=poll)
            picture = pixels.from_array(made.pixels, snapshot.request.count)
            return pixels.kept(picture, snapshot.state.total, self._memory.budget), made.kind

    def in_full(self, run: int, index: int, poll: Callable[[], None]) -> QImage | None:
        """The predicted picture of that step in full, None where the step is not in memory any
        more. What `poll` raises gives it up."""
        with self._present.lock:
            pipeline, snapshot = self._kept(run, index)
            if pipeline is None or snapshot is None:
                return None
            with self._engine.core_left_free():
                made = self._engine.previewed(pipeline, snapshot.denoised, "vae", poll=poll)
        return pixels.from_array(made.pixels, snapshot.request.count)

    def _kept(self, run: int, index: int) -> tuple[Pipeline | None, Snapshot | None]:
        """The present pipeline, and the snapshot of that very step, if it is in memory and the run
        was made with that pipeline. The lock is held."""
        snapshot = self._memory.snapshot(run, index)
        made_with = self._memory.made_with(run)
        if made_with is None or made_with != self._present.source:
            return None, None
        there = snapshot if snapshot is not None and snapshot.index == index else None
        return self._present.pipeline, there
