"""Weights into a network: built on the meta device, assigned, every key and shape accounted for.
Called by the pipelines' loaders.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from engine.errors import ConfigError, WeightsError
from engine.weights.tensors import Tensors

Network = TypeVar("Network", bound=nn.Module)


def load_strictly(
    build: Callable[[], Network], tensors: Tensors, device: torch.device, dtype: torch.dtype
) -> Network:
    """The network that `build` makes, with these weights, in eval mode without gradients. Nothing
    is read before every key and shape is known to fit; each tensor is converted as it is read.

    Raises ConfigError where the configuration beside it cannot be used; WeightsError where a
    file is missing or damaged, or a tensor is missing, unexpected or of another shape.
    """
    try:
        with torch.device("meta"):
            network = build()
    except ConfigError as error:
        raise ConfigError(f"{tensors.config} cannot be used. {error}") from None
    wanted = {key: tuple(tensor.shape) for key, tensor in network.state_dict().items()}
    _compare(wanted, tensors.shapes(), tensors.path)
    network.load_state_dict(
        {
            key: tensor.to(dtype) if tensor.is_floating_point() else tensor
            for key, tensor in tensors.read(str(device))
        },
        strict=True,
        assign=True,
    )
    return network.eval().requires_grad_(False)


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
