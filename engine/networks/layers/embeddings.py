"""The timestep as a vector: sinusoids (arXiv:1706.03762, as arXiv:2006.11239 uses them), random
Fourier features (arXiv:2006.10739) or a learned table, then two linear layers. Used by the UNets.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.networks.layers.activation import ACTIVATIONS
from engine.networks.layers.widening import WideningLinear

MAX_PERIOD = 10_000
FOURIER_SPREAD = 16.0
"""The standard deviation of an untrained network's Fourier frequencies."""


def one_for_each(timestep: float | Tensor, sample: Tensor) -> Tensor:
    """A timestep for all, or (B,) of them, as float32 (B,) on the device of sample (B, C, h, w)."""
    if isinstance(timestep, Tensor):
        return timestep.to(sample.device, torch.float32).expand(len(sample))
    return torch.full((len(sample),), timestep, dtype=torch.float32, device=sample.device)


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


def guidance_embedding(scale: Tensor, width: int) -> Tensor:
    """A guidance scale for each picture, (N,), as a network that was distilled with guidance reads
    it: (N, width), float32. w is the scale less 1 (arXiv:2310.04378, section 4.2 and its code)."""
    return sinusoidal_embedding(1000 * (scale - 1), width, flip_sin_to_cos=False, freq_shift=1)


class SinusoidalTimesteps(nn.Module):
    """`sinusoidal_embedding` with its settings."""

    def __init__(self, width: int, flip_sin_to_cos: bool, freq_shift: float) -> None:
        super().__init__()
        self.width = width
        self.flip_sin_to_cos = flip_sin_to_cos
        self.freq_shift = freq_shift

    def forward(self, values: Tensor) -> Tensor:
        """(N,) to (N, width), float32."""
        return sinusoidal_embedding(values, self.width, self.flip_sin_to_cos, self.freq_shift)


class FourierTimesteps(nn.Module):
    """Sines and cosines of log(values) at frequencies that were drawn at random for the training
    (arXiv:2011.13456, section 4 and its code). In half precision the weights lose the angle."""

    def __init__(self, frequencies: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(frequencies))
        nn.init.normal_(self.weight, std=FOURIER_SPREAD)

    def forward(self, values: Tensor) -> Tensor:
        """(N,) above 0 to (N, 2 frequencies), float32."""
        angles = values.float().log()[:, None] * self.weight.float() * 2 * math.pi
        return torch.cat([torch.sin(angles), torch.cos(angles)], dim=1)


class LearnedTimesteps(nn.Embedding):
    """A vector for each whole timestep of the training; between two, the nearer one's."""

    def forward(self, input: Tensor) -> Tensor:
        """(N,) from 0 to num_embeddings - 1: (N, embedding_dim)."""
        return super().forward(input.round().long())


class TimestepEmbedding(nn.Module):
    """Two linear layers from in_features to out_features with an activation between them, and one
    behind them if post_act_fn names it. condition_features: the width of what is added to the
    features before, through a linear layer of its own."""

    def __init__(
        self,
        in_features: int,
        out_features: int,
        act_fn: str = "silu",
        post_act_fn: str | None = None,
        condition_features: int | None = None,
    ) -> None:
        super().__init__()
        self.cond_proj = (
            nn.Linear(condition_features, in_features, bias=False) if condition_features else None
        )
        self.linear_1 = WideningLinear(in_features, out_features)
        self.linear_2 = WideningLinear(out_features, out_features)
        self.activation = ACTIVATIONS[act_fn]
        self.post_activation = ACTIVATIONS[post_act_fn] if post_act_fn else None

    def forward(self, features: Tensor, condition: Tensor | None = None) -> Tensor:
        """(B, in_features), and (B, condition_features) for those that have them, to
        (B, out_features)."""
        if self.cond_proj is not None and condition is not None:
            features = features + self.cond_proj(condition)
        embedding = self.linear_2(self.activation(self.linear_1(features)))
        return self.post_activation(embedding) if self.post_activation else embedding
