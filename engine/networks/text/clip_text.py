"""CLIPTextModel: a text's tokens to its hidden states and one vector (Radford et al.,
arXiv:2103.00020, section 2.4). Loaded by `engine.weights`, used by `engine.pipelines.text`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.networks.layers.activation import TEXT_ACTIVATIONS
from engine.networks.layers.linear import Linear
from engine.networks.layers.widening import WideningEmbedding
from engine.networks.text.clip_text_config import CLIPTextConfig

OLD_END = 2
"""An eos_token_id that is wrong in every file that has it, and most have it. It stands for CLIP's
own rule: a text ends where the token of the highest number is."""


@dataclass(frozen=True, eq=False)
class EncodedText:
    """hidden: (B, N, hidden_size). pooled: (B, projection_dim), or None from an encoder without a
    projection."""

    hidden: Tensor
    pooled: Tensor | None


class CLIPTextModel(nn.Module):
    """The text encoder of CLIP. Its parameters have the names that transformers gives those of its
    class of this name, whether it projects or not.

    config: the content of config.json. Raises ConfigError if it asks for what is not implemented.
    projects: whether it makes a pooled vector.
    """

    def __init__(self, config: Mapping[str, Any], projects: bool = False) -> None:
        super().__init__()
        self.config = CLIPTextConfig.from_dict(config, projects)
        width = self.config.hidden_size
        self.embeddings = Embeddings(self.config)
        self.encoder = Encoder(self.config)
        self.final_layer_norm = nn.LayerNorm(width, self.config.layer_norm_eps)
        self.text_projection = (
            nn.Linear(width, self.config.projection_dim, bias=False) if projects else None
        )

    def forward(self, ids: Tensor, layer: int = 1, is_normed: bool = True) -> EncodedText:
        """What the layer makes of the tokens `ids` (B, N), N up to max_position_embeddings. layer:
        counted from the end, 1 is the last; is_normed: with the final norm behind it. The pooled
        vector is that of the last layer at the first end of the text, whatever is asked."""
        states = self.encoder(self.embeddings(ids))  # (B, N, hidden_size) each
        hidden = self.final_layer_norm(states[-layer]) if is_normed else states[-layer]
        if self.text_projection is None:
            return EncodedText(hidden, None)
        rows = torch.arange(len(ids), device=ids.device)
        ends = states[-1][rows, self._ends(ids)]  # (B, hidden_size)
        return EncodedText(hidden, self.text_projection(self.final_layer_norm(ends)))

    def _ends(self, ids: Tensor) -> Tensor:
        """The place of each text's end, the first one, (B,); 0 if it has none."""
        end = self.config.eos_token_id
        found = ids if end == OLD_END else (ids == end).int()
        return found.argmax(dim=1)


class Embeddings(nn.Module):
    """A learned vector for each token, plus one for its place."""

    def __init__(self, config: CLIPTextConfig) -> None:
        super().__init__()
        self.token_embedding = WideningEmbedding(config.vocab_size, config.hidden_size)
        self.position_embedding = nn.Embedding(config.max_position_embeddings, config.hidden_size)

    def forward(self, ids: Tensor) -> Tensor:
        """(B, N) to (B, N, hidden_size)."""
        places = self.position_embedding.weight[: ids.shape[1]]
        return self.token_embedding(ids).to(places.dtype) + places


class Encoder(nn.Module):
    """The layers, one after the other."""

    def __init__(self, config: CLIPTextConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(EncoderLayer(config) for _ in range(config.num_hidden_layers))

    def forward(self, hidden: Tensor) -> list[Tensor]:
        """(B, N, hidden_size): what goes into the first layer and what comes out of each."""
        states = [hidden]
        for layer in self.layers:
            states.append(layer(states[-1]))
        return states


class EncoderLayer(nn.Module):
    """Attention and two linear layers with an activation between; each normed before and added."""

    def __init__(self, config: CLIPTextConfig) -> None:
        super().__init__()
        self.self_attn = CausalAttention(config.hidden_size, config.num_attention_heads)
        self.layer_norm1 = nn.LayerNorm(config.hidden_size, config.layer_norm_eps)
        self.mlp = FeedForward(config)
        self.layer_norm2 = nn.LayerNorm(config.hidden_size, config.layer_norm_eps)

    def forward(self, hidden: Tensor) -> Tensor:
        """(B, N, hidden_size) to the same."""
        hidden = hidden + self.self_attn(self.layer_norm1(hidden))
        return hidden + self.mlp(self.layer_norm2(hidden))


class CausalAttention(nn.Module):
    """Multi-head attention (arXiv:1706.03762) in which no token looks at those behind it."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.q_proj = Linear(width, width)
        self.k_proj = Linear(width, width)
        self.v_proj = Linear(width, width)
        self.out_proj = Linear(width, width)
        self.heads = heads

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, N, width) to the same."""
        query, key, value = (
            projection(tokens).unflatten(2, (self.heads, -1)).transpose(1, 2)  # (B, heads, N, d)
            for projection in (self.q_proj, self.k_proj, self.v_proj)
        )
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        return self.out_proj(mixed.transpose(1, 2).flatten(2))  # (B, N, width)


class FeedForward(nn.Module):
    """Up to intermediate_size, and back."""

    def __init__(self, config: CLIPTextConfig) -> None:
        super().__init__()
        self.fc1 = Linear(config.hidden_size, config.intermediate_size)
        self.fc2 = Linear(config.intermediate_size, config.hidden_size)
        self.activation = TEXT_ACTIVATIONS[config.hidden_act]

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, N, hidden_size) to the same."""
        return self.fc2(self.activation(self.fc1(tokens)))
