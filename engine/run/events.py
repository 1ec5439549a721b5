"""The events that `engine.generate` yields, in this order: one Encoded, a Step for every model
evaluation, then one Finished or one Cancelled. Imports no torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

    from engine.record.record import Record
    from engine.run.timeline import Snapshot, Timeline


@dataclass(frozen=True)
class Encoded:
    """The prompt and the negative prompt have been read. token_count counts the prompt's tokens
    without the start and end marks; truncated and negative_truncated are the text of each that did
    not fit, "" when all did."""

    token_count: int
    truncated: str
    negative_truncated: str = ""


@dataclass(frozen=True, eq=False)
class Step:
    """One model evaluation is done. index: 0 to total - 1; timestep: what the network saw;
    seconds: what this evaluation took, without pauses; on a device that goes on by itself, what the
    one before took, since this one may still be under way."""

    index: int
    total: int
    timestep: float
    guidance_scale: float
    snapshot: Snapshot
    seconds: float


@dataclass(frozen=True, eq=False)
class Finished:
    """The run is complete. images: one PIL RGB image for each seed; record: what goes into the
    files; timeline: the snapshots of the run."""

    images: tuple[Image, ...]
    record: Record
    timeline: Timeline


@dataclass(frozen=True, eq=False)
class Cancelled:
    """A person stopped the run after `at` evaluations. Nothing is decoded."""

    at: int
    timeline: Timeline


Event = Encoded | Step | Finished | Cancelled
