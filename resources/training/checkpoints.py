"""Checkpoints: where a training stands, on the disk, whole or not at all. Kept by `loop`, read by
`export` and `diffusion`."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from resources.training.errors import TrainingError

CHECKPOINT = "checkpoint.pt"
"""Its name, in the folder of its stage."""
EVERY = 600.0
"""Seconds from one to the next."""


class Keeper:
    """Writes the checkpoints of a training. every: seconds until the next is due."""

    def __init__(self, path: Path, every: float) -> None:
        self._path = path
        self._every = every
        self._kept = time.monotonic()

    @property
    def due(self) -> bool:
        return time.monotonic() - self._kept >= self._every

    def write(self, state: dict[str, Any]) -> None:
        """In the place of the one before, once it is wholly on the disk."""
        part = self._path.with_suffix(".part")
        with part.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._path)
        self._kept = time.monotonic()


def read(path: Path) -> dict[str, Any] | None:
    """None where there is none yet. Raises TrainingError for one that cannot be read."""
    if not path.is_file():
        return None
    try:
        return torch.load(path, weights_only=True)
    except Exception as error:  # torch raises whatever its unpickler met
        raise TrainingError(
            f"The checkpoint {path} cannot be read ({type(error).__name__}): remove it to begin "
            "anew."
        ) from None


def average(folder: Path, part: str = "") -> dict[str, Tensor]:
    """The averaged weights that the stage with this folder left: those of a part of its network, by
    the names that they have there, or all. Raises TrainingError where it was not run."""
    kept = read(folder / CHECKPOINT)
    if kept is None:
        raise TrainingError(
            f"There is no checkpoint in {folder}: run `python -m resources.training "
            f"{folder.name}` first."
        )
    prefix = f"{part}." if part else ""
    weights: dict[str, Tensor] = kept["average"]
    return {k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)}
