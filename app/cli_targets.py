"""Where `safelight render` puts its images: the names, and that none is lost when one cannot be
written. Called by `app.cli`. Imports neither Qt nor torch.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from app import paths
from engine.errors import EngineError, SaveError


class Targets:
    """`-o x.png` (x-1.png, x-2.png, … for several), which may be overwritten, or automatic names in
    a folder, which never overwrite.

    output: what `output_path` takes; None means the folder here. count: images to come. save:
    writes (image, path, record, index), as `engine.save` does. notes: what files had no room for,
    in sentences.
    Raises SaveError where nothing can be written, which is found out now and not after the work.
    """

    def __init__(self, output: str | None, count: int, save: Callable[..., Any]):
        path = Path(output or ".")
        to_folder = path.is_dir() or _ends_as_folder(output)
        self._folder, self._file = (path, None) if to_folder else (path.parent, path)
        self._count = count
        self._write = save
        self._saved: dict[int, Path] = {}
        self.notes: list[str] = []
        try:
            tempfile.TemporaryFile(dir=self._folder).close()
        except OSError as error:
            raise SaveError(
                f"Images cannot be written into {self._folder} ({error.strerror}). Choose another "
                "folder with -o."
            ) from None

    @property
    def saved(self) -> list[Path]:
        """What is written, in the order of the images' numbers."""
        return [self._saved[number] for number in sorted(self._saved)]

    def save(self, finished: Any, first: int) -> None:
        """Write a run's images, which are number `first` (from 0) and those after it. What cannot
        be written there is kept in the folder for temporary files, and the EngineError that is
        raised in the end says where."""
        problems = []
        for index, image in enumerate(finished.images):
            seed = finished.record.request.seed + index
            try:
                self._saved[first + index] = self._save(finished, index, first + index, seed)
            except (EngineError, OSError) as error:
                with paths.new_image(Path(tempfile.gettempdir()), seed) as refuge:
                    self._write(image, refuge, finished.record, index)
                problems.append(f"{error} It is kept as {refuge}.")
        if problems:
            raise EngineError(" ".join(problems))

    def save_sheet(self, sheet: Any) -> Path | None:
        """Write the sheet of a grid under the name of its first image, or of -o, and `-grid`; None
        where no image could be written. Raises SaveError, and then leaves nothing behind."""
        named = self._file or next(iter(self.saved), None)
        if named is None:
            return None
        path = named.with_stem(f"{named.stem}-grid")
        self._write(sheet, path, None)
        return path

    def _save(self, finished: Any, index: int, number: int, seed: int) -> Path:
        if self._file is None:
            target = paths.new_image(self._folder, seed)
        elif self._count == 1:
            target = nullcontext(self._file)
        else:
            target = nullcontext(self._file.with_stem(f"{self._file.stem}-{number + 1}"))
        with target as path:
            notes = self._write(finished.images[index], path, finished.record, index)
        self.notes += notes or ()
        return path


def output_path(text: str) -> str:
    """What `-o` takes: a folder, also one to come, or a file of a kind that pictures are saved in.
    Raises ArgumentTypeError."""
    endings = (".png", ".jpg", ".jpeg", ".webp")
    path = Path(text)
    if path.is_dir() or _ends_as_folder(text) or path.suffix.lower() in endings:
        return text
    raise argparse.ArgumentTypeError(
        f"{text} is neither a folder nor a name that ends with {', '.join(endings)}"
    )


def _ends_as_folder(output: str | None) -> bool:
    return bool(output) and output[-1] in (os.sep, "/")
