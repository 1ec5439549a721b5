"""A prompt into hidden states: CLIP's tokenizer and text encoder (Radford et al., arXiv:2103.00020)
from transformers. Used by the pipelines that take a prompt.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from engine.errors import ConfigError
from engine.pipelines.base import Reading
from engine.weights.folder import ModelFolder
from engine.weights.strict import load_strictly

KEPT = 32
"""Prompts whose hidden states are kept: those of a grid, and of the runs before. Some 0.2 MB each.
"""


class TextReader:
    """The tokenizer and the text encoder of one model. A prompt that was read lately is not encoded
    again."""

    def __init__(self, tokenizer: CLIPTokenizer, encoder: CLIPTextModel):
        self.tokenizer = tokenizer
        self.encoder = encoder
        self.width: int = encoder.config.hidden_size
        self.length = min(tokenizer.model_max_length, encoder.config.max_position_embeddings)
        self._encoded: OrderedDict[str, Tensor] = OrderedDict()

    def read(self, prompt: str) -> Reading:
        """How many tokens the prompt has, and the words that do not fit."""
        limit = self.length - 2  # the start and end marks take two places
        read = self.tokenizer(
            _clean(prompt), add_special_tokens=False, return_offsets_mapping=True, verbose=False
        )
        spans = read["offset_mapping"]
        cut = _clean(prompt)[spans[limit][0] :] if len(spans) > limit else ""
        return Reading(len(spans), limit, cut)

    def encode(self, prompt: str) -> Tensor:
        """Hidden states (1, N, D) of the prompt, cut to what fits and padded to N places."""
        if prompt not in self._encoded:
            self._encoded[prompt] = self._encode(prompt)
        self._encoded.move_to_end(prompt)
        while len(self._encoded) > KEPT:
            self._encoded.popitem(last=False)
        return self._encoded[prompt]

    def _encode(self, prompt: str) -> Tensor:
        ids = self.tokenizer(
            _clean(prompt),
            padding="max_length",
            max_length=self.length,
            truncation=True,
            return_tensors="pt",
        ).input_ids.to(self.encoder.device)
        return self.encoder(ids).last_hidden_state


def load_text_encoder(folder: ModelFolder, device: torch.device, dtype: torch.dtype) -> TextReader:
    """Raises ConfigError or WeightsError where a file is missing or damaged."""
    settings = folder.config("text_encoder")
    tensors = folder.tensors("text_encoder")
    try:
        config = CLIPTextConfig(**settings)
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"{tensors.config} is not that of a CLIP text encoder ({error})."
        ) from None
    encoder = load_strictly(lambda: CLIPTextModel(config), tensors, device, dtype)
    # The position numbers are no weights, so the file lacks them and they are still on meta.
    positions = torch.arange(config.max_position_embeddings, device=device)[None]
    encoder.get_submodule("embeddings").register_buffer("position_ids", positions, persistent=False)
    path = folder.tokenizer()
    try:
        tokenizer = CLIPTokenizer.from_pretrained(path, local_files_only=True)
    except Exception as error:  # the tokenizer library raises its bare Exception for damaged files
        raise ConfigError(
            f"The tokenizer in {path} cannot be read ({error}). Fetch this folder again."
        ) from None
    return TextReader(tokenizer, encoder)


def _clean(prompt: str) -> str:
    # Half of a surrogate pair is no text; a prompt from a broken paste may hold one.
    return prompt.encode("utf-8", "replace").decode("utf-8")
