"""Economy: levels from exact to fast, each of which sets several fields of a request. Chosen in the
window and by `safelight render --fast`. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Economy:
    """How much an evaluation takes over from those before it, and how finely it calculates; see the
    fields of the same names of a request."""

    feature_reuse: int
    guidance_reuse: float
    int8: bool

    @property
    def fields(self) -> Mapping[str, Any]:
        return asdict(self)


ECONOMIES = (
    Economy(1, 0.0, int8=False),
    Economy(2, 0.0, int8=True),
    Economy(3, 0.2, int8=True),
    Economy(5, 0.3, int8=True),
)
"""The levels from exact to fast that a person chooses from; `tests/benchmarks/economy.py` prints
what each costs and saves."""
