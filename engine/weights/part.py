"""Part: the tensors of one component within a single file, by their names there without what they
all begin with. Used by the layouts of single files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.weights.header import Header, RefusedError, Shape, Stored
from engine.weights.tensors import KeyMap, Origin, Tensors


@dataclass(frozen=True)
class Part:
    """path: of the file, which errors name; prefix: what the names begin with in it."""

    path: Path
    prefix: str
    tensors: Mapping[str, Stored]

    @classmethod
    def of(cls, header: Header, prefix: str) -> Part:
        """Those whose names begin with prefix; "" for all."""
        found = {
            key.removeprefix(prefix): stored
            for key, stored in header.tensors.items()
            if key.startswith(prefix)
        }
        return cls(header.path, prefix, found)

    def has(self, key: str) -> bool:
        return key in self.tensors

    def shape(self, key: str, rank: int) -> Shape:
        """Of a tensor with `rank` dimensions. Raises RefusedError where there is none:
        the file is whole, and of another kind."""
        if key not in self.tensors:
            raise RefusedError(
                f"{self.path} lacks the tensor {self.prefix}{key}, which a Stable Diffusion of "
                "this kind has: take another file."
            )
        shape = self.tensors[key].shape
        if len(shape) != rank:
            raise RefusedError(
                f"{self.path} has the tensor {self.prefix}{key} in the shape {shape}, where it "
                f"should have {rank} dimensions: take another file."
            )
        return shape

    def count(self, before: str) -> int:
        """How many different numbers follow `before` in the names: the layers of a list."""
        number = re.compile(re.escape(before) + r"(\d+)\.")
        return len({match[1] for key in self.tensors if (match := number.match(key))})

    def under(self, key_map: KeyMap) -> Tensors:
        """The tensors under the names that the key map gives them. One without a name here keeps
        that which it has in the file, so that the comparison of keys names it."""
        origins = (
            Origin(self.path, self.prefix + key, stored, target)
            for key, stored in self.tensors.items()
            for target in key_map(key)
        )
        return Tensors(self.path, self.path, tuple(origins))
