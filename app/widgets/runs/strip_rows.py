"""The runs and branches of the timeline strip in the order in which they are shown, each with its
steps. The timeline strip keeps them here and paints them itself."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPixmap

from app.widgets.basic.rounded_picture import draw_rounded

RADIUS = 4


class StripStep:
    """A step as the strip keeps it: a thumbnail and the guidance scale it was made with, if any."""

    def __init__(self, picture: QImage, guidance_scale: float | None) -> None:
        self.guidance_scale = guidance_scale
        self._picture = picture
        self._tile = QPixmap()

    def tile(self, size: QSize, ratio: float) -> QPixmap:
        """The thumbnail with its rounded corners, `size` logical pixels large. It is kept: to round
        it anew at every paint takes most of the time of a paint."""
        pixels = size * ratio
        if self._tile.size() != pixels:
            self._tile = QPixmap(pixels)
            self._tile.fill(Qt.GlobalColor.transparent)
            painter = QPainter(self._tile)
            whole = QRectF(0, 0, pixels.width(), pixels.height())
            draw_rounded(painter, whole, self._picture, RADIUS * ratio)
            painter.end()
            self._tile.setDevicePixelRatio(ratio)
        return self._tile


@dataclass(eq=False)
class StripRow:
    """A run of `total` steps. It did those from `fork` on itself; a branch has the steps before
    from its `parent`."""

    number: int
    label: str
    total: int
    parent: int | None = None
    fork: int = 0
    plan: tuple[float | None, ...] = ()
    steps: dict[int, StripStep] = field(default_factory=dict)
    marks: dict[int, list[str]] = field(default_factory=dict)

    def nearest(self, index: int) -> int:
        """The step next to `index` among those that are there; -1 if none is."""
        return min(self.steps, key=lambda there: abs(there - index), default=-1)

    def moved(self, index: int, move: int) -> int:
        """The step `move` further on among those that are there, back where it is negative; -1 if
        none is."""
        there = sorted(self.steps)
        if not there:
            return -1
        position = bisect_left(there, index)
        if index not in self.steps and move > 0:  # it went to make room, or none was looked at
            position -= 1
        return there[min(max(position + move, 0), len(there) - 1)]


class StripRows:
    """Runs in the order in which they came, branches under their parent."""

    def __init__(self) -> None:
        self._rows: list[StripRow] = []
        self._newest: list[int] = []

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[StripRow]:
        return iter(self._rows)

    def __getitem__(self, position: int) -> StripRow:
        return self._rows[position]

    def get(self, number: int | None) -> StripRow | None:
        return next((row for row in self._rows if row.number == number), None)

    def position(self, row: StripRow) -> int:
        return self._rows.index(row)

    @property
    def newest(self) -> StripRow | None:
        """The row that was added last."""
        return self.get(self._newest[-1]) if self._newest else None

    def add(self, row: StripRow) -> None:
        """Under the last branch of its parent; at the end if it has none that is there. Raises
        ValueError for a number that is there."""
        if self.get(row.number) is not None:
            raise ValueError(f"There is a row {row.number} in the timeline; take another number.")
        if self.get(row.parent) is None:
            row.parent = None
        family = [
            position for position, other in enumerate(self) if row.parent in self._line(other)
        ]
        self._rows.insert(family[-1] + 1 if family else len(self), row)
        self._newest.append(row.number)

    def remove(self, row: StripRow) -> None:
        """Its branches stay where they are, on their own."""
        self._rows.remove(row)
        self._newest.remove(row.number)
        for branch in self:
            if branch.parent == row.number:
                branch.parent = None

    def clear(self) -> None:
        self._rows.clear()
        self._newest.clear()

    def inherited(self, row: StripRow) -> dict[int, StripStep]:
        """The steps before its fork that `row` has from the runs it branches from."""
        steps: dict[int, StripStep] = {}
        fork, parent = row.fork, self.get(row.parent)
        while parent is not None:
            steps |= {index: step for index, step in parent.steps.items() if index < fork}
            fork, parent = min(fork, parent.fork), self.get(parent.parent)
        return steps

    def _line(self, row: StripRow) -> list[int]:
        """The numbers of `row` and of those it descends from."""
        line = [row.number]
        while row.parent is not None and (parent := self.get(row.parent)):
            line.append(parent.number)
            row = parent
        return line
