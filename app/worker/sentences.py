"""What the worker says where something did not succeed: every exception of its threads becomes a
sentence for the person. Called by all jobs of the worker.
"""

from __future__ import annotations

import logging

from app.i18n import tr
from engine.errors import EngineError

log = logging.getLogger("safelight")


class GivenUp(Exception):
    """Unwinds the making of a picture that has to give way."""


def sentence_of(error: Exception, task: str) -> str:
    """What to tell the person. Errors of the engine are sentences already."""
    if isinstance(error, EngineError):
        return str(error)
    if isinstance(error, MemoryError):
        return tr(
            "There was too little memory to {task}. Close other programs, or take a smaller size "
            "or fewer images at once.",
            task=task,
        )
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        return tr(
            "It was not possible to {task} ({reason}).",
            task=task,
            reason=f"{place}{error.strerror or error}",
        )
    log.error("could not %s", task, exc_info=error)
    return tr(
        "Something unexpected happened while trying to {task} ({kind}: {reason}). You can try "
        "again.",
        task=task,
        kind=type(error).__name__,
        reason=error,
    )
