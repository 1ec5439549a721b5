"""Context: a text as the attentions of a UNet read it, each of them once. Made by the pipelines for
each prompt, handed to every call of the network under it.
"""

from __future__ import annotations

from torch import Tensor, nn

from engine.networks.layers.int8 import int8


class Context:
    """text: (B, M, D) hidden states. What an attention made of them is kept as long as this is:
    they are the same at every step of a run."""

    def __init__(self, text: Tensor) -> None:
        self.text = text
        self._read: dict[nn.Module, tuple[Tensor, Tensor]] = {}

    def __len__(self) -> int:
        return len(self.text)

    def keys_and_values(self, to_k: nn.Module, to_v: nn.Module) -> tuple[Tensor, Tensor]:
        """The text through these two projections, (B, M, channels) each."""
        if to_k not in self._read:
            with int8(False):  # whoever reads them next may want them exact
                self._read[to_k] = to_k(self.text), to_v(self.text)
        return self._read[to_k]
