"""What is known of one image: `ImageRow`, as the gallery's index has it, and `ImageFacts`, as
everybody else reads it. Made by the index, the keeper and the gallery.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import msgspec

from app.state.gallery.notes import clean
from app.state.gallery.words import LONGEST_TEXT

HALF = 2**63
"""Seeds have 64 bits without a sign, integers of SQLite have one."""


class ImageRow(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """An image as the database has it, a column each. Fifty thousand of them lie in memory, and a
    garbage collection would take 60 ms to go through named tuples; it passes these over.

    id: 0 for an image that the index does not have; changed: nanoseconds since 1970; seed: less
    HALF; favourite, looked: 0 or 1, looked for whether its file was read.
    """

    id: int
    name: str
    changed: int
    bytes: int
    width: int | None
    height: int | None
    prompt: str
    negative_prompt: str
    model: str
    scheduler: str
    seed: int | None
    steps: int | None
    guidance_scale: float | None
    program: str
    favourite: int
    note: str
    looked: int

    @property
    def stamp(self) -> tuple[int, int]:
        """Of the file: when it was changed, and its bytes."""
        return self.changed, self.bytes

    @property
    def values(self) -> tuple[Any, ...]:
        """What the columns hold."""
        return msgspec.structs.astuple(self)

    @staticmethod
    def of_database(found: list[tuple[Any, ...]]) -> list[ImageRow]:
        """The rows that were read. Raises ValueError where a column holds another kind of value,
        which SQLite allows, and so does a damaged file."""
        return msgspec.convert(found, list[ImageRow])

    def replaced(self, **changes: int | str | None) -> ImageRow:
        """The row with other values in these columns."""
        return msgspec.structs.replace(self, **changes)


COLUMNS = ImageRow.__struct_fields__


@dataclass(frozen=True)
class ImageFacts:
    """What is known of one image. path: "" for an image without a file; changed: nanoseconds since
    1970; what is not known is None or ""."""

    path: str
    name: str
    changed: int = 0
    bytes: int = 0
    width: int | None = None
    height: int | None = None
    prompt: str = ""
    negative_prompt: str = ""
    model: str = ""
    scheduler: str = ""
    seed: int | None = None
    steps: int | None = None
    guidance_scale: float | None = None
    program: str = ""
    favourite: bool = False
    note: str = ""

    @classmethod
    def of_row(cls, path: str, row: ImageRow) -> ImageFacts:
        known = {field.name: getattr(row, field.name) for field in fields(cls)[1:]}
        if row.seed is not None:
            known["seed"] = row.seed + HALF
        known["favourite"] = bool(row.favourite)
        return cls(path, **known)

    def to_row(self, ident: int = 0, looked: bool = True) -> ImageRow:
        """The row with everything in the form that SQLite can hold."""
        return ImageRow(
            ident,
            self.name,
            _integer(self.changed) or 0,
            _integer(self.bytes) or 0,
            _integer(self.width),
            _integer(self.height),
            _text(self.prompt),
            _text(self.negative_prompt),
            _text(self.model),
            _text(self.scheduler),
            _integer(self.seed - HALF) if isinstance(self.seed, int) else None,
            _integer(self.steps),
            _number(self.guidance_scale),
            _text(self.program),
            int(self.favourite),
            _text(self.note),
            int(looked),
        )


def _text(value: object) -> str:
    return clean(value[:LONGEST_TEXT]) if isinstance(value, str) else ""


def _integer(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool) and -HALF <= value < HALF:
        return value
    return None


def _number(value: object) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e30:
        return float(value)
    return None
