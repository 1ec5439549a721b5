"""Branching: plans for branches and variations of the step that is looked at. `app.wiring` hands
them on to the submission.
"""

from __future__ import annotations

import secrets

from PySide6.QtCore import QObject, Signal, Slot

from app.state.recipe.session import SEEDS, Session
from app.state.runs.history import History
from app.state.runs.plan import Plan
from engine.errors import RequestError


class Branching(QObject):
    """A branch has the guidance and the words of the recipe as they stand now."""

    asked = Signal(object)  # Plan
    refused = Signal(str)

    def __init__(self, session: Session, history: History, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._history = history

    @Slot()
    def branch(self) -> None:
        self._ask(1)

    @Slot(float, int)
    def vary(self, amount: float, count: int) -> None:
        """amount: how much of the noise is fresh, 0 to 1; count: how many variations."""
        self._ask(count, amount, tuple(secrets.randbelow(SEEDS) for _ in range(count)))

    def _ask(self, count: int, vary: float | None = None, seeds: tuple[int, ...] = ()) -> None:
        origin = self._history.origin
        if origin is None:
            return
        try:
            request = self._session.request()
        except RequestError as error:
            self.refused.emit(str(error))
        else:
            self.asked.emit(Plan((request,) * count, origin, vary, seeds))
