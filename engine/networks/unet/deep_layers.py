"""DeepLayers: how a UNet hands what its deep layers made to later calls. Made by
`engine.run.reuse`, read by the UNets.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(eq=False)
class DeepLayers:
    """What one call does with all layers but those at both ends of its network: where `hidden` is
    there, (B, C, h, w), the call takes that over and runs only the ends; else it leaves its own.
    A network that cannot do without them leaves None."""

    hidden: Tensor | None = None
