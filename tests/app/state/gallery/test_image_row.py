"""Rows of the gallery: what is known of an image goes into one and comes back."""

from __future__ import annotations

import gc
from dataclasses import replace

import pytest

from app.state.gallery.image_row import COLUMNS, ImageFacts, ImageRow

FACTS = ImageFacts(
    *("", "a.png", 5, 9, 64, 32, "an owl", "", "m", "unipc", 2**64 - 1, 25, 7.5, "Safelight"),
    favourite=True,
    note="the best",
)


@pytest.mark.parametrize("facts", [FACTS, ImageFacts("", "b.png"), replace(FACTS, seed=0)])
def test_what_is_known_comes_back(facts: ImageFacts) -> None:
    row = facts.to_row(3)
    (read,) = ImageRow.of_database([row.values])
    assert read == row
    assert ImageFacts.of_row("", read) == facts


@pytest.mark.parametrize(("column", "value"), [("name", 1), ("changed", "x"), ("note", None)])
def test_another_kind_of_value_is_refused(column: str, value: object) -> None:
    values = list(FACTS.to_row().values)
    values[COLUMNS.index(column)] = value
    with pytest.raises(ValueError):
        ImageRow.of_database([tuple(values)])


def test_what_sqlite_cannot_hold_is_left_out() -> None:
    row = replace(FACTS, seed=2**70, steps=2**70, prompt="a\0b").to_row()
    assert (row.seed, row.steps, row.prompt) == (None, None, "ab")


def test_the_garbage_collection_passes_rows_by() -> None:
    """It would stop the window for 60 ms when there are fifty thousand."""
    assert not gc.is_tracked(FACTS.to_row())
