"""Tensors: the weights of one component, wherever they lie: which tensor of which file is which of
the network's. Made by the layouts (`folder`), read by `strict`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor

from engine.errors import WeightsError

KeyMap = Callable[[str], str | None]
"""A key of the file -> the network's key, or None for a leftover that means nothing."""


def same_key(key: str) -> str:
    return key


@dataclass(frozen=True)
class Tensors:
    """path: what an error names; config: where the settings beside it come from, for errors."""

    path: Path
    config: Path
    key_map: KeyMap = same_key

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """By the network's keys, from the header alone. Raises WeightsError."""
        found: dict[str, tuple[int, ...]] = {}
        with _opened(self.path, "cpu") as file:
            for key in file.keys():  # noqa: SIM118 (not a dict)
                name = self.key_map(key)
                if name is not None:
                    found[name] = tuple(file.get_slice(key).get_shape())
        return found

    def read(self, device: str) -> Iterator[tuple[str, Tensor]]:
        """(the network's key, tensor), one after the other, as they are in the file. Raises
        WeightsError."""
        with _opened(self.path, device) as file:
            for key in file.keys():  # noqa: SIM118
                name = self.key_map(key)
                if name is not None:
                    yield name, file.get_tensor(key)


def _opened(path: Path, device: str) -> safe_open:
    if not path.is_file():
        raise WeightsError(f"There is no file {path}. Is the download of this model complete?")
    try:
        return safe_open(path, framework="pt", device=device)
    except (SafetensorError, OSError, ValueError) as error:
        raise WeightsError(
            f"{path} is not a whole safetensors file ({error}). Fetch this file again."
        ) from None
