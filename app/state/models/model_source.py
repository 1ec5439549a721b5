"""ModelSource: what makes a loaded model what it is. The worker loads by it, and the runs remember
it.
"""

from __future__ import annotations

from typing import NamedTuple


class ModelSource(NamedTuple):
    """source: as `engine.load` takes it; prediction_type: what the person said that a file predicts
    which does not tell it."""

    source: str
    prediction_type: str | None = None
