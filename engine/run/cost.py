"""What a request costs, told by its numbers alone, before a model is loaded or a pixel unpacked;
and the question that goes with a stranger's record. Called by `engine.replay` and by whatever else
makes an image by the record in a file. Imports no torch.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from engine import schedulers
from engine.atomic import shown_path
from engine.errors import CostlyReplay
from engine.request.request import Request

MOST_WORK = 2**29
"""Pixels times evaluations that nobody is asked about: 512 evaluations at 1024 by 1024, or four
pictures of that size in 50 steps of two evaluations each."""
MOST_MEMORY = 2**29
"""Bytes of pictures that nobody is asked about: one of 4096 by 4096, or four of 2048 by 2048."""
BYTES = 24
"""Of a pixel: three channels, as the decoder makes them and as they are compared."""


@dataclass(frozen=True)
class Cost:
    """width, height: pixels; count: images; evaluations: of the network, for each of them."""

    width: int
    height: int
    count: int
    evaluations: int

    @property
    def memory(self) -> int:
        """Bytes of the finished pictures; networks take more."""
        return self.width * self.height * self.count * BYTES

    @property
    def work(self) -> int:
        """Pixels times evaluations."""
        return self.width * self.height * self.count * self.evaluations

    @property
    def is_usual(self) -> bool:
        """Whether pictures are made at such a cost every day."""
        return self.work <= MOST_WORK and self.memory <= MOST_MEMORY


def cost_of(request: Request) -> Cost:
    """What a request costs whose size is told, as that of a record is. Raises SchedulerError for a
    scheduler that there is not."""
    assert request.width is not None and request.height is not None
    name = request.scheduler
    each = 1 if name is None else schedulers.describe(name).evaluations
    ends = [max(edit.step, 1) for edit in request.edits if edit.field == "finish"]
    evaluations = min((each * request.steps, *ends))
    return Cost(request.width, request.height, request.count, evaluations)


def ask_first(path: str | os.PathLike[str], request: Request) -> None:
    """Raise CostlyReplay, which is the question, for the request of a file's record that costs more
    than is usual."""
    cost = cost_of(request)
    if cost.is_usual:
        return
    count = f"{cost.count} images of " if cost.count > 1 else ""
    raise CostlyReplay(
        f"{shown_path(path)} asks for {count}{cost.width} by {cost.height} pixels in "
        f"{request.steps} steps, which is {cost.work / MOST_WORK:.1f} times the work and "
        f"{cost.memory / MOST_MEMORY:.1f} times the memory that Safelight spends without a "
        f"question. {CostlyReplay.remedy}"
    )
