"""Noise: from the seeds of a request to the noise of each of its images, and noise that is turned
towards fresh noise on the way. Drawn by `engine.generate`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from engine.hardware.transfers import uploaded
from engine.request.request import Request
from engine.schedulers.scheduler import Scheduler

TINY = torch.finfo(torch.float32).tiny
APART = 0x9E3779B9
"""Keeps the fresh noise of a variation apart from the noise of a run with the same number as seed:
noise cannot be turned towards itself. Within 32 bits, as torch's generator takes no more of them.
"""


class Noise:
    """A generator on the CPU for each image of a run, so that an image depends neither on the
    device nor on its neighbours: latents first, then step noise, as diffusers draws them."""

    def __init__(self, request: Request, shape: tuple[int, int, int], device: torch.device):
        self._shape = (1, *shape)
        self._device = device
        self._generators = [
            torch.Generator().manual_seed(request.seed + image) for image in range(request.count)
        ]

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self._generators), *self._shape[1:])

    def draw(self, shape: Sequence[int] | None = None) -> Tensor:
        """Standard normal noise (B, C, h, w), float32, on the pipeline's device."""
        one = self._shape if shape is None else (1, *shape[1:])
        drawn = [torch.randn(one, generator=generator) for generator in self._generators]
        return uploaded(torch.cat(drawn), self._device)

    def states(self) -> tuple[Tensor, ...]:
        return tuple(generator.get_state() for generator in self._generators)

    def restore(self, states: tuple[Tensor, ...]) -> None:
        for generator, state in zip(self._generators, states, strict=True):
            generator.set_state(state)


def varied(
    sample: Tensor,
    denoised: Tensor | None,
    scheduler: Scheduler,
    index: int,
    amount: float,
    seed: int,
) -> Tensor:
    """The sample x_t (B, C, h, w) with its noise turned towards fresh noise by `amount` quarter
    turns, at the length that it had, so that the level stays. Image i of the batch takes its fresh
    noise from seed + i.

    What is noise and what is image in x_t is told by the x_0 that the last evaluation predicted;
    before the first one all of it is noise.
    """
    level = scheduler.levels[index]
    image = torch.zeros_like(sample) if denoised is None else level.alpha * denoised
    # One at a time: a sum over a batch rounds otherwise than over one image.
    held = (sample - image).split(1)
    return image + torch.cat([_turn(one, amount, seed + i) for i, one in enumerate(held)])


def _turn(held: Tensor, amount: float, seed: int) -> Tensor:
    """The noise of one image (1, C, h, w) turned; see `varied`."""
    generator = torch.Generator().manual_seed(seed ^ APART)
    fresh = uploaded(torch.randn(held.shape, generator=generator), held.device)
    # What lies along the held noise goes: only at a right angle the length stays on the whole way.
    fresh = fresh - held * ((fresh * held).sum() / held.norm().square().clamp_min(TINY))
    fresh = fresh * (held.norm() / fresh.norm())
    angle = amount * math.pi / 2
    return math.cos(angle) * held + math.sin(angle) * fresh
