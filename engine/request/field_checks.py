"""What the values of a request's fields may be. Called by `engine.request`; every refusal is a
RequestError that names the field, with the value.
"""

from __future__ import annotations

import math
from typing import Any

from engine.errors import RequestError, told


def is_int(value: object) -> bool:
    """Whether it is a whole number; true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def check_int(name: str, value: object, low: int, high: int) -> None:
    """Raise RequestError for what is no whole number from low to high."""
    if not is_int(value):
        raise RequestError(name, f"{told(value)} is not a whole number.")
    if not low <= value <= high:  # type: ignore[operator]
        raise RequestError(name, f"{told(value)} is outside {low} to {high}.")


def check_number(name: str, value: object, low: float, high: float) -> None:
    """Raise RequestError for what is no number from low to high."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    # A whole number of hundreds of digits is finite, and more than math.isfinite can take.
    if not is_number or (isinstance(value, float) and not math.isfinite(value)):
        raise RequestError(name, f"{told(value)} is not a finite number.")
    if not low <= value <= high:  # type: ignore[operator]
        raise RequestError(name, f"{told(value)} is outside {low:g} to {high:g}.")


def listed(name: str, value: object) -> tuple[Any, ...]:
    """The values of a list or a tuple. Raises RequestError for anything else."""
    if not isinstance(value, list | tuple):
        raise RequestError(name, f"must be a list, not {told(value)}.")
    return tuple(value)
