"""Guider: which predictions an evaluation needs, and how they become one. Asked by
`engine.generate`.
"""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from engine.families import Ability
from engine.guidance.cfg import combine
from engine.pipelines.pipeline import Half, Pipeline
from engine.request.conditions import Conditions
from engine.run.reuse import Predicted


class Guider(Protocol):
    def halves(self, now: Conditions) -> tuple[Half, ...]:
        """Which predictions are needed, in the order of Half."""
        ...

    def join(self, predicted: Predicted, now: Conditions) -> Tensor:
        """The prediction (B, C, h, w) that the scheduler steps by."""
        ...


class ClassifierFree:
    """See `engine.guidance.cfg`. Where the unconditional half would change nothing, there is
    none."""

    def halves(self, now: Conditions) -> tuple[Half, ...]:
        return (Half.UNCONDITIONAL, Half.CONDITIONAL) if now.guided else (Half.CONDITIONAL,)

    def join(self, predicted: Predicted, now: Conditions) -> Tensor:
        return combine(
            predicted.unconditional,
            predicted.conditional,
            now.guidance_scale,
            now.request.guidance_rescale or 0.0,
        )


class Embedded:
    """For networks that are told the guidance scale: what they predict is guided already."""

    def halves(self, now: Conditions) -> tuple[Half, ...]:
        return (Half.CONDITIONAL,)

    def join(self, predicted: Predicted, now: Conditions) -> Tensor:
        return predicted.conditional


def guider_of(pipeline: Pipeline) -> Guider:
    """The way in which the pipeline's model is guided."""
    embedded = Ability.EMBEDDED_GUIDANCE in pipeline.abilities
    return Embedded() if embedded else ClassifierFree()
