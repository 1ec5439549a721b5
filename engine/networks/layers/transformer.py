"""Transformer2D: lets the pixels of a feature map look at each other and at the text
(arXiv:2112.10752, appendix E.2.1). Used by the blocks of the conditional UNet.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.networks.layers.attention import Attention
from engine.networks.layers.context import Context
from engine.networks.layers.linear import Conv1x1, Linear
from engine.networks.poll import Poll, no_poll

WIDEST = 2**22
"""Numbers in the middle of a feed-forward that are worked on at once on a CPU."""
FEWEST = 512
"""Tokens that are worked on at once even so: products of fewer rows are slow."""


@dataclass(frozen=True, kw_only=True)
class TransformerOptions:
    """What the transformers of one level have in common.

    heads: of every attention. context_channels: the width of the text's tokens.
    groups: of the group norm at the entrance.
    linear_projection: a linear layer at the entrance and the exit, not a 1 by 1 convolution.
    only_cross_attention: the first attention reads the text, too, not the picture itself.
    """

    heads: int
    context_channels: int
    groups: int
    linear_projection: bool
    only_cross_attention: bool = False


class Transformer2D(nn.Module):
    """A stack of `depth` transformer blocks over the pixels, added to what came in."""

    def __init__(self, channels: int, depth: int, options: TransformerOptions) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(options.groups, channels, eps=1e-6)
        self.transformer_blocks = nn.ModuleList(
            BasicTransformerBlock(channels, options) for _ in range(depth)
        )
        self.linear_projection = options.linear_projection
        if self.linear_projection:
            self.proj_in = Linear(channels, channels)
            self.proj_out = Linear(channels, channels)
        else:
            self.proj_in = Conv1x1(channels, channels)
            self.proj_out = Conv1x1(channels, channels)

    def forward(self, hidden: Tensor, text: Tensor | Context, poll: Poll = no_poll) -> Tensor:
        """hidden (B, channels, h, w), text (B, M, context_channels): the shape of hidden. One
        picture under several texts becomes several: (1, …) to (B, …)."""
        tokens = self._entrance(self.norm(hidden))  # (B, h w, channels)
        for block in self.transformer_blocks:
            tokens = block(tokens, text, poll)
        return hidden + self._exit(tokens, hidden.shape[2], hidden.shape[3])

    def _entrance(self, hidden: Tensor) -> Tensor:
        if self.linear_projection:
            return self.proj_in(hidden.flatten(2).transpose(1, 2))
        return self.proj_in(hidden).flatten(2).transpose(1, 2)

    def _exit(self, tokens: Tensor, height: int, width: int) -> Tensor:
        if self.linear_projection:
            return self.proj_out(tokens).transpose(1, 2).unflatten(2, (height, width))
        return self.proj_out(tokens.transpose(1, 2).unflatten(2, (height, width)))


class BasicTransformerBlock(nn.Module):
    """Self-attention, attention to the text, feed-forward; each normed before and added."""

    def __init__(self, channels: int, options: TransformerOptions) -> None:
        super().__init__()
        context = options.context_channels
        first_context = context if options.only_cross_attention else channels
        self.norm1 = nn.LayerNorm(channels)
        self.attn1 = Attention(channels, first_context, options.heads, bias=False)
        self.norm2 = nn.LayerNorm(channels)
        self.attn2 = Attention(channels, context, options.heads, bias=False)
        self.norm3 = nn.LayerNorm(channels)
        self.ff = FeedForward(channels)
        self.only_cross_attention = options.only_cross_attention

    def forward(self, tokens: Tensor, text: Tensor | Context, poll: Poll = no_poll) -> Tensor:
        """tokens (B, N, channels), text (B, M, context_channels): the shape of tokens."""
        poll()
        normed = self.norm1(tokens)
        tokens = tokens + self.attn1(normed, text if self.only_cross_attention else normed)
        poll()
        tokens = tokens + self.attn2(self.norm2(tokens), text)
        return tokens + self.ff(self.norm3(tokens))


class FeedForward(nn.Module):
    """Up to four times the width, gated, and back."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        # The middle was the dropout of training: the names of the weights count it.
        self.net = nn.Sequential(
            GEGLU(channels, 4 * channels), nn.Identity(), Linear(4 * channels, channels)
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, N, channels) to the same. On a CPU a part of the tokens at a time, whose four times
        wider middle stays in the cache."""
        batch, count, channels = tokens.shape
        parts = -(-batch * count // max(FEWEST, WIDEST // (8 * channels)))
        if tokens.device.type != "cpu" or parts == 1:
            return self.net(tokens)
        done = [self.net(some) for some in tokens.flatten(0, 1).tensor_split(parts)]
        return torch.cat(done).view(batch, count, channels)


class GEGLU(nn.Module):
    """A linear layer, gated by the GELU of another (arXiv:2002.05202)."""

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        self.proj = Linear(in_features, 2 * out_features)

    def forward(self, tokens: Tensor) -> Tensor:
        content, gate = self.proj(tokens).chunk(2, dim=-1)
        return content * F.gelu(gate)
