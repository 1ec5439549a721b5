"""The names that AUTOMATIC1111 and InvokeAI give to schedulers, mapped both ways, and those of
ComfyUI, SwarmUI, Fooocus and stable-diffusion.cpp, mapped to ours. Used to read the files of other
programs, and to write what they can read.

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
TRAILING = {"timestep_spacing": "trailing"}
LEADING = {"timestep_spacing": "leading", "steps_offset": 1}

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

A1111_TYPES: dict[str, Mapping[str, Any]] = {
    **A1111_SCHEDULES,
    "Normal": {},
    "Simple": TRAILING,
    "SGM Uniform": TRAILING,
    "DDIM": LEADING,
}
"""What else a "Schedule type" of its own can be, in Forge too. Only read."""

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

INVOKEAI_OLD: dict[str, Choice] = {
    "plms": ("pndm", PLMS),
    "k_lms": ("lms", {}),
    "k_euler": ("euler", {}),
    "k_euler_a": ("euler_ancestral", {}),
    "k_heun": ("heun", {}),
    "k_dpm_2": ("kdpm2", {}),
    "k_dpm_2_a": ("kdpm2_ancestral", {}),
    "k_dpmpp_2": ("dpmpp_2m", {}),
    "dpmpp_2": ("dpmpp_2m", {}),
}
"""What InvokeAI 1 and 2 called samplers besides the names that stayed. How their noise was spaced
depended on the release and the number of steps, which the files do not tell."""

COMFYUI: dict[str, Choice] = {
    "euler": ("euler", {}),
    "euler_ancestral": ("euler_ancestral", {}),
    "heun": ("heun", {}),
    "dpm_2": ("kdpm2", {}),
    "dpm_2_ancestral": ("kdpm2_ancestral", {}),
    "lms": ("lms", {}),
    "dpmpp_sde": ("dpmpp_sde", {}),
    "dpmpp_sde_gpu": ("dpmpp_sde", {}),
    "dpmpp_2m": ("dpmpp_2m", {}),
    "dpmpp_2m_sde": ("dpmpp_2m_sde", {}),
    "dpmpp_2m_sde_gpu": ("dpmpp_2m_sde", {}),
    "dpmpp_2m_sde_heun": ("dpmpp_2m_sde", {"solver_type": "heun"}),
    "dpmpp_2m_sde_heun_gpu": ("dpmpp_2m_sde", {"solver_type": "heun"}),
    "dpmpp_3m_sde": ("dpmpp_2m_sde", {"solver_order": 3}),
    "dpmpp_3m_sde_gpu": ("dpmpp_2m_sde", {"solver_order": 3}),
    "ddpm": ("ddpm", {}),
    "lcm": ("lcm", {}),
    "ddim": ("ddim", {}),
    "uni_pc": ("unipc", {"solver_type": "bh1"}),
    "uni_pc_bh2": ("unipc", {"solver_type": "bh2"}),
}
"""SwarmUI has the same names. Its ipndm and deis are other methods than ours of these names."""

COMFYUI_SCHEDULES: dict[str, Mapping[str, Any]] = {
    "normal": {},
    "karras": KARRAS,
    "exponential": EXPONENTIAL,
    "beta": BETA,
    "simple": TRAILING,
    "sgm_uniform": TRAILING,
    "ddim_uniform": LEADING,
}

FOOOCUS: dict[str, Choice] = {**COMFYUI, "tcd": ("tcd", {})}

SDCPP: dict[str, Choice] = {
    "euler": ("euler", {}),
    "euler_a": ("euler_ancestral", {}),
    "heun": ("heun", {}),
    "dpm2": ("kdpm2", {}),
    "dpm++2m": ("dpmpp_2m", {}),
    "dpm++2m_sde": ("dpmpp_2m_sde", {}),
    "lms": ("lms", {}),
    "lcm": ("lcm", {}),
    "ddim_trailing": ("ddim", TRAILING),
    "tcd": ("tcd", {}),
}

SDCPP_SCHEDULES: dict[str, Mapping[str, Any]] = {
    "default": {},
    "discrete": {},
    "karras": KARRAS,
    "exponential": EXPONENTIAL,
    "simple": TRAILING,
    "sgm_uniform": TRAILING,
    "beta": BETA,
}


def from_a1111(sampler: str, schedule: str = "Automatic") -> Choice:
    """The scheduler and options of a "Sampler", whose name may end with the schedule, and a
    "Schedule type" of AUTOMATIC1111. Raises SchedulerError, which lists the known."""
    for ending, options in A1111_SCHEDULES.items():
        base = sampler.removesuffix(f" {ending}")
        if base != sampler and base in A1111_SAMPLERS:
            name, own = A1111_SAMPLERS[base]
            return name, {**own, **options}
    name, own = known(sampler, A1111_SAMPLERS, "AUTOMATIC1111 sampler")
    return name, {**own, **known(schedule, A1111_TYPES, "AUTOMATIC1111 schedule type")}


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
    name, options = known(scheduler, INVOKEAI | INVOKEAI_OLD, "InvokeAI scheduler")
    return name, dict(options)


def to_invokeai(name: str, options: Mapping[str, Any]) -> str:
    """The InvokeAI name of a scheduler with these options; options without a word there are left
    out. Raises SchedulerError for a scheduler that it lacks."""
    return _nearest(name, options, INVOKEAI, "InvokeAI")


def from_comfyui(sampler: str, schedule: str = "normal") -> Choice:
    """The scheduler and options of ComfyUI's or SwarmUI's sampler and scheduler. Raises
    SchedulerError, which lists the known."""
    name, own = known(sampler, COMFYUI, "ComfyUI sampler")
    return name, {**own, **known(schedule, COMFYUI_SCHEDULES, "ComfyUI scheduler")}


def from_fooocus(sampler: str, schedule: str = "normal") -> Choice:
    """The scheduler and options of Fooocus' sampler and scheduler. Raises SchedulerError."""
    name, own = known(sampler, FOOOCUS, "Fooocus sampler")
    return name, {**own, **known(schedule, COMFYUI_SCHEDULES, "Fooocus scheduler")}


def from_sdcpp(sampler: str, schedule: str = "default") -> Choice:
    """The scheduler and options of stable-diffusion.cpp's method and schedule, which its files have
    in one name, as in "dpm++2m karras". Raises SchedulerError."""
    if schedule == "default" and " " in sampler:
        sampler, _, schedule = sampler.rpartition(" ")
    name, own = known(sampler, SDCPP, "stable-diffusion.cpp sampler")
    return name, {**own, **known(schedule, SDCPP_SCHEDULES, "stable-diffusion.cpp schedule")}


def known(name: str, table: Mapping[str, Any], what: str) -> Any:
    """What a table has for a name; what: the kind of name, for the error. Raises SchedulerError."""
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
