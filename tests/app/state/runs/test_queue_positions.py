"""Where plans stand in the queue: ascending, and with as few changes as can be."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.state.runs.queue_positions import positions_of


@given(st.lists(st.none() | st.integers(-50, 50).map(float), max_size=12))
def test_positions_ascend(known: list[float | None]) -> None:
    found = positions_of(known)
    assert len(found) == len(known)
    assert all(before < after for before, after in pairwise(found))


@pytest.mark.parametrize(
    ("known", "positions"),
    [
        ([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]),
        ([1.0, None, 2.0], [1.0, 1.5, 2.0]),
        ([None, 1.0], [0.0, 1.0]),
        ([1.0, 3.0, 2.0], [1.0, 1.5, 2.0]),
        ([1.0, None], [1.0, 2.0]),
    ],
)
def test_what_was_moved_alone_is_another(known: list[float | None], positions: list[float]) -> None:
    assert positions_of(known) == positions
