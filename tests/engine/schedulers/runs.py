"""Runs of any scheduler on outputs that are made up, for its tests."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from engine import schedulers

CONFIG = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}

FLOW = {"use_flow_sigmas": True, "prediction_type": "flow_prediction"}

KARRAS = {"use_karras_sigmas": True}

SHAPE = (2, 3, 4, 4)

every_name = pytest.mark.parametrize("name", schedulers.names())


def draws(seed: int) -> Callable[..., Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return lambda shape: torch.randn(tuple(shape), generator=generator)


def network(x: Tensor, t: float) -> Tensor:
    return 0.8 * x.tanh() + 0.2 * (2 * x.roll(1, -1) + t / 100).sin()


class Run:
    """A run whose noise at evaluation i depends on its seed and i alone."""

    def __init__(self, scheduler: schedulers.Scheduler, seed: int = 0):
        self.scheduler = scheduler
        self.seed = seed
        self.state = scheduler.start(draws(seed)(SHAPE) * scheduler.init_noise_sigma)

    def step(self) -> None:
        state, scheduler = self.state, self.scheduler
        output = network(scheduler.scale_model_input(state), scheduler.timesteps[state.index])
        self.state = scheduler.step(state, output, draws(1000 * self.seed + state.index))

    def finish(self) -> Tensor:
        while not self.state.done:
            self.step()
        return self.state.sample
