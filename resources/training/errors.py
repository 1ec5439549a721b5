"""TrainingError: what a person can mend, in one clear sentence. Raised by every stage, printed by
`resources.training.__main__`."""

from __future__ import annotations


class TrainingError(Exception):
    """Says what was wrong, with the value, and what to do about it."""
