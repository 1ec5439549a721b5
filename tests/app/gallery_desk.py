"""A gallery keeper driven by hand, without threads or an event loop, on real files; and files that
say what their settings are in the plainest way. For the tests of the gallery's state.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from app.state.gallery.image_row import ImageFacts
from app.state.gallery.keeper import GalleryKeeper
from app.state.gallery.messages import Listing, Trouble
from app.state.gallery.query import Query

FIRST = 1_700_000_000
"""When the oldest image was made, in seconds."""


def write(path: Path, age: int, **fields: Any) -> None:
    """A file that `recipe_of` can read, made that many seconds after the first one."""
    path.write_text(json.dumps(fields), encoding="utf-8")
    os.utime(path, (FIRST + age, FIRST + age))


def recipe_of(path: str) -> Any:
    fields = json.loads(Path(path).read_text(encoding="utf-8"))
    return SimpleNamespace(fields=fields, model=fields.get("model", ""), program="Test")


class Desk:
    """told: everything that the keeper has told, the latest last."""

    def __init__(self, folder: Path, index_folder: Path) -> None:
        self.told: list[object] = []
        self.read: list[str] = []
        self.folder = folder
        self.keeper = GalleryKeeper(index_folder, self._recipe_of, self.told.append)
        self._number = 1
        self.keeper.set_folder(folder, 1)
        self.settle()

    def settle(self) -> None:
        """Until nothing is left to do."""
        for _ in range(100_000):
            if not self.keeper.step():
                return
        raise AssertionError("the keeper finds no rest")

    def look(self) -> None:
        self._number += 1
        self.keeper.look(self._number)
        self.settle()

    def search(self, text: str) -> list[str]:
        self.keeper.set_query(Query(search=text))
        return self.names

    @property
    def listing(self) -> Listing:
        return [word for word in self.told if isinstance(word, Listing)][-1]

    @property
    def names(self) -> list[str]:
        return self.listing.names

    @property
    def facts(self) -> Mapping[str, ImageFacts]:
        return {row.name: ImageFacts.of_row("", row) for row in self.listing.rows}

    @property
    def troubles(self) -> list[str]:
        return [word.sentence for word in self.told if isinstance(word, Trouble)]

    def _recipe_of(self, path: str) -> Any:
        self.read.append(Path(path).name)
        return recipe_of(path)
