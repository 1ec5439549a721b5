"""The counts of `python -m tests.house` are within their targets."""

from __future__ import annotations

from tests.house import counts


def test_every_fact_has_one_room() -> None:
    assert not [count for count in counts() if not count.holds]
