"""Worker: the engine's thread. Its doors are called from any thread and return at once; what they
ask for is done in the worker's own thread, in the order of asking, by one job a file of this
folder. Built and moved to its thread by the composition root.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QImage

from app.state.models.model_source import ModelSource
from app.state.runs.run_memory import RunMemory
from app.worker import branches
from app.worker.loading import PresentModel
from app.worker.run_controls import RunControls
from app.worker.running import Running
from app.worker.saving import Saving
from app.worker.signals import WorkerSignals
from app.worker.step_pictures import StepPictures

if TYPE_CHECKING:
    from app.state.runs.plan import Plan
    from app.worker.engine_door import Engine
    from engine.run.control import Control


class Worker(WorkerSignals):
    """`load`, `run` and `save` are done one after the other. `set_paused`, `steer`, `finish`,
    `cancel` and `close` act on the runs under way at once, also on those that are asked for but not
    yet begun. No error ends the worker.

    memory: what was run stays there, for branches and for better pictures, until it is let go of.
    """

    _load_asked = Signal(object)
    _run_asked = Signal(object, str, object)
    _save_asked = Signal(int, int, str)
    _write_asked = Signal(str)

    def __init__(self, engine: Engine, memory: RunMemory) -> None:
        super().__init__()
        self.memory = memory
        self.controls = RunControls(engine)
        self.present = PresentModel(engine, self)
        self._saving = Saving(engine, self)
        self._running = Running(engine, self, self.present, memory, self._saving)
        self._pictures = StepPictures(engine, self.present, self.controls, memory)
        self._load_asked.connect(self._load)
        self._run_asked.connect(self._run)
        self._save_asked.connect(self._save)
        self._write_asked.connect(self._write_unsaved)

    # From any thread

    def load(self, source: str, prediction_type: str | None = None) -> None:
        """Load that model; the former one stays until the new one is there. prediction_type: for a
        file that does not tell what it predicts."""
        self.controls.begin_load()
        self._load_asked.emit(ModelSource(source, prediction_type))

    def run(self, plan: Plan, folder: str) -> None:
        """Make the images of the plan and write them into `folder`."""
        self._run_asked.emit(plan, folder, self.controls.begin(len(plan.requests)))

    def save(self, run: int, index: int, path: str) -> None:
        """Write an image that could not be written when its run finished."""
        self._save_asked.emit(run, index, path)

    def write_unsaved(self, folder: str) -> None:
        """Try again to write all images into that folder that could not be written."""
        self._write_asked.emit(folder)

    def standalone(self, plan: Plan) -> Plan:
        """The plan with what it does without the timeline. Raises EngineError where its step is not
        in memory any more."""
        return branches.standalone(plan, self.memory, self.present.card)

    def set_paused(self, paused: bool) -> None:
        self.controls.act(lambda control: control.pause() if paused else control.resume())

    def cancel(self) -> None:
        self.controls.act(lambda control: control.cancel())

    def finish(self) -> None:
        """End the runs with the images that they predict now."""
        self.controls.act(lambda control: control.finish())

    def steer(self, field: str, value: object) -> None:
        """Change a setting of the runs from their next evaluation on; see `engine.Control.set`.
        "words", a prompt and a negative prompt, changes both before the same evaluation."""
        if field == "words" and isinstance(value, tuple):
            self.controls.act(lambda control: control.set_prompt(*value))
        else:
            self.controls.act(lambda control: control.set(field, value))

    def close(self) -> None:
        """Cancel what is under way and refuse what comes; the thread can be ended after it."""
        self.present.give_up()
        self.controls.close()

    @property
    def resting(self) -> bool:
        """Whether pictures take nothing from a run or a load: there is none, or the run is
        paused."""
        return self.controls.resting

    # From the threads that make pictures beside the run: see `StepPictures`

    def retouched(
        self,
        run: int,
        index: int,
        scale: float,
        rescale: float,
        in_full: Callable[[], None] | None = None,
    ) -> tuple[QImage, str] | None:
        return self._pictures.retouched(run, index, scale, rescale, in_full)

    def enlarged(
        self, run: int, index: int, looked_at: bool, poll: Callable[[], None]
    ) -> tuple[QImage, str] | None:
        return self._pictures.enlarged(run, index, looked_at, poll)

    def filmed(self, run: int, index: int, poll: Callable[[], None]) -> QImage | None:
        return self._pictures.in_full(run, index, poll)

    # In the worker's thread

    @Slot(object)
    def _load(self, source: ModelSource) -> None:
        self.present.load(source)
        self.controls.end_load()
        self.idle.emit()

    @Slot(object, str, object)
    def _run(self, plan: Plan, folder: str, controls: tuple[Control, ...]) -> None:
        try:
            self._running.run(plan, Path(folder), controls)
        finally:
            self.controls.end(controls)
            self.idle.emit()

    @Slot(str)
    def _write_unsaved(self, folder: str) -> None:
        self._saving.write_unsaved(Path(folder))

    @Slot(int, int, str)
    def _save(self, run: int, index: int, path: str) -> None:
        self._saving.save_unsaved(run, index, path)
