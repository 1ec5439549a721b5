"""The one door for strangers' bytes: whatever opens a file, a text or a number that the program did
not make goes through here, which looks at kind, size and format before anything is waited for or
unpacked. Called by everything that reads; imports neither torch nor Pillow.

Every refusal is an EngineError of one sentence. A file that is not there stays FileNotFoundError,
and what else the system says stays OSError, for the caller to tell in its own words.
"""

from __future__ import annotations

import json
import math
import os
import re
import stat
from io import BufferedReader
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from engine.atomic import shown_path
from engine.errors import EngineError, told
from engine.heads import Head, bare_png, read_head

MOST_PARTS = 200_000
"""Lists and objects in a text of JSON. ComfyUI's largest graphs have some ten thousand; a text
could have millions, which take long to make."""
MOST_DEPTH = 100
"""Lists and objects within each other. Graphs of nodes have ten."""
SMALLEST, LARGEST = -(2**63), 2**64 - 1
"""Whole numbers that 64 bits can hold, with a sign or without."""
MOST_UNPACKED = 2**28
"""Bytes of a picture in memory, 67 million pixels: what Qt allows for an image."""
LONGEST_PICTURE = MOST_UNPACKED + 2**26
"""Bytes of a file: such a picture as badly packed as can be, and texts."""
OPENING = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)  # a pipe or a device would be waited for
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
)
LONE_SURROGATE = re.compile("[\ud800-\udfff]")
"""Half of a letter. JSON can name one, and nothing can write it down."""
KINDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "null": "nothing",
    "array": "a list",
    "object": "a list of names with values",
}
"""What msgspec calls the kinds of values, in words."""
_EXPECTED = re.compile(r"Expected `([^`]+)`(.*?)(?:, got .*)?")
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")

T = TypeVar("T")


def open_file(path: str | os.PathLike[str], limit: int | None = None) -> BufferedReader:
    """The file, opened to be read; links are followed. Raises EngineError for anything but a
    regular file, and for one longer than `limit` bytes; never waits for a pipe or a device."""
    try:
        _check(path, Path(path).stat(), limit)
        descriptor = os.open(path, OPENING)
    except ValueError:
        raise EngineError(
            f"{shown_path(path)} is no name that a file can have: check it."
        ) from None
    try:
        _check(path, os.fstat(descriptor), limit)  # it may have changed since
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_bytes(path: str | os.PathLike[str], limit: int) -> bytes:
    """All of a file of at most `limit` bytes; for the rest see `open_file`."""
    with open_file(path, limit) as file:
        content = file.read(limit + 1)
    if len(content) > limit:  # it grows, or its system does not tell its length
        _refuse_long(path, len(content), limit)
    return content


def read_text(path: str | os.PathLike[str], limit: int) -> str:
    """All of a file of at most `limit` bytes, as UTF-8; a mark at its beginning is left out. Raises
    EngineError also where it is no UTF-8."""
    try:
        return read_bytes(path, limit).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise EngineError(
            f"{shown_path(path)} holds no text in UTF-8 (byte {error.start:,}): save it as UTF-8, "
            "or fetch it again."
        ) from None


def read_json(path: str | os.PathLike[str], limit: int) -> Any:
    """What a file of JSON of at most `limit` bytes holds; see `parse_json`."""
    return parse_json(read_text(path, limit), shown_path(path))


def parse_json(text: str, what: str, *, exact: bool = False) -> Any:
    """The value that a text of JSON is; how long it may be is for the caller to say. what: its name
    in the error, which begins the sentence. exact: for what we have written ourselves, if it is
    what it says: whole numbers are any that a double can hold, and half a letter stays.

    Raises EngineError for more than MOST_PARTS lists and objects (brackets in strings count as
    well), for more than MOST_DEPTH within each other, and for numbers that neither 64 bits nor a
    double can hold. NaN and Infinity are read, as Python writes them; see `finite`. Half a letter
    (a lone surrogate) becomes U+FFFD.
    """
    check_parts(text, what)
    try:
        value = json.loads(text, parse_int=long_whole if exact else whole, parse_float=finite)
        return _harmless(value, deep=f"{what} is nested too deep to be read.", exact=exact)
    except RecursionError:
        raise EngineError(f"{what} is nested too deep to be read.") from None
    except ValueError as error:
        raise EngineError(f"{what} is no JSON that can be read ({error}).") from None
    except NumberError as error:
        raise EngineError(f"{what} cannot be read: {error}") from None


