"""CLIPTextConfig: a text encoder's config.json, checked. Read by `CLIPTextModel`; the names of the
keys are those of transformers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.networks.config_reader import MOST_LAYERS, ConfigReader
from engine.networks.layers.activation_names import TEXT_ACTIVATION_NAMES


@dataclass(frozen=True, kw_only=True)
class CLIPTextConfig:
    """The shape of a text encoder. eos_token_id: the token that ends a text; projection_dim: the
    width of the pooled vector, 0 for an encoder that makes none."""

    vocab_size: int
    hidden_size: int
    intermediate_size: int
    projection_dim: int
    num_hidden_layers: int
    num_attention_heads: int
    max_position_embeddings: int
    hidden_act: str
    layer_norm_eps: float
    eos_token_id: int

    @classmethod
    def from_dict(cls, config: Mapping[str, Any], projects: bool) -> CLIPTextConfig:
        """Read the content of config.json. projects: whether the encoder makes a pooled vector,
        which only its weights tell. Raises ConfigError, which names the key and the value, for a
        setting that is not implemented. What is not there has the value that transformers gives it.

        Other keys are passed over: transformers writes all that a network of any kind may have into
        the file, for training and for writing texts, and a text encoder's layers know none of it.
        """
        read = ConfigReader(config, "CLIPTextModel")
        width = read.integer("hidden_size", 512)
        heads = read.integer("num_attention_heads", 8)
        if width % heads:
            read.refuse("num_attention_heads", heads, f"a divisor of the hidden_size {width}")
        return cls(
            vocab_size=read.integer("vocab_size", 49408),
            hidden_size=width,
            intermediate_size=read.integer("intermediate_size", 2048),
            projection_dim=read.integer("projection_dim", 512) if projects else 0,
            num_hidden_layers=read.integer("num_hidden_layers", 12, MOST_LAYERS),
            num_attention_heads=heads,
            max_position_embeddings=read.integer("max_position_embeddings", 77),
            hidden_act=read.choice("hidden_act", TEXT_ACTIVATION_NAMES, "quick_gelu"),
            layer_norm_eps=read.positive("layer_norm_eps", 1e-5),
            eos_token_id=read.token("eos_token_id", 49407),
        )
