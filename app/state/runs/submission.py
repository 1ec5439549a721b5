"""Submission: how what is asked for becomes a plan of the queue: a request of the recipe, a branch,
what is opened again, what the last session left.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from app.state.runs.plan import Plan
from engine.errors import EngineError

if TYPE_CHECKING:
    from app.state.runs.queue import Queue
    from app.state.runs.run import Run
    from engine.request.request import Request


class Submission(QObject):
    """standalone: the plan of a branch with what it does without the timeline, or an EngineError
    where its step is not in memory any more. prediction_type: what the person said that a model
    predicts, None if nothing."""

    cancelAsked = Signal()  # of the run under way, whose place a branch takes
    refused = Signal(str)

    def __init__(
        self,
        queue: Queue,
        run: Run,
        standalone: Callable[[Plan], Plan],
        prediction_type: Callable[[str], str | None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._queue = queue
        self._run = run
        self._standalone = standalone
        self._prediction_type = prediction_type

    @Slot(object)
    def submit(self, request: Request) -> None:
        self._queue.submit(Plan((request,)))

    @Slot(object)
    def submit_branch(self, plan: Plan) -> None:
        """A branch of a paused run takes its place at once; its steps stay in the timeline, and it
        can go on from any of them. Of a run that goes on, the branch waits its turn."""
        try:
            plan = self._standalone(plan)
        except EngineError as error:
            self.refused.emit(str(error))
            return
        if self._run.paused:
            self._queue.submit_first(plan)
            self.cancelAsked.emit()
        else:
            self._queue.submit(plan)

    @Slot(object)
    def submit_for_its_model(self, plan: Plan) -> None:
        self.submit_for_their_models((plan,))

    @Slot(tuple)
    def submit_for_their_models(self, plans: tuple[Plan, ...]) -> None:
        """What the last session left, or an image that is opened again, is made with the model that
        it was for, and with what the person said that this one predicts."""
        untold = {plan.source for plan in plans if plan.prediction_type is None} - {""}
        told = {source: self._prediction_type(source) for source in untold}
        predicted = {source: kind for source, kind in told.items() if kind is not None}
        self._queue.submit_all(
            tuple(
                replace(plan, prediction_type=predicted[plan.source])
                if plan.source in predicted and plan.prediction_type is None
                else plan
                for plan in plans
            )
        )
