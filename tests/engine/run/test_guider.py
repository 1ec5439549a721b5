"""Which predictions an evaluation needs, and how they become one."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from engine import Request
from engine.families import Ability
from engine.guidance.cfg import combine
from engine.pipelines.pipeline import Half
from engine.request.conditions import conditions
from engine.run.guider import ClassifierFree, Embedded, guider_of
from engine.run.reuse import Predicted

REQUEST = Request("an owl", guidance_scale=5.0, guidance_rescale=0.4, steps=4)
BOTH = (Half.UNCONDITIONAL, Half.CONDITIONAL)


def predicted() -> Predicted:
    generator = torch.Generator().manual_seed(0)
    one, other = (torch.randn(2, 4, 8, 8, generator=generator) for _ in range(2))
    return Predicted(one, other, ())


@pytest.mark.parametrize(
    ("request_", "halves"),
    [
        (REQUEST, BOTH),
        (Request(guidance_scale=1.0), BOTH[1:]),
        (Request(guidance_interval=(0.5, 1.0)), BOTH[1:]),
    ],
    ids=["guided", "scale 1", "before the interval"],
)
def test_both_halves_are_needed_only_where_guidance_acts(request_, halves):
    assert ClassifierFree().halves(conditions(request_, 0, 4)) == halves


def test_classifier_free_guidance_joins_by_its_rule():
    made = predicted()
    joined = ClassifierFree().join(made, conditions(REQUEST, 0, 4))
    assert torch.equal(joined, combine(made.unconditional, made.conditional, 5.0, 0.4))


def test_a_network_that_is_told_the_scale_makes_one_prediction():
    pipeline = SimpleNamespace(abilities={Ability.PROMPT, Ability.EMBEDDED_GUIDANCE})
    guider, now, made = guider_of(pipeline), conditions(REQUEST, 0, 4), predicted()  # type: ignore[arg-type]
    assert isinstance(guider, Embedded)
    assert guider.halves(now) == (Half.CONDITIONAL,)
    assert guider.join(made, now) is made.conditional
    pipeline.abilities = {Ability.PROMPT, Ability.NEGATIVE}
    assert isinstance(guider_of(pipeline), ClassifierFree)  # type: ignore[arg-type]
