"""The activation functions that a config.json can name. Read by the configs and the blocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

import torch
import torch.nn.functional as F
from torch import Tensor

Activation = Callable[[Tensor], Tensor]

ACTIVATIONS: Mapping[str, Activation] = MappingProxyType(
    {"silu": F.silu, "swish": F.silu, "gelu": F.gelu, "mish": F.mish, "relu": F.relu}
)

silu_over: Activation = partial(F.silu, inplace=True)
"""SiLU over its input, for one that nobody else reads: a large picture is not written twice."""

ACTIVATIONS_OVER: Mapping[str, Activation] = MappingProxyType(
    {**ACTIVATIONS, "silu": silu_over, "swish": silu_over}
)
"""The same, over their input where that can be."""


def quick_gelu(values: Tensor) -> Tensor:
    """CLIP's approximation of the GELU (arXiv:1606.08415, section 2)."""
    return values * torch.sigmoid(1.702 * values)


_tanh_gelu: Activation = partial(F.gelu, approximate="tanh")

TEXT_ACTIVATIONS: Mapping[str, Activation] = MappingProxyType(
    {
        "quick_gelu": quick_gelu,
        **ACTIVATIONS,
        "gelu_new": _tanh_gelu,
        "gelu_fast": _tanh_gelu,
        "gelu_accurate": _tanh_gelu,
        "gelu_pytorch_tanh": _tanh_gelu,
    }
)
"""Those of text encoders, by the names of transformers, which has several for one and the same."""
