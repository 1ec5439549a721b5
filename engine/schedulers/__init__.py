"""Schedulers: the ways from noise to an image. `create` makes one from a scheduler_config.json;
`names` and `describe` are for the window and the command line. Nothing here imports torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from engine.errors import SchedulerError, did_you_mean, told
from engine.schedulers.ddim import DDIM
from engine.schedulers.ddpm import DDPM
from engine.schedulers.deis import DEIS
from engine.schedulers.dpmpp_2m import DPMpp2M, DPMpp2MSDE
from engine.schedulers.dpmpp_sde import DPMppSDE
from engine.schedulers.dpmpp_singlestep import DPMppSinglestep
from engine.schedulers.euler import Euler
from engine.schedulers.euler_ancestral import EulerAncestral
from engine.schedulers.flow import FlowEuler, FlowHeun
from engine.schedulers.heun import Heun
from engine.schedulers.ipndm import IPNDM
from engine.schedulers.kdpm2 import KDPM2
from engine.schedulers.kdpm2_ancestral import KDPM2Ancestral
from engine.schedulers.lcm import LCM
from engine.schedulers.lms import LMS
from engine.schedulers.options import Option, listed, read_options
from engine.schedulers.pndm import PNDM
from engine.schedulers.sa_solver import SASolver
from engine.schedulers.sampler_names import (
    from_a1111,
    from_comfyui,
    from_fooocus,
    from_invokeai,
    from_sdcpp,
    to_a1111,
    to_invokeai,
)
from engine.schedulers.scheduler import Description, Scheduler, State
from engine.schedulers.tcd import TCD
from engine.schedulers.unipc import UniPC

__all__ = [
    "Description",
    "Option",
    "Scheduler",
    "State",
    "create",
    "describe",
    "from_a1111",
    "from_comfyui",
    "from_fooocus",
    "from_invokeai",
    "from_sdcpp",
    "name_of",
    "names",
    "to_a1111",
    "to_invokeai",
]

MOST_TIMESTEPS = 100_000
"""What a network can have been trained on, for `create`: tables have a number for each. All that
are known have 4,000 or fewer."""

_ALL: tuple[type[Scheduler[Any]], ...] = (
    *(UniPC, DPMpp2M, DPMpp2MSDE, DPMppSDE, Euler, EulerAncestral, Heun, DDIM, DEIS, SASolver),
    *(DPMppSinglestep, PNDM, LMS, KDPM2, KDPM2Ancestral, DDPM, LCM, TCD, FlowEuler, FlowHeun),
    IPNDM,
)
_BY_NAME: dict[str, type[Scheduler[Any]]] = {scheduler.about.name: scheduler for scheduler in _ALL}


def names() -> tuple[str, ...]:
    """All schedulers, those that most people want first."""
    return tuple(_BY_NAME)


def name_of(class_name: str) -> str:
    """The name of a scheduler that may be given as diffusers' class ("PNDMScheduler" is "pndm")."""
    class_name = class_name if isinstance(class_name, str) else repr(class_name)
    if class_name in _BY_NAME:
        return class_name
    for name, scheduler in _BY_NAME.items():
        if scheduler.about.class_name == class_name:
            return name
    raise SchedulerError(
        f"There is no scheduler {told(class_name)}; there are {', '.join(names())}."
        + did_you_mean(class_name, names())
    )


def describe(name: str) -> Description:
    """What a person is told about the scheduler of that name or class name."""
    scheduler = _BY_NAME[name_of(name)]
    return replace(scheduler.about, options=listed(scheduler.options_type))


def create(
    name: str, config: Mapping[str, Any], steps: int, options: Mapping[str, Any] | None = None
) -> Scheduler[Any]:
    """The scheduler `name` (a name or a diffusers class name) of `steps` denoising steps.

    config: the content of scheduler_config.json, understood as diffusers' from_config does for that
    class. options: override its keys and must be known to the scheduler.
    Raises SchedulerError for an unknown name, option or value, and for a number of steps below 1 or
    above the training's.
    """
    scheduler = _BY_NAME[name_of(name)]
    chosen = read_options(scheduler.options_type, config, options or {}, scheduler.about.name)
    most = chosen.num_train_timesteps
    if not 1 <= most <= MOST_TIMESTEPS:
        raise SchedulerError(f"num_train_timesteps = {most} is outside 1 to {MOST_TIMESTEPS}.")
    if type(steps) is not int or not 1 <= steps <= most:
        raise SchedulerError(f"steps = {steps!r} must be a whole number from 1 to {most}.")
    return scheduler.build(chosen, steps)
