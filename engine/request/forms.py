"""Forms: which values a setting of a request takes, and how they are written. Each setting names
one in `engine.request.request`; the command line and the axes of a grid read text by it. Imports no
torch.

Every refusal of a value is a RequestError that names the field, with the value.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from engine.errors import RequestError, told
from engine.foreign import NumberError, long_whole

Read = Callable[[str], Any]

JSON_WORDS = {"true": "true", "false": "false", "null": "null", "none": "null"}
"""Values without digits that are no text, in any case, and how JSON has them."""
YES, NO = ("yes", "true", "on", "1"), ("no", "false", "off", "0")


@dataclass(frozen=True)
class Form:
    """check: (name of the field, a value as plain JSON has it) to the value in its own form; raises
    RequestError. read: the value, as yet unchecked, that a text of a person means; raises
    ValueError with a sentence. wanted: what it takes, in words. optional: whether None is taken,
    which means the pipeline's own. mark: what stands between two of them in a list. spreads:
    whether "0..3" is a list of them. in_parts: whether several texts make one value together.
    """

    check: Callable[[str, Any], Any]
    read: Read
    wanted: str
    optional: bool = False
    mark: str = ","
    spreads: bool = False
    in_parts: bool = False


def optional(form: Form) -> Form:
    """The same, which also takes None."""

    def check(name: str, value: Any) -> Any:
        return None if value is None else form.check(name, value)

    return replace(form, check=check, optional=True)


def whole(low: int, high: int) -> Form:
    """A whole number from low to high."""

    def check(name: str, value: Any) -> int:
        check_int(name, value, low, high)
        return value

    return Form(check, read_whole, f"a whole number from {low} to {high}", spreads=True)


def number(low: float, high: float, read: Read | None = None) -> Form:
    """A number from low to high, whole or not. read: takes the place of `read_number`."""

    def check(name: str, value: Any) -> float:
        check_number(name, value, low, high)
        return value

    return Form(check, read or read_number, f"a number from {low:g} to {high:g}", spreads=True)


def one_of(names: tuple[str, ...]) -> Form:
    """One of these words."""
    known = " or ".join(names)

    def check(name: str, value: Any) -> str:
        if value not in names:
            raise RequestError(name, f"{told(value)} is not {known}.")
        return value

    return Form(check, str, known)


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


def read_whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a whole number") from None


def read_number(text: str) -> float:
    """Either decimal sign will do, as in the window."""
    try:
        return float(text if "." in text else text.replace(",", ".", 1))
    except ValueError:
        raise ValueError(f"{text!r} is not a number; write it like 7 or 7.5") from None


def read_share(text: str) -> float:
    """A number from 0 to 1."""
    share = read_number(text)
    if not 0 <= share <= 1:
        raise ValueError(f"{text!r} is not a number from 0 to 1")
    return share


def read_pair(text: str) -> tuple[str, str]:
    """Name and value of "name=value"."""
    name, mark, value = text.partition("=")
    if not mark:
        raise ValueError(f"{text!r} has no =; write the name, = and the value")
    return name.strip(), value


def _read_option(text: str) -> dict[str, Any]:
    """A value that is JSON is what JSON says it is, true, false and null also as Python and others
    write them; all else is text."""
    name, value = read_pair(text)
    word = value.strip().lower()
    try:
        return {name: json.loads(JSON_WORDS.get(word, value))}
    except (ValueError, RecursionError):
        return {name: value}


def _read_part(text: str) -> tuple[float, float]:
    try:
        start, end = (read_number(part) for part in text.split(":"))
    except ValueError:
        raise ValueError(
            f"{text!r} is not a part of the run; write two fractions of it, like 0.2:0.8"
        ) from None
    return start, end


def _read_yes_or_no(text: str) -> bool:
    word = text.strip().lower()
    if word not in (*YES, *NO):
        raise ValueError(f"{text!r} is neither yes nor no")
    return word in YES


def _check_text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise RequestError(name, f"must be text, not {told(value)}.")
    return value


def _check_name(name: str, value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise RequestError(name, f"must be a name or None, not {told(value)}.")
    return value


def _check_yes_or_no(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise RequestError(name, f"must be true or false, not {told(value)}.")
    return value


def _check_options(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise RequestError(name, f"must map names to values, not {told(value)}.")
    # Tuples become lists here and not only in the file, so that a request equals its own JSON.
    try:
        return json.loads(json.dumps(dict(value), allow_nan=False), parse_int=long_whole)
    except (TypeError, ValueError, RecursionError, NumberError):
        raise RequestError(
            name, f"{told(value)} is not plain JSON with ordinary numbers."
        ) from None


def _check_part(name: str, value: Any) -> tuple[float, float]:
    part = listed(name, value)
    if len(part) != 2:
        raise RequestError(name, f"must be two fractions, not {told(part)}.")
    for fraction in part:
        check_number(name, fraction, 0.0, 1.0)
    start, end = part
    if start > end:
        raise RequestError(name, f"starts at {start} but ends before, at {end}.")
    return start, end


TEXT = Form(_check_text, str, "text", mark="|")
"""Any text, also none at all."""
NAME = Form(_check_name, str, "a name", optional=True)
YES_OR_NO = Form(_check_yes_or_no, _read_yes_or_no, "yes or no")
OPTIONS = Form(_check_options, _read_option, "names with values", in_parts=True)
"""Names with plain JSON values."""
PART_OF_A_RUN = Form(_check_part, _read_part, "two fractions of the run")
"""From where to where, as fractions of its steps."""
