"""Snapshot: the whole state after one model evaluation. Timeline: a run's snapshots in order.
Made by `engine.generate`; a run can start again from any snapshot.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from engine.hardware.transfers import Arrival
    from engine.request.request import Request
    from engine.run.reuse import Reused
    from engine.schedulers.scheduler import Scheduler, State

BUDGET = 512 * 2**20
"""Bytes that the snapshots of a run may take together: some 200 steps of 256 by 256 pixels without
a VAE, and several times as many with one."""

TENSORS = frozenset({"before", "state", "unconditional", "conditional", "reused"})
"""The fields of a snapshot that may still be on their way when it is told of."""


@dataclass(frozen=True, eq=False)
class Snapshot:
    """Everything that the rest of the run depends on. All tensors are float32 on the CPU. Whoever
    reads them before they have come from the device waits for them, and for nothing else.

    index: the evaluation that it was taken after, from 0.
    before, state: the scheduler's state before and after that evaluation.
    unconditional, conditional: the network's two predictions (B, C, h, w); unconditional is None
        where guidance was off.
    guidance_scale, guidance_rescale: what the two were joined with.
    scheduler: the tables that the step was made with.
    random_states: one torch.Generator state for each image of the batch.
    request: makes this very state from nothing, with the edits up to here.
    branches: the evaluations at which its run left another, first to last.
    reused: what each image's next evaluation may take over from this one; () where it may not.
    arrival: when the tensors are there; None where they are.
    """

    index: int
    before: State
    state: State
    unconditional: Tensor | None
    conditional: Tensor
    guidance_scale: float
    guidance_rescale: float
    scheduler: Scheduler
    random_states: tuple[Tensor, ...]
    request: Request
    branches: tuple[int, ...] = ()
    reused: tuple[Reused, ...] = ()
    arrival: Arrival | None = None

    def __getattribute__(self, name: str) -> Any:
        if name in TENSORS and (arrival := self.arrival) is not None:
            arrival.wait()
        return super().__getattribute__(name)

    @property
    def latents(self) -> Tensor:
        """x_t after the evaluation, (B, C, h, w)."""
        return self.state.sample

    @property
    def denoised(self) -> Tensor:
        """The predicted x_0 of this evaluation, (B, C, h, w)."""
        assert self.state.denoised is not None
        return self.state.denoised

    @property
    def seconds(self) -> float:
        """What this evaluation took; 0 where it was not timed."""
        if self.arrival is None:
            return 0.0
        self.arrival.wait()
        return self.arrival.seconds

    @property
    def input_scale(self) -> float:
        """`latents` times this have the variance that the network would see."""
        return self.scheduler.input_scale(self.state.index)


@dataclass(eq=False)
class _Kept:
    """A snapshot in its timeline. number: counts all that were added; beside: bytes of what is kept
    beside it."""

    snapshot: Snapshot
    number: int
    beside: int = 0


class Timeline:
    """The snapshots of one run, oldest first, in `budget` bytes.

    A run that would grow over it is thinned evenly: of every two, four, eight, … snapshots that
    were added one is kept, and always the first and the latest. Only those two alone may be over
    the budget.
    """

    def __init__(self, budget: int = BUDGET) -> None:
        self.budget = budget
        self.size = 0  # bytes; a tensor that several snapshots share counts once
        self._kept: list[_Kept] = []
        self._added = 0
        self._stride = 1
        self._shares: dict[int, int] = {}  # by address: how many snapshots hold it

    def add(self, snapshot: Snapshot) -> None:
        """Take the next snapshot of the run; the one before it goes, if it is off the stride."""
        self._kept.append(_Kept(snapshot, self._added))
        self._added += 1
        for address, size in _storages(snapshot).items():
            self.size += 0 if address in self._shares else size
            self._shares[address] = self._shares.get(address, 0) + 1
        self._thin()
        while self.size > self.budget and len(self._kept) > 2:
            self._stride *= 2
            self._thin()

    def weigh(self, index: int, beside: int) -> None:
        """What is kept beside the snapshot of evaluation `index`, such as its pictures, takes that
        many bytes now. They count as long as the snapshot is kept; the next one that is added may
        have to thin the run for them."""
        kept = self._at(index)
        if kept is not None and kept.snapshot.index == index:
            self.size += beside - kept.beside
            kept.beside = beside

    def at(self, index: int) -> Snapshot | None:
        """The snapshot of evaluation `index`, or, where that was not kept, the nearest before it;
        None before the first. Its own `index` says which it is."""
        kept = self._at(index)
        return kept.snapshot if kept else None

    def __len__(self) -> int:
        return len(self._kept)

    def __getitem__(self, position: int) -> Snapshot:
        """By position among those that were kept; see `at` for the evaluation."""
        return self._kept[position].snapshot

    def __iter__(self) -> Iterator[Snapshot]:
        return (kept.snapshot for kept in self._kept)

    def _at(self, index: int) -> _Kept | None:
        kept = self._kept  # another thread may be adding: this list only ever grows at its end
        after = bisect_right(kept, index, key=lambda one: one.snapshot.index)
        return kept[after - 1] if after else None

    def _thin(self) -> None:
        latest = self._kept[-1]
        kept = []
        for one in self._kept:
            if one is latest or one.number % self._stride == 0:
                kept.append(one)
            else:
                self._forget(one)
        self._kept = kept

    def _forget(self, kept: _Kept) -> None:
        self.size -= kept.beside
        for address, size in _storages(kept.snapshot).items():
            self._shares[address] -= 1
            if not self._shares[address]:
                del self._shares[address]
                self.size -= size


def _storages(snapshot: Snapshot) -> dict[int, int]:
    """The bytes that the snapshot's tensors take, by address, which is known before they arrive."""
    held = vars(snapshot)
    states = (held["before"], held["state"])
    tensors = [
        *(tensor for state in states for tensor in (state.sample, state.denoised, *state.history)),
        *(held["unconditional"], held["conditional"], *held["random_states"]),
        *(tensor for one in held["reused"] for tensor in (one.deep, one.direction)),
    ]
    storages = (tensor.untyped_storage() for tensor in tensors if tensor is not None)
    return {storage.data_ptr(): storage.nbytes() for storage in storages}
