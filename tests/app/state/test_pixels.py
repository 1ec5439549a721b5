"""Pixels as QImages: whose they are, how large, and how several stand in one."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtGui import QColor

from app.state.pixels import _image, from_array, kept, opaque, sheet
from app.state.runs.run_memory import USUAL_BYTES
from engine.images import grid as grid_of


def test_pictures_own_their_pixels() -> None:
    pixels = np.full((3, 5, 3), 200, np.uint8)
    picture = from_array(pixels)
    pixels[:] = 0
    assert picture.pixelColor(4, 2) == QColor(200, 200, 200)
    assert picture.size().toTuple() == (5, 3)


def test_strided_arrays_keep_their_order() -> None:
    pixels = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)[:, ::-2]
    picture = from_array(pixels)
    assert picture.pixelColor(2, 3).getRgb()[:3] == tuple(pixels[3, 2])


def test_step_pictures_of_a_long_run_stay_within_memory() -> None:
    large = _image(bytes(3 * 1024 * 1024), 1024, 1024)
    assert kept(large, 20, USUAL_BYTES).width() == 1024
    small = kept(large, 1000, USUAL_BYTES)
    assert small.sizeInBytes() * 2 * 1000 <= USUAL_BYTES


@pytest.mark.parametrize(("count", "size"), [(1, (4, 4)), (2, (8, 4)), (3, (8, 8)), (5, (12, 8))])
def test_sheets_are_nearly_square(count: int, size: tuple[int, int]) -> None:
    images = tuple(_image(bytes(48), 4, 4) for _ in range(count))
    assert sheet(images).size().toTuple() == size


@pytest.mark.parametrize("count", [2, 3, 4, 5, 7])
def test_what_a_grid_leaves_empty_is_not_black(count: int) -> None:
    """Three pictures stood beside a black quarter, in the sheet and in every preview."""
    white = _image(b"\xff" * 48, 4, 4)
    made = grid_of([np.full((4, 4, 3), 255, np.uint8)] * count)
    for whole in sheet((white,) * count), from_array(made, count):
        columns = whole.width() // 4
        for place in range(columns * whole.height() // 4):
            row, column = divmod(place, columns)
            colour = whole.pixelColor(4 * column + 2, 4 * row + 2)
            assert colour.alpha() == (255 if place < count else 0)
            assert place >= count or colour == QColor("white")
        assert opaque(whole).pixelColor(whole.width() - 1, whole.height() - 1) != QColor("black")
