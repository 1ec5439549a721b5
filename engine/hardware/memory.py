"""Memory of a device: how much is free, how it is kept and given back, and what running out of it
means. Called around everything that allocates much.
"""

from __future__ import annotations

import ctypes
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import torch

from engine.errors import OutOfMemory

PR_SET_THP_DISABLE = 41
"""Of Linux's prctl: whether this process does without large pages."""
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
"""Of the GNU C library's mallopt."""


@contextmanager
def small_pages() -> Iterator[None]:
    """The memory that is taken meanwhile is not of large pages, where Linux gives such: they are
    good for what networks calculate with, but to find and clear them for weights, which are
    written once, takes twice as long as all the rest of loading."""
    told = ctypes.CDLL(None).prctl if sys.platform == "linux" else None
    if told is None:
        yield
        return
    told(PR_SET_THP_DISABLE, 1, 0, 0, 0)
    try:
        yield
    finally:
        told(PR_SET_THP_DISABLE, 0, 0, 0, 0)


def keep_memory() -> None:
    """From now on the GNU C library keeps the memory that is freed for whoever asks next, until
    `free_cache`. By itself it gives each large piece back to the system at once, which clears it
    again for the next picture in a network: that took longer than most of what is done with it."""
    with suppress(OSError, AttributeError):  # other C libraries have other rules
        library = ctypes.CDLL(None)
        if library.gnu_get_libc_version:
            library.mallopt(M_MMAP_MAX, 0)
            library.mallopt(M_TRIM_THRESHOLD, -1)  # never


def memory_left(device: torch.device | str) -> float:
    """The share of the device's memory that is free, 0 to 1; 0 where that cannot be told."""
    device = torch.device(device)
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        return free / total
    if device.type == "mps":
        return memory_free(device) / torch.mps.recommended_max_memory()
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    amounts = {name: int(amount.split()[0]) for name, amount in (x.split(":") for x in lines)}
    return amounts.get("MemAvailable", 0) / amounts["MemTotal"]


def memory_free(device: torch.device) -> float:
    """Bytes that networks can take on a graphics card, what torch holds in reserve there included;
    infinite on a CPU, which pages out what does not fit."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    if device.type == "mps":
        taken = torch.mps.current_allocated_memory()
        return max(torch.mps.recommended_max_memory() - taken, 0)
    return math.inf


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception of torch or Python says that memory ran out, on any device."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    told = ("allocate memory", "out of memory")  # by a CPU, by MPS
    return isinstance(error, RuntimeError) and any(words in str(error) for words in told)


def free_cache(device: torch.device) -> None:
    """Give back the memory that torch, or on a CPU the C library, holds in reserve."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
    elif sys.platform == "linux":
        with suppress(OSError, AttributeError):  # musl has no such call, and keeps less
            ctypes.CDLL(None).malloc_trim(0)


@contextmanager
def memory_guard(device: torch.device, work: str) -> Iterator[None]:
    """Turn running out of memory inside the block into OutOfMemory, which names the work."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        free_cache(device)
        raise OutOfMemory(
            f"Out of memory on {device} during {work}. Take a smaller width and height, a smaller "
            "dtype, or close other programs."
        ) from error
