"""Files: what a model is made of, however it lies on the disk. Implemented by the layouts, asked by
the pipelines and by the look at a whole model.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from engine.weights.tensors import Tensors


class Files(Protocol):
    """A component is "unet", "vae", "text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2" or
    "scheduler".

    path: what an error names; kind: the class that model_index.json names; name: for people;
    index: what else model_index.json says; defaults: the fields of a request that the model does
    best with, as far as it says.
    """

    @property
    def path(self) -> Path: ...

    @property
    def index(self) -> Mapping[str, Any]: ...

    @property
    def kind(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def defaults(self) -> Mapping[str, Any]: ...

    def has(self, component: str) -> bool: ...

    def config(self, component: str) -> dict[str, Any]:
        """The component's settings. Raises ConfigError."""
        ...

    def tensors(self, component: str) -> Tensors:
        """The component's weights. Raises LoadError."""
        ...

    def tokenizer(self, component: str = "tokenizer") -> Path:
        """The folder of a tokenizer's files."""
        ...

    def sha256(self, components: tuple[str, ...]) -> str: ...
