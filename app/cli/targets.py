"""Where `safelight render` puts its images: the names, that no two results have the same, and that
none is lost when one cannot be written. Called by `app.cli.render`. Imports neither Qt nor torch.
"""

from __future__ import annotations

import argparse
import os
import re
import tempfile
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app import paths
from engine.errors import EngineError, SaveError
from engine.foreign import is_folder

if TYPE_CHECKING:
    from PIL.Image import Image

    from engine.record.record import Record


class Targets:
    """`-o x.png` (x-1.png, x-2.png, … for several), which may be overwritten, or automatic names in
    a folder, which never overwrite.

    output: what `output_path` takes; None means the folder here. count: images to come. save:
    writes (image, path, record, index), as `engine.save` does. notes: what files had no room for,
    in sentences.
    Raises SaveError where nothing can be written, which is found out now and not after the work.
    """

    def __init__(self, output: str | None, count: int, save: Callable[..., Any]):
        self._file = named_file(output)
        self._folder = self._file.parent if self._file else Path(output or ".")
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

    def save(self, images: Sequence[Image], record: Record, first: int) -> None:
        """Write a run's images, which are number `first` (from 0) and those after it. What cannot
        be written there is kept in the folder for temporary files, and the EngineError that is
        raised in the end says where."""
        problems = []
        for index, image in enumerate(images):
            seed = record.request.seed + index
            try:
                self._saved[first + index] = self._save(image, record, index, first + index)
            except (EngineError, OSError) as error:
                with paths.new_image(Path(tempfile.gettempdir()), seed) as refuge:
                    self._write(image, refuge, record, index)
                problems.append(f"{error} It is kept as {refuge}.")
        if problems:
            raise EngineError(" ".join(problems))

    def save_sheet(self, sheet: Image) -> Path | None:
        """Write the sheet of a grid under the name of its first image, or of -o, and `-grid`; None
        where no image could be written. Raises SaveError, and then leaves nothing behind."""
        named = self._file or next(iter(self.saved), None)
        if named is None:
            return None
        path = _of_grid(named)
        self._write(sheet, path, None)
        return path

    def _save(self, image: Image, record: Record, index: int, number: int) -> Path:
        if self._file is None:
            target = paths.new_image(self._folder, record.request.seed + index)
        else:
            target = nullcontext(numbered(self._file, number, self._count))
        with target as path:
            notes = self._write(image, path, record, index)
        self.notes += notes or ()
        return path


def output_path(text: str) -> str:
    """What `-o` takes: a folder, also one to come, or a file of a kind that pictures are saved in.
    Raises ArgumentTypeError."""
    endings = (".png", ".jpg", ".jpeg", ".webp")
    path = Path(text)
    if is_folder(path) or _ends_as_folder(text) or path.suffix.lower() in endings:
        return text
    raise argparse.ArgumentTypeError(
        f"{text} is neither a folder nor a name that ends with {', '.join(endings)}"
    )


def named_file(output: str | None) -> Path | None:
    """The file that `-o` names; None where it is a folder, in which names are made."""
    path = Path(output or ".")
    return None if is_folder(path) or _ends_as_folder(output) else path


def numbered(path: Path, number: int, count: int) -> Path:
    """The name of result `number` (from 0) of `count` that are asked for under one name."""
    return path if count == 1 else path.with_stem(f"{path.stem}-{number + 1}")


def clash(arguments: argparse.Namespace, images: int, runs: int) -> str | None:
    """Which two things would come to lie under one name, in a sentence, of what the arguments ask
    for and what they read; None if all have their own. An image may take the place of the one that
    it branches off from."""
    results = [*_results(arguments, images, runs)]
    taken: dict[str, str] = {}
    for what, path in results:
        other = taken.setdefault(_place(path), what)
        if other != what:
            return f"{path} is to be {other} and {what} as well: give one of them another name."
    for what, path in _steps_among(arguments.save_steps, results):
        return f"{path} is to be {what} and a picture of --save-steps: take another folder for one."
    for option, path in _read_files(arguments):
        what = taken.get(_place(path))
        if what and not (option == "--branch-from" and what.startswith("the image")):
            return f"{path} is read as {option} and is to be {what}: give that another name."
    return None


def _results(arguments: argparse.Namespace, images: int, runs: int) -> Iterator[tuple[str, Path]]:
    """What is asked for under names of its own."""
    if named := named_file(arguments.output):
        for number in range(images):
            yield (
                f"the image {number + 1}".removesuffix(" 1" if images == 1 else ""),
                numbered(named, number, images),
            )
        if arguments.axes:
            yield "the sheet of the grid", _of_grid(named)
    for what, path in (("film", arguments.film), ("contact sheet", arguments.contact_sheet)):
        for run in range(runs if path else 0):
            yield f"the {what}" + (f" {run + 1}" if runs > 1 else ""), numbered(path, run, runs)
    if arguments.save_steps:
        yield "the folder of --save-steps", arguments.save_steps


def _steps_among(
    folder: Path | None, results: Sequence[tuple[str, Path]]
) -> Iterator[tuple[str, Path]]:
    """Which of the results lie where the pictures of the steps go, under such a name."""
    if folder is None:
        return
    for what, path in results:
        above = _place(path.parent)
        within = (above, _place(path.parent.parent) if path.parent.name.isdecimal() else above)
        if _place(folder) in within and re.fullmatch(r"step-\d+\.png", path.name, re.IGNORECASE):
            yield what, path


def _read_files(arguments: argparse.Namespace) -> Iterator[tuple[str, Path]]:
    for name in ("branch_from", "edits", "model", "vae"):
        if value := getattr(arguments, name):
            yield f"--{name.replace('_', '-')}", Path(value)


def _place(path: Path) -> str:
    """The same for all names of one file: through links, and in any case of its letters, which some
    file systems take for one."""
    return unicodedata.normalize("NFC", os.path.realpath(path)).casefold()


def _of_grid(path: Path) -> Path:
    return path.with_stem(f"{path.stem}-grid")


def _ends_as_folder(output: str | None) -> bool:
    return bool(output) and output[-1] in (os.sep, "/")
