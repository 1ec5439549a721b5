"""JSON of strangers, read so that neither its depth nor its numbers do harm. Called by the readers
of `engine.interchange`; how long it may be is `engine.interchange.texts`' limit."""

from __future__ import annotations

import json
from typing import Any

from engine.errors import EngineError

MAX_JSON_PARTS = 200_000
"""Lists and objects in a text of JSON. ComfyUI's largest graphs have some ten thousand; a text
could have millions, which take long to make."""


def read_object(text: str, what: str) -> dict[str, Any]:
    """The object that the text is. what: its name in the error. Raises EngineError for anything
    else; NaN and Infinity are read, as Python writes them, and are for the fields to refuse."""
    check_parts(text, what)
    try:
        value = json.loads(text)
    except RecursionError:
        raise EngineError(f"{what} is nested too deep to be read.") from None
    except ValueError as error:  # also for a number of thousands of digits
        raise EngineError(f"{what} is no JSON that can be read ({error}).") from None
    if not isinstance(value, dict):
        raise EngineError(f"{what} is JSON, but no object with names and values.")
    return value


def check_parts(text: str, what: str) -> None:
    """Raise EngineError for JSON of too many parts. Brackets in its strings count as well."""
    if text.count("[") + text.count("{") > MAX_JSON_PARTS:
        raise EngineError(f"{what} has more than {MAX_JSON_PARTS:,} parts, and so is not read.")


def part(value: dict[str, Any], name: str) -> dict[str, Any]:
    """The object under a name; an empty one where there is none."""
    inner = value.get(name)
    return inner if isinstance(inner, dict) else {}
