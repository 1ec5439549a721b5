"""The timestep as a vector: sinusoids (arXiv:1706.03762, as arXiv:2006.11239 uses them), then two
linear layers. Used by the UNets.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.networks.activation import ACTIVATIONS

MAX_PERIOD = 10_000


def sinusoidal_embedding(
    values: Tensor, width: int, flip_sin_to_cos: bool, freq_shift: float
) -> Tensor:
    """Sines and cosines of `values` (N,) at width // 2 frequencies: (N, width), float32.

    The frequencies fall from 1 to 1 / MAX_PERIOD, which the last one reaches with freq_shift 1.
    flip_sin_to_cos puts the cosines first.
    """
    half = width // 2
    exponents = torch.arange(half, dtype=torch.float32, device=values.device) / (half - freq_shift)
    angles = values.float()[:, None] * torch.exp(-math.log(MAX_PERIOD) * exponents)  # (N, half)
    sine, cosine = torch.sin(angles), torch.cos(angles)
    waves = torch.cat([cosine, sine] if flip_sin_to_cos else [sine, cosine], dim=1)
    return F.pad(waves, (0, width - 2 * half))


class TimestepEmbedding(nn.Module):
    """Two linear layers from in_features to out_features with an activation between them, and one
    behind them if post_act_fn names it."""

    def __init__(
        self,
        in_features: int,
        out_features: int,
        act_fn: str = "silu",
        post_act_fn: str | None = None,
    ) -> None:
        super().__init__()
        self.linear_1 = nn.Linear(in_features, out_features)
        self.linear_2 = nn.Linear(out_features, out_features)
        self.activation = ACTIVATIONS[act_fn]
        self.post_activation = ACTIVATIONS[post_act_fn] if post_act_fn else None

    def forward(self, features: Tensor) -> Tensor:
        """(B, in_features) to (B, out_features)."""
        embedding = self.linear_2(self.activation(self.linear_1(features)))
        return self.post_activation(embedding) if self.post_activation else embedding
