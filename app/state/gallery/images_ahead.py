"""ImagesAhead: the images that are ahead of the list that the gallery's index gives: those that
were made just now, and those that have no file in the folder. Part of the gallery model.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

from PySide6.QtCore import QDateTime
from PySide6.QtGui import QImage

from app.state.gallery.image_row import ImageFacts, ImageRow

if TYPE_CHECKING:
    from app.state.runs.run import RunResult, SheetResult


class Said(TypedDict, total=False):
    """What a person says of an image."""

    favourite: bool
    note: str


@dataclass(frozen=True, eq=False)
class Ahead:
    """An image that is ahead of the list that the index gives. key: what its row is called; path:
    "" if it has no file; unsaved: see Picture; number: the look that will find it in the folder,
    None for an image that is not in it."""

    key: str
    row: ImageRow
    path: str
    image: QImage | None = None
    unsaved: tuple[int, int] | None = None
    number: int | None = None


class ImagesAhead:
    """In order, the newest first. folder: the one that the gallery shows."""

    def __init__(self) -> None:
        self.folder: Path | None = None
        self._by_key: dict[str, Ahead] = {}
        self._unnamed = count()

    def __len__(self) -> int:
        return len(self._by_key)

    @property
    def keys(self) -> list[str]:
        return [*self._by_key]

    @property
    def rows(self) -> list[ImageRow]:
        return [ahead.row for ahead in self._by_key.values()]

    def get(self, key: str) -> Ahead | None:
        return self._by_key.get(key)

    def key(self, path: str) -> str:
        """What the row of that file is called: its name, if it is in the folder."""
        file = Path(path)
        return file.name if file.parent == self.folder else path

    def set_folder(self, folder: Path) -> None:
        """What has no file stays, since nobody else has it."""
        self.folder = folder
        self._by_key = {key: ahead for key, ahead in self._by_key.items() if not ahead.path}

    def of_run(self, result: RunResult, number: int) -> list[Ahead]:
        """The images of a run, the last of them first, as their files are newer. number: the look
        that will find them."""
        found, request = [], result.request
        for index, (image, path) in enumerate(zip(result.images, result.paths, strict=True)):
            facts = ImageFacts(
                path or "",
                Path(path).name if path else f"{request.seed + index}.png",
                _now(),
                0,
                image.width(),
                image.height(),
                prompt=request.prompt,
                negative_prompt=request.negative_prompt,
                scheduler=request.scheduler or "",
                seed=request.seed + index,
                steps=request.steps,
                guidance_scale=request.guidance_scale,
            )
            unsaved = None if path else (result.number, index)
            found.append(self._made(facts, image, unsaved, number))
        return found[::-1]

    def of_sheet(self, sheet: SheetResult, number: int) -> Ahead:
        """The labelled picture of a comparison."""
        picture = sheet.picture
        size = picture.image.size() if picture.image else None
        facts = ImageFacts(
            picture.path,
            picture.name,
            _now(),
            0,
            size.width() if size else None,
            size.height() if size else None,
        )
        return self._made(facts, picture.image, picture.unsaved, number)

    def put_in_front(self, images: Iterable[Ahead]) -> None:
        new = {ahead.key: ahead for ahead in images}
        self._by_key = {**new, **self._by_key}

    def unsaved(self, run: int, index: int) -> Ahead | None:
        """Image `index` of that run, if it has no file."""
        found = (one for one in self._by_key.values() if one.unsaved == (run, index))
        return next(found, None)

    def give_file(self, old: Ahead, path: str, number: int) -> Ahead:
        """The image has a file now, at that path. Returns what stands in its place."""
        facts = replace(ImageFacts.of_row(path, old.row), name=Path(path).name)
        new = self._made(facts, None, None, number)
        images = [new if ahead is old else ahead for ahead in self._by_key.values()]
        self._by_key = {ahead.key: ahead for ahead in images}
        return new

    def drop_found(self, heard: int, names: Collection[str]) -> None:
        """Leave out what the list has by now. heard: the last look that it has seen the folder
        after; names: what it has."""
        self._by_key = {
            key: ahead
            for key, ahead in self._by_key.items()
            if ahead.number is None or (ahead.number > heard and key not in names)
        }

    def annotate(self, images: Iterable[Ahead], **said: Unpack[Said]) -> None:
        """An image without a file in the folder has its note for as long as the program runs."""
        for ahead in images:
            row = replace(ImageFacts.of_row(ahead.path, ahead.row), **said).to_row()
            self._by_key[ahead.key] = replace(ahead, row=row)

    def _made(
        self, facts: ImageFacts, image: QImage | None, unsaved: tuple[int, int] | None, number: int
    ) -> Ahead:
        """The image as it stands in front of the list until that look finds it."""
        if not facts.path:
            key = f"/unsaved/{next(self._unnamed)}"  # no name of a file is like that
            return Ahead(key, facts.to_row(), "", image, unsaved)
        is_inside = Path(facts.path).parent == self.folder
        key = self.key(facts.path)
        return Ahead(key, facts.to_row(), facts.path, number=number if is_inside else None)


def _now() -> int:
    return QDateTime.currentMSecsSinceEpoch() * 1_000_000
