"""What a network predicts: the names that `engine.load` and scheduler_config.json have for it. Used
by the layouts.
"""

from __future__ import annotations

from engine.errors import LoadError

PREDICTION_TYPES = ("epsilon", "v_prediction", "sample")


def checked_prediction_type(name: str | None) -> str | None:
    """The same name, or None. Raises LoadError for a name that is none of these."""
    if name is not None and name not in PREDICTION_TYPES:
        raise LoadError(
            f"{name!r} is no prediction type: give one of {', '.join(PREDICTION_TYPES)}."
        )
    return name
