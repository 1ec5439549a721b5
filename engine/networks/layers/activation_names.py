"""The names of activation functions that a config.json may have. Read by the configs, which know no
torch; `engine.networks.layers.activation` has the functions.
"""

from __future__ import annotations

ACTIVATION_NAMES = ("silu", "swish", "gelu", "mish", "relu")
TEXT_ACTIVATION_NAMES = (
    "quick_gelu",
    *ACTIVATION_NAMES,
    *("gelu_new", "gelu_fast", "gelu_accurate", "gelu_pytorch_tanh"),
)
"""Those of text encoders, by the names of transformers, which has several for one and the same."""
