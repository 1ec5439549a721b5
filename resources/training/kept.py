"""What a stage makes of tensors and keeps, for itself or for the next. Written by `encoded` and
`phrases`, and, the first time that they are run, by `latents` and `decoder`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch

from resources.training.errors import TrainingError

T = TypeVar("T")


def once(path: Path, kind: type[T], make: Callable[[], T]) -> T:
    """What `path` holds, a dataclass of this kind; made and written there where there is none yet.
    Raises TrainingError for one that cannot be read, or that an older program made otherwise."""
    if not path.is_file():
        write(path, vars(make()))
    try:
        return kind(**torch.load(path, weights_only=True))
    except Exception as error:  # torch raises whatever its unpickler met
        raise TrainingError(
            f"{path} cannot be read ({type(error).__name__}): remove it to make it anew."
        ) from None


def write(path: Path, made: dict[str, Any]) -> None:
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(made, path.with_suffix(".part"))
    path.with_suffix(".part").replace(path)
