"""Where the tiles of the gallery stand: arithmetic alone, so that fifty thousand of them cost no
more than one. The gallery view asks it for every place."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPoint, QRect

NARROW, SMALL, LARGE = 460, 92, 150
"""A gallery up to NARROW pixels wide has tiles of at least SMALL pixels, a wider one of LARGE."""


@dataclass(frozen=True)
class Tiles:
    """Square tiles in whole columns that fill `width` pixels, from the left to the right and down.
    Places are those of the whole gallery: its first tile begins at (0, 0)."""

    width: int

    @property
    def columns(self) -> int:
        return max(1, self.width // (SMALL if self.width <= NARROW else LARGE))

    @property
    def cell(self) -> int:
        """Pixels of a side, at least one."""
        return max(1, self.width // self.columns)

    def height(self, count: int) -> int:
        """Of `count` tiles."""
        return -(-count // self.columns) * self.cell

    def place(self, row: int) -> QRect:
        """row: of the item model."""
        down, across = divmod(row, self.columns)
        return QRect(across * self.cell, down * self.cell, self.cell, self.cell)

    def row_at(self, point: QPoint) -> int:
        """The row whose tile is at that point, -1 beside the columns; there may be no such row."""
        across = point.x() // self.cell
        if point.x() < 0 or point.y() < 0 or across >= self.columns:
            return -1
        return point.y() // self.cell * self.columns + across

    def rows_between(self, top: int, bottom: int, count: int) -> range:
        """The rows of `count` whose tiles touch the pixels from `top` to `bottom`."""
        first = max(0, top) // self.cell * self.columns
        last = (max(-1, bottom) // self.cell + 1) * self.columns
        return range(min(first, count), min(last, count))
