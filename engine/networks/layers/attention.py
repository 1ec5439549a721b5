"""Attention: multi-head attention (arXiv:1706.03762). SpatialAttention: the same over the pixels of
a feature map. Used by the transformers, by the UNets without text and by the autoencoders.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.networks.layers.attention_products import attend
from engine.networks.layers.context import Context
from engine.networks.layers.linear import Linear
from engine.networks.layers.tuned import Tuned
from engine.networks.poll import Poll, no_poll


class Attention(nn.Module, Tuned):
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
        mixed = self._mixed(query, key, value)  # (B, heads, N, d)
        return self.to_out(mixed.transpose(1, 2).flatten(2))  # (B, N, channels)

    def _by_head(self, tokens: Tensor) -> Tensor:
        return tokens.unflatten(2, (self.heads, -1)).transpose(1, 2)

    def _mixed(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        keys = key.shape[2]
        tuner = None
        if query.dtype == torch.bfloat16:
            tuner = self.tuner_for(query, 2 * query.numel() * keys)
        if tuner is None:
            return _by_kernel(query, key, value)
        shape = "x".join(str(side) for side in (*query.shape, keys))
        ways: dict[str, Callable[[], Tensor]] = {
            "kernel": lambda: _by_kernel(query, key, value),
            "products": lambda: attend(query, key, value),
        }
        return tuner.run(f"attention {shape}", ways)


def _by_kernel(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    if query.device.type == "cpu":
        # It reads each head again and again: side by side that is a third faster.
        query, key, value = query.contiguous(), key.contiguous(), value.contiguous()
    return F.scaled_dot_product_attention(query, key, value)


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
