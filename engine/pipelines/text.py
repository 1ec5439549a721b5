"""A prompt into what a UNet is told of it, by CLIP's text encoders; their tokenizers are from
transformers, whose own networks take seconds to import. Used by the pipelines that take a prompt.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import CLIPTokenizer

from engine.errors import ConfigError, told
from engine.families import TextPlan
from engine.hardware.transfers import uploaded
from engine.networks import CLIPTextModel
from engine.pipelines.pipeline import Reading
from engine.placement.offload import Stage
from engine.weights.files import Files
from engine.weights.keys import PROJECTION
from engine.weights.strict import load_strictly

MARKS = 2
"""Places that the start and the end of a text take."""
KEPT = 32
"""Prompts whose hidden states are kept: those of a grid, and of the runs before. Some 0.2 MB each.
"""


@dataclass(frozen=True, eq=False)
class Conditioning:
    """What a UNet is told besides the image and the timestep.

    hidden: (1, N, D), the prompt's hidden states. pooled: (1, P), the prompt as one vector, from
    encoders that make one. guidance_scale: for networks that were distilled with guidance.
    """

    hidden: Tensor
    pooled: Tensor | None = None
    guidance_scale: float | None = None

    def zeroed(self) -> Conditioning:
        """All of it zeros, which is what some networks take for no prompt at all."""
        pooled = None if self.pooled is None else torch.zeros_like(self.pooled)
        return Conditioning(torch.zeros_like(self.hidden), pooled)


class TextReader:
    """A tokenizer and its text encoder, which works on `device`, wherever it rests. A prompt that
    was read lately is not encoded again.

    width: D of the hidden states; pooled_width: P of the pooled vector, 0 if there is none; layers:
    how many the encoder has; length: N, places for tokens.
    """

    def __init__(
        self,
        tokenizer: CLIPTokenizer,
        encoder: CLIPTextModel,
        plan: TextPlan,
        device: torch.device,
    ):
        self.tokenizer = tokenizer
        self.encoder = encoder
        self.width = encoder.config.hidden_size
        self.layers = encoder.config.num_hidden_layers
        self.pooled_width = encoder.config.projection_dim
        self.length = _places(tokenizer, encoder)
        self._plan = plan
        self._device = device
        self._encoded: OrderedDict[tuple[str, int], Conditioning] = OrderedDict()

    def read(self, prompt: str) -> Reading:
        """How many tokens the prompt has, and the words that do not fit."""
        limit = self.length - MARKS
        read = self.tokenizer(
            _clean(prompt), add_special_tokens=False, return_offsets_mapping=True, verbose=False
        )
        spans = read["offset_mapping"]
        cut = _clean(prompt)[spans[limit][0] :] if len(spans) > limit else ""
        return Reading(len(spans), limit, cut)

    def encode(self, prompt: str, clip_skip: int = 1) -> Conditioning:
        """The prompt, cut to what fits and padded to N places. clip_skip: the layer, from the end,
        as `Request` counts it; at most `layers`."""
        asked = prompt, max(clip_skip, self._plan.last_layer)
        if asked not in self._encoded:
            self._encoded[asked] = self._encode(*asked)
        self._encoded.move_to_end(asked)
        while len(self._encoded) > KEPT:
            self._encoded.popitem(last=False)
        return self._encoded[asked]

    def _encode(self, prompt: str, layer: int) -> Conditioning:
        read = self.tokenizer(
            _clean(prompt),
            padding="max_length",
            max_length=self.length,
            truncation=True,
            return_tensors="pt",
        )
        ids = uploaded(read.input_ids, self._device)
        encoded = self.encoder(ids, layer, self._plan.is_normed)
        return Conditioning(encoded.hidden, encoded.pooled)


class JointReader:
    """Several readers of one prompt: their hidden states side by side, the last one's vector. To
    the outside it is like one of them."""

    def __init__(self, readers: Sequence[TextReader]):
        self.readers = tuple(readers)
        self.width = sum(reader.width for reader in readers)
        self.layers = min(reader.layers for reader in readers)
        self.pooled_width = readers[-1].pooled_width
        self.length = min(reader.length for reader in readers)
        for reader in readers:
            reader.length = self.length

    def read(self, prompt: str) -> Reading:
        """As the one reads it that takes least of it: its words behind are not in both."""
        return max((one.read(prompt) for one in self.readers), key=lambda read: len(read.truncated))

    def encode(self, prompt: str, clip_skip: int = 1) -> Conditioning:
        read = [reader.encode(prompt, clip_skip) for reader in self.readers]
        return Conditioning(torch.cat([one.hidden for one in read], dim=-1), read[-1].pooled)


def load_text_reader(
    files: Files,
    component: str,
    tokenizer: str,
    plan: TextPlan,
    stage: Stage,
    dtype: torch.dtype,
    progress: Callable[[float], None],
) -> TextReader:
    """One of the plan's encoders. Raises ConfigError or WeightsError where a file is missing or
    damaged."""
    config = files.config(component)
    tensors = files.tensors(component)
    projects = PROJECTION in tensors.shapes()
    encoder = load_strictly(
        lambda: CLIPTextModel(config, projects), tensors, stage.home, dtype, progress
    )
    stage.seat("text", encoder)
    return TextReader(_load_tokenizer(files, tokenizer), encoder, plan, stage.device)


def _load_tokenizer(files: Files, component: str) -> CLIPTokenizer:
    """Of a vocabulary that `engine.weights.whole` has looked at."""
    path = files.tokenizer(component)
    try:
        return CLIPTokenizer.from_pretrained(path, local_files_only=True)
    except Exception as error:  # the tokenizer library raises its bare Exception for damaged files
        raise ConfigError(
            f"The tokenizer in {path} cannot be read ({error}). Fetch this folder again."
        ) from None


def _clean(prompt: str) -> str:
    # Half of a surrogate pair is no text; a prompt from a broken paste may hold one.
    return prompt.encode("utf-8", "replace").decode("utf-8")


def _places(tokenizer: CLIPTokenizer, encoder: CLIPTextModel) -> int:
    """How many tokens a text may have with its two marks. Raises ConfigError where the tokenizer's
    settings hold no number of them."""
    most: Any = tokenizer.model_max_length  # of the file as it stands
    is_number = isinstance(most, int | float) and not isinstance(most, bool)
    places = min(most, encoder.config.max_position_embeddings) if is_number else 0
    if not places > MARKS:
        raise ConfigError(
            f"The tokenizer takes {told(most)} tokens (model_max_length) and the text encoder "
            f"{encoder.config.max_position_embeddings}, of which {MARKS} are marks, and so no text "
            "fits: take the tokenizer_config.json of this model."
        )
    return int(places)
