"""Objects in JSON of strangers. Called by the readers of `engine.record.interchange`; how long a
text may be is `engine.record.interchange.texts`' limit, the rest `engine.foreign`'s."""

from __future__ import annotations

from typing import Any

from engine.errors import EngineError
from engine.foreign import parse_json


def read_object(text: str, what: str) -> dict[str, Any]:
    """The object that the text is. what: its name in the error. Raises EngineError for anything
    else; NaN and Infinity are read, as Python writes them, and are for the fields to refuse."""
    value = parse_json(text, what)
    if not isinstance(value, dict):
        raise EngineError(f"{what} is JSON, but no object with names and values.")
    return value


def part(value: dict[str, Any], name: str) -> dict[str, Any]:
    """The object under a name; an empty one where there is none."""
    inner = value.get(name)
    return inner if isinstance(inner, dict) else {}
