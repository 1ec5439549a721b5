"""Where, in which precision and on how many threads a pipeline runs. Called by `engine.load` and by
`engine.replay`.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F

from engine.errors import LoadError
from engine.hardware.tuning import Tuner

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
