"""Weights into a network: built on the meta device, assigned, every key and shape accounted for.
Called by the pipelines' loaders.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from engine.errors import ConfigError, WeightsError
from engine.networks.layers.convolution import is_large, order_of
from engine.networks.layers.widening import Settled, Widening
from engine.weights.header import Shape, shown
from engine.weights.tensors import Tensors

Network = TypeVar("Network", bound=nn.Module)

MOST_NAMED = 3
"""Tensors that an error names."""
RESTING = 2**16
"""Numbers from which on a weight stays the file's own memory map until it first works."""
DRAWING = (nn.init.uniform_, nn.init.kaiming_uniform_, nn.init.normal_)
"""What torch's layers begin with."""


def load_strictly(
    build: Callable[[], Network],
    tensors: Tensors,
    device: torch.device,
    dtype: torch.dtype,
    progress: Callable[[float], None] | None = None,
) -> Network:
    """The network that `build` makes, with these weights, in eval mode without gradients. Nothing
    is read before every key and shape is known to fit; each tensor is converted as it is read, and
    its filters are laid out as the device reads them best. In the memory of a computer, the large
    weights of a large network stay as the file has them until their layers first work, and become
    no wider then: the layers widen them each time, which costs some hundredths of their time, for
    half the memory.
    progress: told the fraction of the bytes that is read, from 0 to 1; may raise to give up.

    Raises ConfigError where the configuration beside it cannot be used; WeightsError where a
    file is missing or damaged, or a tensor is missing, unexpected or of another shape.
    """
    try:
        with torch.device("meta"), _Undrawn():
            network = build()
    except ConfigError as error:
        raise ConfigError(f"{tensors.config} cannot be used. {error}") from None
    except (RuntimeError, TypeError, ValueError, ArithmeticError) as error:
        # Sizes of which torch makes no tensor, or kinds of values that a network did not look at.
        reason = str(error).partition("\n")[0]
        raise ConfigError(
            f"{tensors.config} cannot be used ({reason}): take the one that its model has."
        ) from None
    wanted = {key: tuple(tensor.shape) for key, tensor in network.state_dict().items()}
    _compare(wanted, tensors)
    weights: dict[str, Tensor] = {}
    order = order_of(network, device, dtype)
    widening = _widening(network) if device.type == "cpu" and is_large(network) else {}
    resting = {name for name, layer in widening.items() if layer.weight.numel() >= RESTING}
    for key, tensor, fraction in tensors.read(device, dtype, order, widening, resting):
        weights[key] = tensor
        if progress is not None:
            progress(fraction)
    network.load_state_dict(weights, strict=True, assign=True)
    for name in resting:
        widening[name].resting = Settled(dtype, order)
    return network.eval().requires_grad_(False)


def _widening(network: nn.Module) -> dict[str, Widening]:
    """The layers that widen their weights when they work, by the names of these."""
    layers = network.named_modules()
    return {f"{name}.weight": layer for name, layer in layers if isinstance(layer, Widening)}


class _Undrawn(TorchFunctionMode):
    """In here no layer draws the numbers that it would begin a training with. There is no memory
    for them yet, and the first normal distribution on meta imports all of torch's compiler."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        given = kwargs or {}
        if func in DRAWING:
            return given["tensor"]
        return func(*args, **given)


def _compare(wanted: dict[str, Shape], tensors: Tensors) -> None:
    found = tensors.shapes()
    missing = sorted(wanted.keys() - found.keys())
    unexpected = [shown(key) for key in sorted(found.keys() - wanted.keys())]
    shapes = [
        f"{key} is {found[key]} and should be {wanted[key]}"
        for key in sorted(wanted.keys() & found.keys())
        if wanted[key] != found[key]
    ]
    kinds = {"missing": missing, "unexpected": unexpected, "shapes": shapes}
    found_wrong = {what: keys for what, keys in kinds.items() if keys}
    if not found_wrong:
        return
    named = MOST_NAMED // len(found_wrong)  # names are long, and a person reads the sentence
    problems = [f"{what}: {_some(keys, named)}" for what, keys in found_wrong.items()]
    if tensors.config == tensors.path:
        raise WeightsError(
            f"{tensors.path} does not hold the tensors of its layout ({'; '.join(problems)}): "
            "take another file of this model."
        )
    raise WeightsError(
        f"{tensors.path} does not fit the configuration beside it ({'; '.join(problems)}): take "
        "config.json and weights from the same model."
    )


def _some(items: list[str], count: int) -> str:
    rest = len(items) - count
    return ", ".join(items[:count]) + (f" and {rest} more" if rest > 0 else "")
