"""Grid: pictures over one or two settings, from "guidance=1,4,7,10" to a request for every cell.
Read by the window's Compare and by `render --grid`; run by `engine.compare`. Imports no torch.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from engine.errors import RequestError, did_you_mean, told
from engine.request.forms import TEXT
from engine.request.request import MAX_COUNT, SETTINGS, Request
from engine.request.setting import as_told

MAX_CELLS = MAX_COUNT
AXES = {one.axis: one for one in as_told(SETTINGS.values()) if one.axis}
"""The settings that can be compared, by what they are called there."""
EXAMPLES = {name: one.example for name, one in AXES.items()}


@dataclass(frozen=True)
class Axis:
    """Values of one setting. name: one of `AXES`; labels: what stands at the grid's edge."""

    name: str
    values: tuple[Any, ...]

    @classmethod
    def parse(cls, name: str, text: str) -> Axis:
        """From the values as a person writes them: "1,4,7.5", "0..3", "1..2:0.5", "euler,unipc",
        and prompts with bars between them, "an owl | a cat". Raises RequestError, which names the
        setting."""
        if name not in AXES:
            known = f"there are {', '.join(AXES)}.{did_you_mean(name, AXES)}"
            raise RequestError("grid", f"{told(name)} is no axis; {known}")
        form = AXES[name].form
        words = [word.strip() for word in text.split(form.mark)]
        spread = [one for word in words if word for one in _spread(word, form.spreads)]
        try:
            values = tuple(form.read(word) for word in spread)
        except ValueError:
            raise RequestError(
                "grid",
                f"{told(text)} cannot be read as values of {name}. Write some, like "
                f"{EXAMPLES[name]}.",
            ) from None
        if not values:
            raise RequestError("grid", f"{name} has no values. Write some, like {EXAMPLES[name]}.")
        if len(set(values)) < len(values):
            raise RequestError(
                "grid", f"{name} has a value twice in {told(text)}. Write each once."
            )
        return cls(name, values)

    @property
    def field(self) -> str:
        return AXES[self.name].name

    @property
    def labels(self) -> tuple[str, ...]:
        if AXES[self.name].form is TEXT:  # which says enough by itself
            return tuple(str(value) for value in self.values)
        return tuple(f"{self.name} {_words(value)}" for value in self.values)


@dataclass(frozen=True)
class Grid:
    """The first axis goes from left to right, the second, if there is one, from top to bottom."""

    axes: tuple[Axis, ...]

    def __post_init__(self) -> None:
        names = [axis.name for axis in self.axes]
        if not 1 <= len(names) <= 2:
            raise RequestError("grid", f"has {len(names)} axes. Take one or two.")
        if len(set(names)) < len(names):
            raise RequestError("grid", f"has {names[0]} on both axes. Take another for one.")
        cells = self.columns * self.rows
        if cells > MAX_CELLS:
            raise RequestError(
                "grid", f"has {cells} cells. Take fewer values: {MAX_CELLS} cells are the most."
            )

    @property
    def columns(self) -> int:
        return len(self.axes[0].values)

    @property
    def rows(self) -> int:
        return len(self.axes[1].values) if len(self.axes) > 1 else 1

    @property
    def column_labels(self) -> tuple[str, ...]:
        return self.axes[0].labels

    @property
    def row_labels(self) -> tuple[str, ...]:
        return self.axes[1].labels if len(self.axes) > 1 else ("",)

    def title(self, cell: int) -> str:
        """What is special to that cell, counted row by row: "guidance 4 · seed 1"."""
        row, column = divmod(cell, self.columns)
        labels = (self.column_labels[column], self.row_labels[row])
        return " · ".join(label for label in labels if label)

    def label(self, cell: int) -> str:
        """The same without the names of the settings: "4 · 1"."""
        row, column = divmod(cell, self.columns)
        values = [self.axes[0].values[column]]
        values += [axis.values[row] for axis in self.axes[1:]]
        return " · ".join(_words(value) for value in values)

    def requests(self, request: Request) -> tuple[Request, ...]:
        """A request for every cell, row by row, each for one image. A guidance scale on an axis
        takes the place of the request's curve. Raises RequestError for a value that cannot be."""
        cells = [replace(request, count=1)]
        for axis in reversed(self.axes):
            cells = [_with(cell, axis.field, value) for cell in cells for value in axis.values]
        return tuple(cells)


def _with(request: Request, field: str, value: Any) -> Request:
    """The request with that setting from its beginning to its end."""
    own = {field: value}
    if field == "guidance_scale":
        own["guidance_curve"] = ()
    if field == "scheduler":
        own["scheduler_options"] = {}
    edits = tuple(edit for edit in request.edits if edit.field not in own)
    return replace(request, edits=edits, **own)


def _spread(word: str, spreads: bool) -> Sequence[str]:
    """ "0..3" as 0, 1, 2, 3, and "1..2:0.5" as 1, 1.5, 2, where `spreads` says so."""
    numbers = r"\s*(\d{1,19}(?:\.\d{1,9})?)\s*"
    match = re.fullmatch(rf"{numbers}\.\.{numbers}(?::{numbers})?", word)
    if not match or not spreads:
        return [word]
    low, high, step = (Decimal(number or 1) for number in match.groups())
    if high < low:
        raise RequestError("grid", f"{told(word)} goes down. Write {high}..{low}.")
    if not step:
        raise RequestError(
            "grid", f"{told(word)} goes on by 0. Write another step, like {word[:-1]}1."
        )
    count = (high - low) // step + 1
    if count > MAX_CELLS:
        raise RequestError("grid", f"{told(word)} is more than {MAX_CELLS} values. Take fewer.")
    return [str(low + number * step) for number in range(int(max(count, 0)))]


def _words(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
