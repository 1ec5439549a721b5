"""Schedulers against diffusers', on the configs of known checkpoints, for every prediction and
spacing."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from tests.parity.trajectories import CONFIGS, NAMES, check, known

STEPS = (1, 2, 3, 5, 10, 20, 50)

SIGMAS = ("", "use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas")


def spacings_of_sigmas(name: str) -> list[str]:
    return [key for key in SIGMAS if not key or key in known(name)]


def switched(key: str) -> dict[str, Any]:
    return {key: True} if key else {}


def refused(name: str, config: dict[str, Any], steps: int) -> bool:
    """diffusers' Runge-Kutta start of PNDM needs four steps; ours is tested by itself."""
    return name == "pndm" and not config.get("skip_prk_steps", False) and steps < 4


NAMES_AND_SIGMAS = [(name, key) for name in NAMES for key in spacings_of_sigmas(name)]


@pytest.mark.parametrize(("name", "sigmas"), NAMES_AND_SIGMAS)
@pytest.mark.parametrize("config", CONFIGS)
def test_the_configs_of_known_checkpoints(name: str, config: str, sigmas: str):
    # All but DDPM's have one table of betas, so that one is enough for the many steps.
    for steps in STEPS if config in ("sd15", "ddpm") else (1, 10):
        if not refused(name, CONFIGS[config], steps):
            check(name, CONFIGS[config], steps, **switched(sigmas))


@pytest.mark.parametrize(("name", "sigmas"), NAMES_AND_SIGMAS)
def test_every_prediction_and_spacing(name: str, sigmas: str):
    grid = product(
        (("sd15", 2), ("sd15", 5), ("ddpm", 3)),
        [kind for kind in known(name).get("prediction_type", ("",)) if kind != "flow_prediction"],
        known(name).get("timestep_spacing", ("",)),
    )
    for (config, steps), prediction, spacing in grid:
        options = {"prediction_type": prediction, "timestep_spacing": spacing}
        options = {key: value for key, value in options.items() if value}
        if not refused(name, CONFIGS[config], steps):
            check(name, CONFIGS[config], steps, **options, **switched(sigmas))
