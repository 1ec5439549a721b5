"""Timeline: within its budget, evenly thinned, the first and the latest always there."""

from __future__ import annotations

from itertools import pairwise

import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.request.request import Request
from engine.run.timeline import BUDGET, Snapshot, Timeline
from engine.schedulers.scheduler import State

ROW = 4  # bytes of a float


def run(total: int, floats: int, first: int = 0) -> list[Snapshot]:
    """Snapshots as a run makes them: each begins with the state that the one before ended with."""
    state = State(first, first + total, torch.zeros(floats))
    snapshots = []
    for index in range(first, first + total):
        before = state
        state = State(index + 1, first + total, torch.zeros(floats), torch.zeros(floats))
        snapshots.append(
            Snapshot(
                index=index,
                before=before,
                state=state,
                unconditional=None,
                conditional=torch.zeros(floats),
                guidance_scale=1.0,
                guidance_rescale=0.0,
                scheduler=None,  # type: ignore[arg-type]
                random_states=(),
                request=Request(),
            )
        )
    return snapshots


def filled(snapshots: list[Snapshot], budget: int) -> Timeline:
    timeline = Timeline(budget)
    for snapshot in snapshots:
        timeline.add(snapshot)
    return timeline


def counted(timeline: Timeline) -> int:
    """The bytes that a timeline holds, counted anew."""
    tensors = [
        tensor
        for snapshot in timeline
        for state in (snapshot.before, snapshot.state)
        for tensor in (state.sample, state.denoised, snapshot.conditional)
        if tensor is not None
    ]
    return sum({tensor.data_ptr(): tensor.nbytes for tensor in tensors}.values())


@given(st.integers(1, 80), st.integers(1, 8), st.integers(0, 4000), st.integers(0, 20))
def test_a_run_of_any_length_stays_within_its_budget(total, floats, budget, first):
    snapshots = run(total, floats, first)
    timeline = Timeline(budget)
    for number, snapshot in enumerate(snapshots, 1):
        timeline.add(snapshot)
        assert timeline.size == counted(timeline)
        assert timeline.size <= budget or len(timeline) <= 2
        assert timeline[0] is snapshots[0]
        assert timeline[-1] is snapshot
        assert len(timeline) == len(list(timeline)) <= number


@given(st.integers(3, 80), st.integers(0, 4000))
def test_what_is_kept_lies_evenly(total, budget):
    indices = [snapshot.index for snapshot in filled(run(total, 4), budget)]
    gaps = [later - earlier for earlier, later in pairwise(indices)]
    assert len(set(gaps[:-1])) <= 1
    assert gaps[-1] <= max(gaps)
    if len(gaps) > 1:
        assert gaps[0] & (gaps[0] - 1) == 0  # a power of two
        assert gaps[-1] <= gaps[0]


@given(st.integers(1, 80), st.integers(0, 4000), st.integers(0, 20))
def test_at_is_the_evaluation_or_the_nearest_before(total, budget, first):
    timeline = filled(run(total, 4, first), budget)
    indices = [snapshot.index for snapshot in timeline]
    assert timeline.at(first - 1) is None
    for index in range(first, first + total + 3):
        found = timeline.at(index)
        assert found is not None
        assert found.index == max(kept for kept in indices if kept <= index)


def test_a_timeline_is_used_by_half_at_least():
    timeline = filled(run(1000, 100), 40_000)
    assert 20_000 <= timeline.size <= 40_000


def test_nothing_goes_while_it_fits():
    # One tensor to begin with, then three a step: the state's two and the prediction.
    size = (1 + 30 * 3) * 4 * ROW
    assert len(filled(run(30, 4), size)) == 30
    assert len(filled(run(30, 4), size - 1)) < 30


def test_two_snapshots_over_the_budget_are_kept():
    assert [snapshot.index for snapshot in filled(run(9, 4), 0)] == [0, 8]


def test_the_usual_budget():
    assert Timeline().budget == BUDGET == 512 * 2**20
    assert Timeline().at(0) is None
    assert len(Timeline()) == 0


def test_what_is_kept_beside_a_snapshot_counts_and_goes_with_it():
    timeline = filled(run(4, 4), 10_000)
    bare = timeline.size
    timeline.weigh(1, 300)
    timeline.weigh(1, 200)  # it has become less
    timeline.weigh(2, 500)
    timeline.weigh(7, 9_000)  # there is no such snapshot
    assert timeline.size == bare + 700 == counted(timeline) + 700
    timeline.budget = bare + 600
    timeline.add(run(1, 4, first=4)[0])
    assert [snapshot.index for snapshot in timeline] == [0, 2, 4]
    assert timeline.size == counted(timeline) + 500


def test_evaluations_that_were_never_added_count_for_nothing():
    snapshots = run(80, 4)[::7]
    timeline = filled(snapshots, 400)
    assert len(timeline) > 2
    positions = [snapshots.index(snapshot) for snapshot in timeline]
    assert len({later - earlier for earlier, later in pairwise(positions[:-1])}) == 1
