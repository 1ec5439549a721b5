"""Recorded calls, with a recording that simply does the work again: what shares one, and what goes
into it. On a CUDA device: test_cuda.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch

from engine.placement.cuda_graph import KEPT, GraphedCall


@dataclass(frozen=True, eq=False)
class Added:
    pooled: torch.Tensor


class Tape:
    """Records work; its replay writes into the first result, as a graph does."""

    def __init__(self):
        self.recorded = 0

    def __call__(self, work):
        self.recorded += 1
        output = work().clone()
        return lambda: output.copy_(work()), output


def network(sample, timestep, added, poll, *, scale=None):
    """Adds all that it is given. A number that comes as a float would be fixed in a recording."""
    assert isinstance(timestep, torch.Tensor) and not isinstance(scale, float)
    poll()
    return sample + timestep + added.pooled + (0 if scale is None else scale)


@pytest.fixture
def tape():
    return Tape()


def call(graphed, value, timestep, poll=lambda: None, width=3, **named):
    added = Added(torch.full((width,), 10.0))
    return graphed(torch.full((2, width), value), timestep, added, poll, **named)


def test_calls_that_differ_in_numbers_share_a_recording(tape):
    graphed = GraphedCall(network, tape)
    first = call(graphed, 1.0, 0.5)
    second = call(graphed, 2.0, 0.25)
    assert tape.recorded == 1
    assert torch.equal(first, torch.full((2, 3), 11.5))  # the second did not write over it
    assert torch.equal(second, torch.full((2, 3), 12.25))
    assert torch.equal(call(graphed, 0.0, 0.0, scale=3.0), torch.full((2, 3), 13.0))
    assert torch.equal(call(graphed, 0.0, 0.0, width=4), torch.full((2, 4), 10.0))
    assert tape.recorded == 3


def test_only_the_latest_kinds_are_kept(tape):
    graphed = GraphedCall(network, tape)
    for width in [*range(1, KEPT + 2), KEPT + 1, 1]:
        call(graphed, 1.0, 0.5, width=width)
    assert tape.recorded == KEPT + 2


def test_a_poll_steps_in_before_a_replay_and_not_within(tape):
    graphed = GraphedCall(network, tape)
    polls = []
    call(graphed, 1.0, 0.5, lambda: polls.append(1))
    call(graphed, 1.0, 0.5, lambda: polls.append(2))
    assert polls == [1, 2]

    def stop():
        raise InterruptedError

    with pytest.raises(InterruptedError):
        call(graphed, 1.0, 0.5, stop)


def test_what_cannot_be_recorded_is_called_as_it_is(tape):
    seen = []
    graphed = GraphedCall(lambda *given: (seen.append(given), given[0])[1], tape)
    known = {"cache": 1}
    assert graphed(torch.ones(1), known)[0] == 1
    assert seen[0][1] is known
    assert tape.recorded == 0
