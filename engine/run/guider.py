"""Guider: how the predictions of an evaluation become one. Asked by `engine.generate`."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from engine.guidance.cfg import combine
from engine.request.conditions import Conditions
from engine.run.reuse import Predicted


class Guider(Protocol):
    def join(self, predicted: Predicted, now: Conditions) -> Tensor:
        """The prediction (B, C, h, w) that the scheduler steps by."""
        ...


class ClassifierFree:
    """See `engine.guidance.cfg`."""

    def join(self, predicted: Predicted, now: Conditions) -> Tensor:
        return combine(
            predicted.unconditional,
            predicted.conditional,
            now.guidance_scale,
            now.request.guidance_rescale or 0.0,
        )
