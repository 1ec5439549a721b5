"""Where Safelight keeps its files: settings, cache, images, and the models it ships with. Used by
the window, the command line and the tests; imports neither Qt nor torch.

The environment variable SAFELIGHT_HOME puts everything under one folder (`config`, `cache` and
`images` in it): for portable use, for events, for tests. Without it the places are those that the
operating system has for such files.
"""

from __future__ import annotations

import importlib.resources
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import platformdirs

NAME = "Safelight"


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
    return (BundledModel("bundled", "Emoji", models / "emoji"),)


def preferences_file() -> Path:
    home = _home()
    folder = home / "config" if home else platformdirs.user_config_path(NAME, appauthor=False)
    return folder / "preferences.json"


def preview_folder() -> Path:
    """What was learned for the previews of each VAE."""
    return preferences_file().parent / "previews"


def cache_folder() -> Path:
    home = _home()
    return home / "cache" if home else platformdirs.user_cache_path(NAME, appauthor=False)


def image_folder() -> Path:
    """Where finished images go unless the person chose another folder."""
    home = _home()
    return home / "images" if home else platformdirs.user_pictures_path() / NAME


@contextmanager
def new_image(folder: Path, seed: int | str) -> Iterator[Path]:
    """A new file `date-time-seed.png` in `folder`, made empty so that no other run can take the
    name; `-2`, `-3`, … is added where it is taken. The block writes over it; if it raises, the file
    goes. Raises OSError where the folder cannot be made or written."""
    path = _reserved(folder, seed)
    try:
        yield path
    except BaseException:
        with suppress(OSError):
            path.unlink()
        raise


def _reserved(folder: Path, seed: int | str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{datetime.now():%Y%m%d-%H%M%S}-{seed}"
    number = 1
    while True:
        path = folder / (f"{stem}.png" if number == 1 else f"{stem}-{number}.png")
        try:
            path.touch(exist_ok=False)
        except FileExistsError:
            number += 1
        else:
            return path


def _home() -> Path | None:
    home = os.environ.get("SAFELIGHT_HOME", "")
    return Path(home).expanduser().absolute() if home else None
