"""The names that AUTOMATIC1111 and InvokeAI give to schedulers, mapped both ways. Used to read the
files of other programs, and to write what they can read.

A name there often says two things, the scheduler and how its sigmas are spaced: "DPM++ 2M Karras"
is `dpmpp_2m` with `use_karras_sigmas`. An unknown name is an error, never a near one in silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.errors import SchedulerError

Choice = tuple[str, Mapping[str, Any]]
"""A scheduler's name and the options that go with it."""

KARRAS = {"use_karras_sigmas": True}
EXPONENTIAL = {"use_exponential_sigmas": True}
BETA = {"use_beta_sigmas": True}
PLMS = {"skip_prk_steps": True}

A1111_SAMPLERS: dict[str, Choice] = {
    "DPM++ 2M": ("dpmpp_2m", {}),
    "DPM++ SDE": ("dpmpp_sde", {}),
    "DPM++ 2M SDE": ("dpmpp_2m_sde", {}),
    "DPM++ 2M SDE Heun": ("dpmpp_2m_sde", {"solver_type": "heun"}),
    "DPM++ 3M SDE": ("dpmpp_2m_sde", {"solver_order": 3}),
    "Euler a": ("euler_ancestral", {}),
    "Euler": ("euler", {}),
    "LMS": ("lms", {}),
    "Heun": ("heun", {}),
    "DPM2": ("kdpm2", {}),
    "DPM2 a": ("kdpm2_ancestral", {}),
    "LCM": ("lcm", {}),
    "DDIM": ("ddim", {}),
    "PLMS": ("pndm", PLMS),
    "UniPC": ("unipc", {}),
}
"""Without the word for the spacing, which may follow the name or stand apart as "Schedule type"."""

A1111_SCHEDULES: dict[str, Mapping[str, Any]] = {
    "Automatic": {},
    "Uniform": {},
    "Karras": KARRAS,
    "Exponential": EXPONENTIAL,
    "Beta": BETA,
}

INVOKEAI: dict[str, Choice] = {
    "ddim": ("ddim", {}),
    "ddpm": ("ddpm", {}),
    "deis": ("deis", {}),
    "deis_k": ("deis", KARRAS),
    "lms": ("lms", {}),
    "lms_k": ("lms", KARRAS),
    "pndm": ("pndm", {}),
    "heun": ("heun", {}),
    "heun_k": ("heun", KARRAS),
    "euler": ("euler", {}),
    "euler_k": ("euler", KARRAS),
    "euler_a": ("euler_ancestral", {}),
    "kdpm_2": ("kdpm2", {}),
    "kdpm_2_k": ("kdpm2", KARRAS),
    "kdpm_2_a": ("kdpm2_ancestral", {}),
    "kdpm_2_a_k": ("kdpm2_ancestral", KARRAS),
    "dpmpp_2s": ("dpmpp_singlestep", {}),
    "dpmpp_2s_k": ("dpmpp_singlestep", KARRAS),
    "dpmpp_2m": ("dpmpp_2m", {}),
    "dpmpp_2m_k": ("dpmpp_2m", KARRAS),
    "dpmpp_2m_sde": ("dpmpp_2m_sde", {}),
    "dpmpp_2m_sde_k": ("dpmpp_2m_sde", KARRAS),
    "dpmpp_3m": ("dpmpp_2m", {"solver_order": 3}),
    "dpmpp_3m_k": ("dpmpp_2m", {"solver_order": 3, **KARRAS}),
    "dpmpp_sde": ("dpmpp_sde", {}),
    "dpmpp_sde_k": ("dpmpp_sde", KARRAS),
    "unipc": ("unipc", {}),
    "unipc_k": ("unipc", KARRAS),
    "lcm": ("lcm", {}),
    "tcd": ("tcd", {}),
}


def from_a1111(sampler: str, schedule: str = "Automatic") -> Choice:
    """The scheduler and options of a "Sampler", whose name may end with the schedule, and a
    "Schedule type" of AUTOMATIC1111. Raises SchedulerError, which lists the known."""
    for ending, options in A1111_SCHEDULES.items():
        base = sampler.removesuffix(f" {ending}")
        if base != sampler and base in A1111_SAMPLERS:
            name, own = A1111_SAMPLERS[base]
            return name, {**own, **options}
    name, own = _known(sampler, A1111_SAMPLERS, "AUTOMATIC1111 sampler")
    return name, {**own, **_known(schedule, A1111_SCHEDULES, "AUTOMATIC1111 schedule type")}


def to_a1111(name: str, options: Mapping[str, Any]) -> str:
    """The AUTOMATIC1111 name, as in "DPM++ 2M Karras", of a scheduler with these options; options
    without a word there are left out. Raises SchedulerError for a scheduler that it lacks."""
    words = {
        f"{sampler} {schedule}" if spacing else sampler: (scheduler, {**own, **spacing})
        for sampler, (scheduler, own) in A1111_SAMPLERS.items()
        for schedule, spacing in A1111_SCHEDULES.items()
    }
    return _nearest(name, options, words, "AUTOMATIC1111")


def from_invokeai(scheduler: str) -> Choice:
    """The scheduler and options of an InvokeAI name. Raises SchedulerError for an unknown one."""
    name, options = _known(scheduler, INVOKEAI, "InvokeAI scheduler")
    return name, dict(options)


def to_invokeai(name: str, options: Mapping[str, Any]) -> str:
    """The InvokeAI name of a scheduler with these options; options without a word there are left
    out. Raises SchedulerError for a scheduler that it lacks."""
    return _nearest(name, options, INVOKEAI, "InvokeAI")


def _known(name: str, table: Mapping[str, Any], what: str) -> Any:
    if name not in table:
        raise SchedulerError(f"{name!r} is no {what} that is known here; known are {_list(table)}.")
    return table[name]


def _nearest(name: str, options: Mapping[str, Any], table: Mapping[str, Choice], peer: str) -> str:
    """The name that says most of the options, and nothing that they do not say."""
    fitting = {
        word: own
        for word, (scheduler, own) in table.items()
        if scheduler == name and (own == PLMS or own.items() <= options.items())
    }
    if not fitting:
        known = _list(dict.fromkeys(scheduler for scheduler, _ in table.values()))
        raise SchedulerError(f"{peer} has no name for {name!r}; it has one for {known}.")
    return max(fitting, key=lambda word: len(fitting[word]))


def _list(names: Mapping[str, Any]) -> str:
    return ", ".join(names)
