"""Steering: what a moved slider or a new prompt means at this moment: for the run under way, for
the step that is looked at, or only for the next run. `app.wiring` connects it to the worker.
"""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal, Slot

from app.state.recipe.session import Session
from app.state.runs.history import History
from app.state.runs.plan import Plan
from app.state.runs.run import Run
from engine.families.family import Ability


class Steering(QObject):
    """While the newest step is looked at, the run is steered. An earlier step, or the newest one of
    a paused run, is shown as it would have been under the guidance that the slider has now."""

    steered = Signal(str, object)  # field, value; see Worker.steer
    retouchAsked = Signal(int, int, float, float)  # run, evaluation, guidance scale, rescale
    wordsSteerableChanged = Signal(bool)

    def __init__(
        self, session: Session, run: Run, history: History, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._run = run
        self._history = history
        self._plan: Plan | None = None  # that the worker has, begun or about to
        self._words = ("", "")  # that it follows now

    @Slot(object)
    def release(self, plan: Plan) -> None:
        """The worker has been asked for these runs: what moves from now on is too late for their
        requests."""
        self._plan = plan
        self._words = (plan.requests[0].prompt, plan.requests[0].negative_prompt)
        self.refresh()

    @Slot()
    def rest(self) -> None:
        """The worker has done what it was asked for."""
        self._plan = None
        self.refresh()

    def steer(self, field: str, value: object) -> None:
        """A control of that setting has been moved."""
        run, step = self._run, self._history.step
        if self._is_steerable and (not run.running or self._history.following or step is None):
            self.steered.emit(field, value)
        if step is None or not self._is_open(step.run, step.index):
            return
        if not self._history.following or run.paused:
            scale, rescale = self._session.guidance_scale, self._session.guidance_rescale
            self.retouchAsked.emit(step.run, step.index, scale, rescale)

    @Slot(float)
    def move_scale(self, scale: float) -> None:
        self.steer("guidance_scale", scale)

    @Slot(float)
    def move_rescale(self, rescale: float) -> None:
        self.steer("guidance_rescale", rescale)

    @Slot()
    def use_words(self) -> None:
        """The run follows the prompts of the recipe from its next step on."""
        if self._is_steerable:
            self._words = self._drafted
            self.steered.emit("words", self._words)
            self.refresh()

    @Slot()
    def refresh(self) -> None:
        """The recipe or the run has changed: tell whether the words could be used in it."""
        reads_words = Ability.PROMPT in self._session.abilities
        differ = self._drafted != self._words and reads_words
        self.wordsSteerableChanged.emit(self._is_steerable and differ)

    @property
    def _is_steerable(self) -> bool:
        return self._plan is not None and self._plan.steerable

    @property
    def _drafted(self) -> tuple[str, str]:
        return self._session.prompt, self._session.negative_prompt

    def _is_open(self, number: int, index: int) -> bool:
        """Whether the step is not the one that stands for a finished image."""
        run = self._history.runs[number]
        return run.running or index < run.steps[-1].index or run.result is None
