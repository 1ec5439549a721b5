"""What a scheduler's step costs beside diffusers', in one run on the same machine. Prints a table:

    python -m tests.benchmarks.bench_schedulers

A latent of (2, 4, 64, 64) in float32 on one CPU thread; the network is left out. Each run of 20
steps is timed in turns with diffusers', and the fastest of each counts.
"""

from __future__ import annotations

import time
import warnings
from typing import Any

import torch
from diffusers.utils import logging

from engine import schedulers
from tests.parity.trajectories import CONFIGS, FIXED, FLOW, STAND_INS, Brownian, module_of

SHAPE = (2, 4, 64, 64)
STEPS = 20
ROUNDS = 15


def main() -> None:
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    logging.set_verbosity_error()
    print(f"{'scheduler':20}{'ours':>10}{'diffusers':>12}{'ratio':>8}   microseconds an evaluation")
    for name in schedulers.names():
        scheduler = schedulers.create(name, CONFIGS["sd15"], STEPS)
        reference = made_by_diffusers(name)
        ours, theirs = [], []
        for _ in range(ROUNDS):
            ours.append(time_ours(scheduler))
            theirs.append(time_theirs(name, reference))
        mine, other = (min(times) / len(scheduler.timesteps) * 1e6 for times in (ours, theirs))
        print(f"{name:20}{mine:10.0f}{other:12.0f}{mine / other:8.2f}")


def made_by_diffusers(name: str) -> Any:
    module = module_of(name)
    vars(module).update(STAND_INS)
    kind = getattr(module, schedulers.describe(name).class_name)
    return kind.from_config({**CONFIGS["sd15"], **FIXED.get(name, {})})


def time_ours(scheduler: schedulers.Scheduler[Any]) -> float:
    output = torch.randn(SHAPE)
    state = scheduler.start(torch.randn(SHAPE))
    start = time.perf_counter()
    while not state.done:
        scheduler.scale_model_input(state)
        state = scheduler.step(state, output, torch.randn)
    return time.perf_counter() - start


def time_theirs(name: str, reference: Any) -> float:
    reference.set_timesteps(STEPS)
    if name == "dpmpp_sde":
        reference.noise_sampler = Brownian(lambda *_: torch.randn(SHAPE), torch.float32)
    output, sample = torch.randn(SHAPE), torch.randn(SHAPE)
    start = time.perf_counter()
    for t in reference.timesteps:
        if name not in FLOW:
            reference.scale_model_input(sample, t)
        sample = reference.step(output, t, sample).prev_sample
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
