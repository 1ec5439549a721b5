"""Saving: the images of the runs written as files, and those that could not be written, until they
can. Called by the worker, in its own thread.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app import paths
from app.i18n import tr
from app.state import pixels
from app.state.gallery.picture import Picture
from app.state.runs.run import SheetResult
from app.worker.sentences import sentence_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from PIL.Image import Image

    from app.state.runs.plan import BegunRun
    from app.worker.engine_door import Engine
    from app.worker.signals import WorkerSignals
    from engine.record.record import Record
    from engine.request.grid import Grid

SHEET = -1
"""The number of a comparison's sheet among its images."""


class Saving:
    def __init__(self, engine: Engine, tell: WorkerSignals) -> None:
        self._engine = engine
        self._tell = tell
        self._unsaved: dict[tuple[int, int], tuple[Image, Record | None]] = {}  # by run and image

    def save_images(
        self,
        run: int,
        images: Sequence[Image],
        record: Record,
        folder: Path,
        written: Mapping[int, str],
    ) -> tuple[tuple[str | None, ...], str]:
        """The files of a run's images, None for those that could not be written, and why. written:
        files that are there already, by the image's number."""
        found: list[str | None] = []
        save_error = ""
        for index, image in enumerate(images):
            path, problem = written.get(index), ""
            if path is None:
                path, problem = self._write(image, record, index, folder, _seed(record, index))
            if path is None:
                self._unsaved[run, index] = (image, record)
            found.append(path)
            save_error = save_error or problem
        return tuple(found), save_error

    def save_sheet(
        self, grid: Grid, first: BegunRun, images: Sequence[Image | None], folder: Path
    ) -> SheetResult:
        """All pictures of a comparison as one labelled picture, written as a file. first: the first
        of its runs."""
        whole = self._engine.sheet(grid, images)
        name = f"{first.request.seed}-grid"
        path, problem = self._write(whole, None, 0, folder, name)
        if path is None:
            unsaved = (first.number, SHEET)
            self._unsaved[unsaved] = (whole, None)
            picture = Picture(f"{name}.png", pixels.from_pil(whole), unsaved=unsaved)
        else:
            picture = Picture(Path(path).name, pixels.from_pil(whole), path)
        return SheetResult(picture, problem)

    def write_unsaved(self, folder: Path) -> None:
        """Try again to write all images that could not be written."""
        reason = ""
        for (run, index), (image, record) in list(self._unsaved.items()):
            name = _seed(record, index) if record else f"{run}-grid"
            path, problem = self._write(image, record, max(index, 0), folder, name)
            if path is None:
                reason = problem
                break
            del self._unsaved[run, index]
            self._tell.written.emit(run, index, path)
        self._tell.stillUnwritten.emit(len(self._unsaved), reason)

    def save_unsaved(self, run: int, index: int, path: str) -> None:
        """Write one of them to that path."""
        try:
            image, record = self._unsaved[run, index]
            self._engine.save(image, path, record, max(index, 0))
        except Exception as error:
            self._tell.saveFailed.emit(sentence_of(error, tr("save the image")))
        else:
            self._tell.saved.emit(path)

    def _write(
        self, image: Image, record: Record | None, index: int, folder: Path, name: int | str
    ) -> tuple[str | None, str]:
        """The path of the written file and no problem, or no path and why."""
        try:
            with paths.new_image(folder, name) as path:
                self._engine.save(image, path, record, index)
        except Exception as error:
            return None, sentence_of(error, tr("save the image"))
        return str(path), ""


def _seed(record: Record, index: int) -> int:
    return record.request.seed + index
