"""Where Safelight keeps its files: settings, cache, images, and the models it ships with. Used by
the window, the command line and the tests; imports neither Qt nor torch.

The environment variable SAFELIGHT_HOME puts everything under one folder (`config`, `cache` and
`images` in it): for portable use, for events, for tests. Without it the places are those that the
operating system has for such files.
"""

from __future__ import annotations

import importlib.resources
import itertools
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import platformdirs

from engine.atomic import MARK, PART, is_part, make_folder

NAME = "Safelight"
LEFT_ALONE = 3600
"""Seconds that a half written file is left to whoever may still be writing it."""
_MARK = re.compile(rf"{re.escape(MARK)}\d{{8}}-\d{{6}}-.+\.png\.name{re.escape(PART)}")
"""Names of the files that keep a name free; see `new_image`."""


@dataclass(frozen=True)
class BundledModel:
    """A model that ships with the program. source: what `engine.load` takes."""

    source: str
    label: str
    folder: Path

    @property
    def present(self) -> bool:
        return (self.folder / "model_index.json").is_file()


def bundled_models() -> tuple[BundledModel, ...]:
    models = Path(str(importlib.resources.files("resources"))) / "models"
    return (
        BundledModel("bundled", "Emoji", models / "emoji"),
        BundledModel("bundled-ddpm", "Emoji, no prompt", models / "emoji-ddpm"),
    )


def config_folder() -> Path:
    home = _home()
    return home / "config" if home else platformdirs.user_config_path(NAME, appauthor=False)


def store_file() -> Path:
    """Settings, and what waits."""
    return config_folder() / "safelight.sqlite"


def preferences_file() -> Path:
    """Where earlier versions kept the settings."""
    return config_folder() / "preferences.json"


def session_folder() -> Path:
    """What tells which sessions are open, and whether the last came to a proper end."""
    return config_folder() / "session"


def preview_folder() -> Path:
    """What was learned for the previews of each VAE."""
    return config_folder() / "previews"


def cache_folder() -> Path:
    home = _home()
    return home / "cache" if home else platformdirs.user_cache_path(NAME, appauthor=False)


def image_folder() -> Path:
    """Where finished images go unless the person chose another folder."""
    home = _home()
    return home / "images" if home else platformdirs.user_pictures_path() / NAME


@contextmanager
def new_image(folder: Path, seed: int | str) -> Iterator[Path]:
    """The name `date-time-seed.png` in `folder`, for the block to write to in one go; `-2`, `-3`, …
    is added where it is taken. No other run can take the name meanwhile, and no file has it before
    the block has written. Raises OSError where the folder cannot be made or written."""
    path, mark = _reserved(folder, seed)
    try:
        yield path
    finally:
        with suppress(OSError):
            mark.unlink()


def sweep(folder: Path) -> None:
    """Take away what a crash of this program has left half written in `folder`."""
    before = time.time() - LEFT_ALONE
    with suppress(OSError, ValueError), os.scandir(folder) as entries:  # no folder has a NUL
        for entry in entries:
            if not is_part(entry.name) and not _MARK.fullmatch(entry.name):
                continue
            with suppress(OSError):
                is_file = entry.is_file(follow_symlinks=False)
                if is_file and entry.stat(follow_symlinks=False).st_mtime < before:
                    Path(entry).unlink()


def _reserved(folder: Path, seed: int | str) -> tuple[Path, Path]:
    """A name that is free, and the hidden file that keeps it so."""
    make_folder(folder)
    stem = f"{datetime.now():%Y%m%d-%H%M%S}-{seed}"
    for number in itertools.count(1):
        path = folder / (f"{stem}.png" if number == 1 else f"{stem}-{number}.png")
        mark = folder / f"{MARK}{path.name}.name{PART}"
        try:
            mark.touch(exist_ok=False)
        except FileExistsError:
            continue
        if not path.exists():
            return path, mark
        mark.unlink()
    raise AssertionError("there is always a next number")


def _home() -> Path | None:
    home = os.environ.get("SAFELIGHT_HOME", "")
    # Path's own raises for a user that is not there, whose folder is then called so.
    return Path(os.path.expanduser(home)).absolute() if home else None  # noqa: PTH111
