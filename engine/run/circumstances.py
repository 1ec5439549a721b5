"""What decides the last bits of an image beside its request and its model: threads and ways of
calculating, which a record tells. Called by `engine.replay`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from engine.hardware.device import threads
from engine.hardware.tuning import taking
from engine.record.record import Record
from engine.weights.header import shown

THREADS_A_CORE = 4
"""As many threads as that are taken for a record's sake; more would only wait for each other."""


@contextmanager
def as_it_was_made(record: Record, where: torch.device) -> Iterator[None]:
    """Sums over other parts are rounded otherwise: as many threads work meanwhile as the record
    tells, and in its ways, as far as this machine has them. What it has not, `differences` tells.
    """
    count = record.threads
    if where.type != "cpu" or not 1 <= count <= THREADS_A_CORE * (os.cpu_count() or 1):
        count = torch.get_num_threads()
    with threads(count), taking(record.ways):
        yield


def differences(kind: str, record: Record, made: Record, identical: bool) -> Iterator[str]:
    """What of the way that the file was made is another, and may be why the pixels are, a sentence
    each. kind: the file's format; identical: whether the pixels are the same."""
    if kind == "JPEG":
        yield "The file is a JPEG, which is close to the pixels and never the same."
    for what, then, now in (
        ("on", record.device, made.device),
        ("in", record.dtype, made.dtype),
        ("with torch", record.versions.get("torch", ""), made.versions["torch"]),
        ("with Safelight", record.versions["safelight"], made.versions["safelight"]),
    ):
        if then != now:
            yield f"The file was made {what} {shown(then)}, and this {what} {shown(now)}."
    on_cpus = record.device == made.device == "cpu"
    if on_cpus and record.threads and record.threads != made.threads:
        yield (
            f"The file was made with {_threads(record.threads)}, and this with "
            f"{_threads(made.threads)}, which rounds otherwise, most of all in 8-bit numbers."
        )
    elif on_cpus and not record.threads and not identical:
        yield (
            f"The file does not tell how many threads made it, and this had {made.threads}: other "
            "numbers of them round otherwise, most of all in 8-bit numbers."
        )
    others = [work for work, way in record.ways.items() if made.ways.get(work) != way]
    if others and made.device == "cpu":
        yield (
            f"The file was made in other ways of calculating, which round otherwise, in "
            f"{len(others)} of {len(record.ways)} large pieces of work."
        )
    for note in record.notes:
        if note not in made.notes:
            yield f"The file was made otherwise: {shown(note)}."


def _threads(count: int) -> str:
    return "1 thread" if count == 1 else f"{count} threads"