def fitted(value: object, kind: type[T], what: str) -> T:
    """A plain value, such as `parse_json` reads, as a value of that kind: anything that
    `msgspec.convert` makes, so a dataclass, a NamedTuple, a Struct or `list[tuple[int, str]]`.
    Whole numbers serve as numbers, and nothing else is turned into another kind. what: the value's
    name in the error, which begins the sentence. Raises EngineError that names the place and the
    value that does not fit. A ValueError in a `__post_init__` is told in its own words.
    """
    import msgspec  # which takes a while, and a start of the program may do without

    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `")
        raise EngineError(f"{what} cannot be used: {_misfit(value, message, path)}") from None
    except UnicodeEncodeError:
        raise EngineError(f"{what} has a name that is no text.") from None
    except RecursionError:
        raise EngineError(f"{what} is nested too deep to be read.") from None


class NumberError(EngineError):
    """What should be a number is none, or none that can be used."""


def check_parts(text: str, what: str) -> None:
    """Raise EngineError for JSON of too many parts; `parse_json` does."""
    if text.count("[") + text.count("{") > MOST_PARTS:
        raise EngineError(f"{what} has more than {MOST_PARTS:,} parts, and so is not read.")


def picture_head(path: str | os.PathLike[str]) -> Head:
    """What the first bytes of a PNG, a JPEG or a WebP tell, whatever the file is called. Raises
    EngineError for any other file."""
    with open_file(path) as file:
        try:
            return read_head(file)
        except EngineError as error:
            raise _no_picture(path, error) from None


def read_picture(path: str | os.PathLike[str]) -> tuple[Head, bytes]:
    """The head of a PNG, a JPEG or a WebP, and its bytes for a reader of that very format: of a PNG
    only those that pixels are in. Raises EngineError for any other file, for one longer than
    LONGEST_PICTURE, and for one that would unpack to more than MOST_UNPACKED."""
    with open_file(path, LONGEST_PICTURE) as file:
        try:
            head = read_head(file)
            if head.unpacked > MOST_UNPACKED:
                raise EngineError(f"it has {head.width:,} by {head.height:,} pixels: too many")
            file.seek(0)
            content = file.read(LONGEST_PICTURE)
            return head, bare_png(content) if head.format == "PNG" else content
        except EngineError as error:
            raise _no_picture(path, error) from None


def is_there(path: str | os.PathLike[str]) -> bool:
    """Whether anything has that path, as far as can be told: not where a folder on the way may not
    be looked into, nor for a name that no file can have."""
    return os.path.exists(path)  # noqa: PTH110 -- Path's own raises in both cases


def is_folder(path: str | os.PathLike[str]) -> bool:
    """Whether a folder has that path, as far as can be told; see `is_there`."""
    return os.path.isdir(path)  # noqa: PTH112


def finite(value: object) -> float:
    """A stranger's number, given as an int, a float or text. Raises NumberError for anything else,
    and for what is infinite or none."""
    try:
        if isinstance(value, (int, float, str)) and not isinstance(value, bool):
            number = float(value)
            if math.isfinite(number):
                return number
    except (ValueError, OverflowError):
        pass
    raise NumberError(f"{told(value)} is no number that can be used.")


def whole(value: object) -> int:
    """A stranger's whole number, given as an int, as a float such as 20.0, or as text of either.
    Raises NumberError for anything else, and for what 64 bits do not hold."""
    if isinstance(value, str) and len(value) <= 40:
        try:
            value = int(value)
        except ValueError:
            value = finite(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and SMALLEST <= value <= LARGEST:
        return value
    raise NumberError(f"{told(value)} is no whole number that can be used.")


def long_whole(digits: str) -> int:
    """The whole number that the digits are. Raises NumberError for one that no double can hold."""
    if len(digits) <= 400:
        number = int(digits)
        finite(number)
        return number
    raise NumberError(f"{told(digits)} is no number that can be used.")


def _misfit(value: object, message: str, path: str) -> str:
    """What does not fit, as a sentence. path: where, as msgspec writes it: "$.name[0]`"."""
    place = ""
    for step in _STEP.finditer(path):
        name, number = step.groups()
        try:
            value = value[name if name else int(number)]  # type: ignore[index]
        except (LookupError, TypeError):
            break
        place += step[0]
    place = place.removeprefix(".")
    if match := re.fullmatch("Object missing required field `(.*)`", message):
        return f"{place or 'it'} lacks {match[1]}."
    if match := re.fullmatch("Object contains unknown field `(.*)`", message, re.DOTALL):
        return f"{place or 'it'} has {told(match[1])}, which nothing here knows."
    if match := _EXPECTED.fullmatch(message):
        wanted = " or ".join(KINDS.get(kind, kind) for kind in match[1].split(" | "))
        if "[...]" in path or path.startswith("key"):
            part = "a name" if path.startswith("key") else "a value"
            return f"{place or 'it'} has {part} that should be {wanted}{match[2]}."
        return f"{place or 'it'} is {told(value)}, and should be {wanted}{match[2]}."
    if message.startswith("Invalid enum value"):
        return f"{place or 'it'} is {told(value)}, which is none of those that it can be."
    return f"{place}: {message}" if place else message


def _no_picture(path: str | os.PathLike[str], error: EngineError) -> EngineError:
    return EngineError(f"{shown_path(path)} cannot be read ({error}). Choose an image file.")


def _check(path: str | os.PathLike[str], status: os.stat_result, limit: int | None) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise EngineError(
            f"{shown_path(path)} cannot be read (it is a folder): give the file itself."
        )
    if not stat.S_ISREG(status.st_mode):
        raise EngineError(
            f"{shown_path(path)} cannot be read (it is a pipe, a device or the like): give an "
            "ordinary file."
        )
    if limit is not None and status.st_size > limit:
        _refuse_long(path, status.st_size, limit)


def _refuse_long(path: str | os.PathLike[str], length: int, limit: int) -> NoReturn:
    raise EngineError(
        f"{shown_path(path)} has {length:,} bytes, where at most {limit:,} are read: check that it "
        "is the right file."
    )


def _harmless(value: Any, deep: str, exact: bool) -> Any:
    """The value, in which every text can be written down, unless it is to be exact. deep: what to
    say if it is too deep."""
    whole_value = [value]
    waiting: list[tuple[Any, int]] = [(whole_value, 0)]
    while waiting:
        part, depth = waiting.pop()
        if depth > MOST_DEPTH:
            raise EngineError(deep)
        if isinstance(part, dict) and not exact:
            for name in [name for name in part if LONE_SURROGATE.search(name)]:
                part[LONE_SURROGATE.sub("\ufffd", name)] = part.pop(name)
        for place, inner in part.items() if isinstance(part, dict) else enumerate(part):
            if isinstance(inner, str):
                if not exact and LONE_SURROGATE.search(inner):
                    part[place] = LONE_SURROGATE.sub("\ufffd", inner)
            elif isinstance(inner, (dict, list)):
                waiting.append((inner, depth + 1))
    return whole_value[0]
