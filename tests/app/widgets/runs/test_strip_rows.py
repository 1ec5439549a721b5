"""Where the keys go in a row of the timeline."""

from __future__ import annotations

import pytest

from app.widgets.runs.strip_rows import StripRow, StripStep


@pytest.fixture
def row() -> StripRow:
    """A run of which every fourth step is there."""
    row = StripRow.__new__(StripRow)
    row.steps = dict.fromkeys(range(0, 40, 4), StripStep.__new__(StripStep))
    return row


@pytest.mark.parametrize(
    ("index", "move", "there"),
    [
        (8, 1, 12),
        (8, -1, 4),
        (36, 1, 36),
        (0, -1, 0),
        (10, 1, 12),  # a step that went to make room
        (10, -1, 8),
        (10, 5, 28),
        (39, 1, 36),
        (-1, 1, 0),  # none
        (-1, -1, 0),
    ],
)
def test_the_next_step_that_is_there(row: StripRow, index: int, move: int, there: int) -> None:
    assert row.moved(index, move) == there


def test_no_step_is_there(row: StripRow) -> None:
    row.steps = {}
    assert row.moved(3, 1) == row.nearest(3) == -1
