"""Weights from a safetensors file into a network: built on the meta device, assigned, every key
and shape accounted for. Called by the loaders of each layout.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from engine.errors import ConfigError, WeightsError

Network = TypeVar("Network", bound=nn.Module)
KeyMap = Callable[[str], str | None]
"""A key of the file -> the network's key, or None for a leftover that means nothing."""


def same_key(key: str) -> str:
    return key


def load_strictly(
    build: Callable[[], Network],
    path: Path,
    device: torch.device,
    dtype: torch.dtype,
    key_map: KeyMap = same_key,
) -> Network:
    """The network that `build` makes, with the weights of `path`, in eval mode without gradients.

    Raises ConfigError where the configuration beside it cannot be used; WeightsError where the
    file is missing or damaged, or a tensor is missing, unexpected or of another shape.
    """
    try:
        with torch.device("meta"):
            network = build()
    except ConfigError as error:
        raise ConfigError(f"{path.parent / 'config.json'} cannot be used. {error}") from None
    wanted = {key: tuple(tensor.shape) for key, tensor in network.state_dict().items()}
    found = _read(path, device, key_map)
    _compare(wanted, {key: tuple(tensor.shape) for key, tensor in found.items()}, path)
    network.load_state_dict(
        {
            key: tensor.to(dtype) if tensor.is_floating_point() else tensor
            for key, tensor in found.items()
        },
        strict=True,
        assign=True,
    )
    return network.eval().requires_grad_(False)


def _read(path: Path, device: torch.device, key_map: KeyMap) -> dict[str, Tensor]:
    if not path.is_file():
        raise WeightsError(f"There is no file {path}. Is the download of this model complete?")
    tensors: dict[str, Tensor] = {}
    try:
        with safe_open(path, framework="pt", device=str(device)) as file:
            for key in file.keys():  # noqa: SIM118 (not a dict)
                name = key_map(key)
                if name is not None:
                    tensors[name] = file.get_tensor(key)
    except (SafetensorError, OSError, ValueError) as error:
        raise WeightsError(
            f"{path} is not a whole safetensors file ({error}). Fetch this file again."
        ) from None
    return tensors


def _compare(
    wanted: dict[str, tuple[int, ...]], found: dict[str, tuple[int, ...]], path: Path
) -> None:
    missing = sorted(wanted.keys() - found.keys())
    unexpected = sorted(found.keys() - wanted.keys())
    shapes = [
        f"{key} is {found[key]} and should be {wanted[key]}"
        for key in sorted(wanted.keys() & found.keys())
        if wanted[key] != found[key]
    ]
    problems = [
        f"{what}: {_some(keys)}"
        for what, keys in (("missing", missing), ("unexpected", unexpected), ("shapes", shapes))
        if keys
    ]
    if problems:
        raise WeightsError(
            f"{path} does not fit the configuration beside it ({'; '.join(problems)}). "
            "Take config.json and weights from the same model."
        )


def _some(items: list[str], shown: int = 3) -> str:
    rest = len(items) - shown
    return ", ".join(items[:shown]) + (f" and {rest} more" if rest > 0 else "")
