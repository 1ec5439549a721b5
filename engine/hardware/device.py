"""Where and in which precision a pipeline runs, and what running out of memory there means.
Called by `engine.load` and around everything that allocates much.
"""

from __future__ import annotations

import ctypes
import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import nn

from engine.errors import LoadError, OutOfMemory
from engine.hardware.tuning import Tuner

Network = TypeVar("Network", bound=nn.Module)

PR_SET_THP_DISABLE = 41
"""Of Linux's prctl: whether this process does without large pages."""
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
"""Of the GNU C library's mallopt."""

TUNER = Tuner()
"""For this process, where no other is given."""
TRIALS = 6
"""Of each dtype."""
CLOCK = time.perf_counter if sys.platform == "win32" else time.thread_time
"""For them: Windows counts the work of a thread in sixty-fourths of a second."""

DTYPES = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}


def pick_device(name: str | torch.device = "auto") -> torch.device:
    """For "auto": CUDA where there is one, else Apple's MPS, else the CPU. Raises LoadError for a
    device that this machine lacks."""
    if name == "auto":
        if torch.cuda.is_available():
            name = "cuda"
        else:
            name = "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        return torch.empty(1, device=name).device  # with its number
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        if reason.startswith("Expected one of"):  # a list of all that PyTorch was ever built for
            reason = "PyTorch knows none of that name"
        raise LoadError(
            f"The device {str(name)!r} cannot be used here ({reason}). Take auto or cpu."
        ) from None


def pick_dtype(
    name: str | torch.dtype, device: torch.device, tuner: Tuner | None = None
) -> torch.dtype:
    """For "auto": float16 on CUDA and MPS; bfloat16 on a CPU that multiplies it in hardware and is
    quicker that way, which the tuner finds out; else float32. Raises LoadError for an unknown name.
    """
    if isinstance(name, torch.dtype):
        name = str(name).removeprefix("torch.")
    if name != "auto":
        if name not in DTYPES:
            raise LoadError(f"The dtype {name!r} is not known. Take auto, {', '.join(DTYPES)}.")
        return DTYPES[name]
    if device.type in ("cuda", "mps"):
        return torch.float16
    if device.type == "cpu" and _cpu_multiplies_bfloat16():
        ways = {name: _work_in(DTYPES[name]) for name in ("float32", "bfloat16")}
        # What holds for all images to come is not left to the clock on the wall, which a busy
        # moment moves on: it is the time that one thread works.
        with threads(1):
            return DTYPES[(tuner or TUNER).quickest("dtype", ways, TRIALS, CLOCK)]
    return torch.float32


def _work_in(dtype: torch.dtype) -> Callable[[], None]:
    """What a network does most: a product and a filter."""
    order = torch.channels_last
    tokens, matrix = torch.ones(1024, 640, dtype=dtype), torch.ones(640, 640, dtype=dtype)
    picture = torch.ones(1, 320, 32, 32, dtype=dtype).to(memory_format=order)
    filters = torch.ones(320, 320, 3, 3, dtype=dtype).to(memory_format=order)

    def work() -> None:
        F.linear(tokens, matrix)
        F.conv2d(picture, filters, padding=1)

    return work


def _cpu_multiplies_bfloat16() -> bool:
    # Elsewhere bfloat16 is emulated, and far slower than float32.
    found = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    if found:
        return bool(found.get("avx512_bf16") or found.get("amx_bf16"))
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def has_bfloat16(device: torch.device) -> bool:
    """Whether the device calculates in bfloat16, be it slowly."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(False)
    return device.type != "mps" or torch.backends.mps.is_macos_or_newer(14, 0)


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


@contextmanager
def core_left_free() -> Iterator[None]:
    """Calls of this thread leave one core alone meanwhile, for a window that paints at the same
    time: threads that wait for each other on cores that are taken lose more than they gain."""
    with threads(max(1, min(torch.get_num_threads(), (os.cpu_count() or 1) - 1))):
        yield


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Calls of this thread are worked on by that many meanwhile."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


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
