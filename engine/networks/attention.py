"""Attention: multi-head attention (arXiv:1706.03762). SpatialAttention: the same over the pixels of
a feature map. Used by the transformers, by the UNets without text and by the autoencoders.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from engine.networks.context import Context
from engine.networks.linear import Linear
from engine.networks.poll import Poll, no_poll


class Attention(nn.Module):
    """Each of the queries (N of width `channels`) looks at the context (M of width
    `context_channels`). bias is that of the three input projections; the output always has one.
    """

    def __init__(self, channels: int, context_channels: int, heads: int, bias: bool) -> None:
        super().__init__()
        self.to_q = Linear(channels, channels, bias=bias)
        self.to_k = Linear(context_channels, channels, bias=bias)
        self.to_v = Linear(context_channels, channels, bias=bias)
        self.to_out = nn.Sequential(Linear(channels, channels))
        self.heads = heads

    def forward(self, tokens: Tensor, context: Tensor | Context, /) -> Tensor:
        """tokens (B, N, channels), context (B, M, context_channels): (B, N, channels). Tokens of
        one picture look at each of several texts: (1, N, channels) to (B, N, channels)."""
        if isinstance(context, Context):
            keys, values = context.keys_and_values(self.to_k, self.to_v)
        else:
            keys, values = self.to_k(context), self.to_v(context)
        query = self._by_head(self.to_q(tokens))  # (B, heads, N, d)
        key, value = self._by_head(keys), self._by_head(values)  # (B, heads, M, d)
        query = query.expand(len(key), -1, -1, -1)
        mixed = F.scaled_dot_product_attention(query, key, value)  # (B, heads, N, d)
        return self.to_out(mixed.transpose(1, 2).flatten(2))  # (B, N, channels)

    def _by_head(self, tokens: Tensor) -> Tensor:
        heads = tokens.unflatten(2, (self.heads, -1)).transpose(1, 2)
        # The kernel of a CPU reads each head again and again: side by side it is a third faster.
        return heads.contiguous() if heads.device.type == "cpu" else heads


class SpatialAttention(Attention):
    """Every pixel of a feature map looks at all of them; added to what came in, and the sum divided
    by output_scale. groups: of the norm before it; None for no norm."""

    def __init__(
        self, channels: int, heads: int, groups: int | None, eps: float, output_scale: float = 1.0
    ) -> None:
        super().__init__(channels, channels, heads, bias=True)
        self.group_norm = nn.GroupNorm(groups, channels, eps) if groups else nn.Identity()
        self.output_scale = output_scale

    def forward(
        self, hidden: Tensor, text: Tensor | Context | None = None, poll: Poll = no_poll, /
    ) -> Tensor:
        """(B, channels, h, w) to the same. There is no text in it, and it is too short to step in:
        blocks call it like a Transformer2D, which stands in the same place."""
        tokens = self.group_norm(hidden).flatten(2).transpose(1, 2)  # (B, h w, channels)
        mixed = super().forward(tokens, tokens)
        mixed = mixed.transpose(1, 2).unflatten(2, hidden.shape[2:])  # (B, channels, h, w)
        return (hidden + mixed) / self.output_scale
