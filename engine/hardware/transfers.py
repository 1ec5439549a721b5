"""Transfers: tensors between the CPU and the device of a pipeline, without one waiting for the
other. Made for each run; what is fetched arrives in its snapshots. All copies from the device while
a run is under way go through here.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import TypeVar

import torch
from torch import Tensor

from engine.images import Pixels, eight_bit

Value = TypeVar("Value")
Mark = float | torch.cuda.Event
"""A moment: on the clock, or in the work of a device that goes on by itself."""


class Arrival:
    """When the tensors that were fetched together are there to be read: here, at once. seconds:
    what the evaluation took that they stem from, known after `wait`."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def wait(self) -> None:
        """Return once they are there. May be called from any thread, and again."""


class Transfers:
    """From a device whose results are there when a call returns, or that copies only so.

    behind: how many evaluations the loop may be ahead of the arrivals that it has looked at.
    """

    behind = 0

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._fetched: dict[int, tuple[Tensor, Tensor]] = {}  # by identity: there, and here

    def mark(self) -> Mark:
        """This moment in the device's work."""
        return time.perf_counter()

    def fetch(self, value: Value, since: Mark) -> tuple[Value, Arrival]:
        """The value with every tensor in it on the CPU, where it must not be read before the
        arrival. A tensor that was in the last value, too, or that lies there already, is shared,
        which is safe because no step writes into what it was given."""
        before, self._fetched = self._fetched, {}

        def on_the_cpu(tensor: Tensor) -> Tensor:
            here = self._fetched.get(id(tensor)) or before.get(id(tensor))
            self._fetched[id(tensor)] = here or (tensor, self._copied(tensor))
            return self._fetched[id(tensor)][1]

        return mapped(value, on_the_cpu), self._arrival(since)

    def _copied(self, tensor: Tensor) -> Tensor:
        return tensor.to("cpu")

    def _arrival(self, since: Mark) -> Arrival:
        assert isinstance(since, float)
        return Arrival(time.perf_counter() - since)


class CudaTransfers(Transfers):
    """From a CUDA device: through page-locked memory, and on a stream beside the one that
    the networks work on, which is one evaluation ahead of what is looked at here."""

    behind = 1

    def __init__(self, device: torch.device) -> None:
        super().__init__(device)
        self._side = torch.cuda.Stream(device)
        self._staged: list[tuple[Tensor, Tensor]] = []

    def mark(self) -> torch.cuda.Event:
        mark = torch.cuda.Event(enable_timing=True)
        mark.record(torch.cuda.current_stream(self.device))
        return mark

    def _copied(self, tensor: Tensor) -> Tensor:
        staged = torch.empty_like(tensor, device="cpu", pin_memory=True)
        self._side.wait_stream(torch.cuda.current_stream(self.device))
        with torch.cuda.stream(self._side):
            staged.copy_(tensor, non_blocking=True)
        tensor.record_stream(self._side)
        here = torch.empty_like(staged, pin_memory=False)
        self._staged.append((here, staged))
        return here

    def _arrival(self, since: Mark) -> Arrival:
        assert isinstance(since, torch.cuda.Event)
        staged, self._staged = self._staged, []
        copied = torch.cuda.Event()
        copied.record(self._side)
        return _CudaArrival(since, self.mark(), copied, staged)


class _CudaArrival(Arrival):
    """staged: where each tensor goes, and the page-locked memory that it arrives in, of which there
    is too little to keep it."""

    def __init__(
        self,
        since: torch.cuda.Event,
        done: torch.cuda.Event,
        copied: torch.cuda.Event,
        staged: Sequence[tuple[Tensor, Tensor]],
    ) -> None:
        super().__init__(0.0)
        self._since = since
        self._done = done
        self._copied = copied
        self._staged = staged
        self._is_there = False
        self._lock = threading.Lock()

    def wait(self) -> None:
        if self._is_there:
            return
        with self._lock:
            if not self._is_there:
                self._copied.synchronize()
                self._done.synchronize()
                for here, staged in self._staged:
                    here.copy_(staged)
                self.seconds = self._since.elapsed_time(self._done) / 1000
                self._staged = ()
                self._is_there = True


def transfers_of(device: torch.device) -> Transfers:
    """The kind that suits the device."""
    return CudaTransfers(device) if device.type == "cuda" else Transfers(device)


def uploaded(tensor: Tensor, device: torch.device) -> Tensor:
    """The tensor on the device; one that comes from the CPU is waited for by nobody."""
    if device.type == "cuda" and tensor.device.type == "cpu":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


def all_uploaded(value: Value, device: torch.device) -> Value:
    """The value with every tensor in it on the device; see `mapped`."""
    return mapped(value, lambda tensor: uploaded(tensor, device))


def fetched(tensor: Tensor) -> Tensor:
    """The tensor on the CPU, waiting for what it takes, not for all that the device has to do."""
    transfers = transfers_of(tensor.device)
    here, arrival = transfers.fetch(tensor, transfers.mark())
    arrival.wait()
    return here


def to_pixels(image: Tensor) -> Pixels:
    """(3, H, W) in [-1, 1], any dtype and device -> uint8 (H, W, 3); the rest is clipped."""
    return fetched(eight_bit(image)).numpy()


def mapped(value: Value, change: Callable[[Tensor], Tensor]) -> Value:
    """The value with every tensor in it changed: in tuples and the fields of dataclasses, too."""
    if isinstance(value, Tensor):
        return change(value)  # type: ignore[return-value]
    if isinstance(value, tuple):
        return tuple(mapped(item, change) for item in value)  # type: ignore[return-value]
    if is_dataclass(value) and not isinstance(value, type):
        parts = {part.name: mapped(getattr(value, part.name), change) for part in fields(value)}
        return replace(value, **parts)
    return value
