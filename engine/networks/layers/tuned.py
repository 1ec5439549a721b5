"""Tuned: a layer that does large pieces of work in the way that is the quickest here. Made so by
`engine.networks.layers.convolution.tune`; convolutions and attention are.
"""

from __future__ import annotations

from torch import Tensor

from engine.hardware.tuning import Tuner

LARGE = 10**9
"""Multiplications below which work is done as always: there is too little to gain, and a small
model gives the same bits everywhere."""


class Tuned:
    """tuner: asked before each large piece of work; None until the layer is tuned."""

    tuner: Tuner | None = None

    def tuner_for(self, input: Tensor, multiplications: int) -> Tuner | None:
        """The one to ask how that work on the input is done; None for as always."""
        is_large = multiplications >= LARGE
        return self.tuner if input.device.type == "cpu" and is_large else None
