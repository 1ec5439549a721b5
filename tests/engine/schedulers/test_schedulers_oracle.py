"""Every scheduler before a network that always predicts one image, and errs by 0.001 in each
evaluation: however the noise is spaced, whatever is predicted and however many steps there are, a
run has as many evaluations as it says, stays within the noise that it is told of, and ends near the
image. A step that makes much of little, such as a long extrapolation, shows here.
"""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor

from engine import schedulers
from engine.schedulers.maths.prediction import Level

CONFIG = {
    **{"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"},
    **{"steps_offset": 1, "clip_sample": False},
}
IMAGE = torch.linspace(-0.9, 0.9, 36).view(1, 1, 6, 6)
ERROR = 0.001
NAMES = [name for name in schedulers.names() if schedulers.describe(name).network == "diffusion"]
SIGMAS = ("use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas", "use_lu_lambdas")
FEW, MANY = (1, 2, 3, 7, 20), (60, 100, 250, 999, 1000)


def choices(name: str, key: str) -> tuple[Any, ...]:
    return next((o.choices for o in schedulers.describe(name).options if o.name == key), ())


def spacings(name: str) -> list[dict[str, Any]]:
    return [{}, *({key: True} for key in SIGMAS if choices(name, key))]


VARIANTS = [(name, sigmas) for name in NAMES for sigmas in spacings(name)]


def told(kind: str, level: Level, x: Tensor, error: Tensor) -> Tensor:
    """What a network of that kind says of x, when it means the image."""
    if kind == "sample":
        return IMAGE + error
    eps = (x - level.alpha * IMAGE) / level.sigma
    if kind == "epsilon":
        return eps + error
    return (level.alpha * eps - level.sigma * IMAGE) / level.norm + error


def miss(name: str, steps: int, options: dict[str, Any]) -> float:
    """How far from the image the run ends, beyond the noise that its last level leaves."""
    scheduler = schedulers.create(name, CONFIG, steps, options)
    generator = torch.Generator().manual_seed(1)

    def noise(shape: Any) -> Tensor:
        return torch.randn(tuple(shape), generator=generator)

    state, evaluations = scheduler.start(noise(IMAGE.shape) * scheduler.init_noise_sigma), 0
    while not state.done:
        level = scheduler.levels[state.index]
        output = told(
            scheduler.options.prediction_type, level, state.sample, ERROR * noise(IMAGE.shape)
        )
        state = scheduler.step(state, output, noise)
        evaluations += 1
        after = scheduler.levels[state.index]
        assert state.sample.abs().max() < 8 * max(after.norm, scheduler.init_noise_sigma, 1.0)
    assert evaluations == len(scheduler.timesteps) >= steps
    last = scheduler.levels[-1]
    left = float((state.sample / last.alpha - IMAGE).abs().max())
    return left - 4 * last.sigma / last.alpha


@pytest.mark.parametrize(("name", "sigmas"), VARIANTS, ids=str)
def test_all_ends_near_the_image(name: str, sigmas: dict[str, Any]):
    kinds = [k for k in choices(name, "prediction_type") if k != "flow_prediction"] or [None]
    times = choices(name, "timestep_spacing") or (None,)
    grid = [(steps, *rest) for steps in FEW for rest in product(kinds, times)]
    # Of the many steps each number in one way, every way at some.
    ways = list(product(kinds, times))
    grid += [(steps, *ways[i % len(ways)]) for i, steps in enumerate(MANY)]
    for steps, kind, spacing in grid:
        options = {"prediction_type": kind, "timestep_spacing": spacing, **sigmas}
        options = {key: value for key, value in options.items() if value is not None}
        if steps > 998 and spacing == "leading":
            continue  # with this steps_offset it would begin at timestep 1000: refused
        if name == "pndm" and steps < 5:
            continue  # it is made of four slopes: with fewer, the reference misses as far
        if name in ("lcm", "tcd"):
            options["original_inference_steps"] = 1000
        missed = miss(name, steps, options)
        assert math.isfinite(missed) and missed < 0.08, (steps, options, missed)
