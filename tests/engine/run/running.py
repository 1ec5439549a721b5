"""Runs of the tiny pipeline, and what two of them have in common. Used by the tests of steering,
branches and noise.
"""

from __future__ import annotations

import pytest
import torch

import engine
from engine import Control, Edit, Finished, Request, Step

REQUEST = Request(
    "a red apple, 3d", "grey", width=64, height=64, steps=4, guidance_scale=5.0, seed=3
)
CURVE = ((0.0, 1.0), (0.4, 8.0), (1.0, 3.0))
EVERY_SCHEDULER = pytest.mark.parametrize("scheduler", engine.schedulers.names())


def run(pipeline, request, control=None, start=None) -> Finished:
    *_, last = engine.generate(pipeline, request, control, start)
    assert isinstance(last, Finished)
    return last


def steered(pipeline, request, acts, start=None) -> list:
    """The events of a run in which `acts` (by evaluation) were done with its control after it."""
    control, events = Control(), []
    for event in engine.generate(pipeline, request, control, start):
        events.append(event)
        if isinstance(event, Step) and event.index in acts:
            acts[event.index](control)
    return events


def pictures(finished: Finished) -> list[bytes]:
    return [image.tobytes() for image in finished.images]


def latents(finished: Finished) -> torch.Tensor:
    return finished.timeline[-1].latents


def replays(pipeline, finished: Finished) -> bool:
    """Whether the record makes the same again from nothing, latents, pictures and record."""
    again = run(pipeline, finished.record.request)
    return (
        torch.equal(latents(again), latents(finished))
        and pictures(again) == pictures(finished)
        and again.record.request == finished.record.request
        and again.record.executed_steps == finished.record.executed_steps
    )


def vary(step: int, amount: float, seed: int = 0) -> Edit:
    return Edit(step, "vary", {"amount": amount, "seed": seed})
