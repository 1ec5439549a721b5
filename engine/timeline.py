"""Snapshot: the whole state after one model evaluation. Timeline: a run's snapshots in order.
Made by `engine.generate`; a run can start again from any snapshot.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from engine.schedulers.base import Scheduler, State


@dataclass(frozen=True, eq=False)
class Snapshot:
    """Everything that the rest of the run depends on. All tensors are float32 on the CPU.

    index: the evaluation that it was taken after, from 0.
    before, state: the scheduler's state before and after that evaluation.
    unconditional, conditional: the network's two predictions (B, C, h, w); unconditional is None
        where guidance was off.
    guidance_scale, guidance_rescale: what the two were joined with.
    scheduler: the tables that the step was made with.
    random_states: one torch.Generator state for each image of the batch.
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
    def input_scale(self) -> float:
        """`latents` times this have the variance that the network would see."""
        return self.scheduler.input_scale(self.state.index)


@dataclass(eq=False)
class Timeline:
    """The snapshots of one run, oldest first."""

    snapshots: list[Snapshot] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.snapshots)

    def __getitem__(self, index: int) -> Snapshot:
        return self.snapshots[index]

    def __iter__(self) -> Iterator[Snapshot]:
        return iter(self.snapshots)
