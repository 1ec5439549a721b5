"""What a gallery keeper tells: the list to show, what there is to choose from, how far it is, what
went wrong. Plain values that cross from its thread to the gallery model.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.state.gallery.image_row import ImageRow
from app.state.gallery.query import Query


@dataclass(frozen=True)
class Listing:
    """What is to be shown. query: what was asked for; rows and names: of the same images, in order;
    total: images in the folder; heard: the last `look` that this listing has seen the folder after;
    is_there: whether the folder is."""

    folder: Path
    query: Query
    rows: list[ImageRow]
    names: list[str]
    total: int
    heard: int
    is_there: bool


@dataclass(frozen=True)
class Choices:
    models: list[str]
    schedulers: list[str]


@dataclass(frozen=True)
class Progress:
    """How many images have been read of those that there are; 0 of 0 at rest."""

    done: int
    of: int


@dataclass(frozen=True)
class Trashed:
    """How many images come back with the next undo."""

    count: int


@dataclass(frozen=True)
class Trouble:
    sentence: str


class Rest:
    """Nothing is left to do: the index agrees with the folder and has been checked."""
