"""The names that SD.Next, NovelAI, Draw Things, AI Horde and Easy Diffusion give to schedulers,
mapped to ours. Used only to read their files, by `engine.record.interchange`; the other names are
in `engine.schedulers.sampler_names`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.schedulers.sampler_names import BETA, EXPONENTIAL, KARRAS, PLMS, TRAILING, Choice, known

SDNEXT: dict[str, Choice] = {
    "UniPC": ("unipc", {}),
    "DDIM": ("ddim", {}),
    "Euler": ("euler", {}),
    "Euler a": ("euler_ancestral", {}),
    "Euler SGM": ("euler", {**TRAILING, "prediction_type": "sample"}),
    "Euler FlowMatch": ("flow_euler", {}),
    "DPM++": ("dpmpp_2m", {"solver_order": 1}),
    "DPM++ 2M": ("dpmpp_2m", {}),
    "DPM++ 3M": ("dpmpp_2m", {"solver_order": 3}),
    "DPM++ 1S": ("dpmpp_singlestep", {}),
    "DPM++ SDE": ("dpmpp_2m_sde", {"solver_order": 1}),
    "DPM++ 2M SDE": ("dpmpp_2m_sde", {}),
    "DPM SDE": ("dpmpp_sde", {}),
    "Heun": ("heun", {}),
    "Heun FlowMatch": ("flow_heun", {}),
    "DEIS": ("deis", {}),
    "SA Solver": ("sa_solver", {}),
    "PNDM": ("pndm", {"skip_prk_steps": False}),
    "IPNDM": ("ipndm", {}),
    "DDPM": ("ddpm", {}),
    "LMSD": ("lms", {}),
    "KDPM2": ("kdpm2", {}),
    "KDPM2 a": ("kdpm2_ancestral", {}),
    "LCM": ("lcm", {}),
    "TCD": ("tcd", {}),
}
"""They are diffusers' classes. Its DPM++ SDE is the multistep one of order 1, not AUTOMATIC1111's
of that name, which is called DPM SDE there."""

SDNEXT_SIGMAS: dict[str, Mapping[str, Any]] = {
    "default": {},
    "karras": KARRAS,
    "betas": BETA,
    "exponential": EXPONENTIAL,
    "lambdas": {"use_lu_lambdas": True},
    "flowmatch": {"use_flow_sigmas": True},
}
SDNEXT_BETAS = {
    "linear": "linear",
    "scaled": "scaled_linear",
    "cosine": "squaredcos_cap_v2",
    "sigmoid": "sigmoid",
}

HORDE: dict[str, Choice] = {
    "k_euler": ("euler", {}),
    "k_euler_a": ("euler_ancestral", {}),
    "k_lms": ("lms", {}),
    "k_heun": ("heun", {}),
    "k_dpm_2": ("kdpm2", {}),
    "k_dpm_2_a": ("kdpm2_ancestral", {}),
    "k_dpmpp_2m": ("dpmpp_2m", {}),
    "k_dpmpp_sde": ("dpmpp_sde", {}),
    "DDIM": ("ddim", {}),
    "lcm": ("lcm", {}),
}
"""AI Horde's, which ArtBot writes."""

NOVELAI: dict[str, Choice] = {
    "k_euler": ("euler", {}),
    "k_euler_ancestral": ("euler_ancestral", {}),
    "k_lms": ("lms", {}),
    "k_heun": ("heun", {}),
    "k_dpm_2": ("kdpm2", {}),
    "k_dpm_2_ancestral": ("kdpm2_ancestral", {}),
    "k_dpmpp_2m": ("dpmpp_2m", {}),
    "k_dpmpp_2m_sde": ("dpmpp_2m_sde", {}),
    "k_dpmpp_sde": ("dpmpp_sde", {}),
    "k_dpmpp_3m_sde": ("dpmpp_2m_sde", {"solver_order": 3}),
    "ddim": ("ddim", {}),
    "ddim_v3": ("ddim", {}),
    "plms": ("pndm", PLMS),
}

NOVELAI_SCHEDULES: dict[str, Mapping[str, Any]] = {
    "native": {},
    "karras": KARRAS,
    "exponential": EXPONENTIAL,
}

DRAW_THINGS: dict[str, Choice] = {
    "DPM++ 2M Karras": ("dpmpp_2m", KARRAS),
    "DPM++ 2M Trailing": ("dpmpp_2m", TRAILING),
    "DPM++ SDE Karras": ("dpmpp_sde", KARRAS),
    "DPM++ SDE Trailing": ("dpmpp_sde", TRAILING),
    "Euler A": ("euler_ancestral", {}),
    "Euler a": ("euler_ancestral", {}),
    "Euler Ancestral": ("euler_ancestral", {}),
    "Euler A Trailing": ("euler_ancestral", TRAILING),
    "DDIM": ("ddim", {}),
    "DDIM Trailing": ("ddim", TRAILING),
    "PLMS": ("pndm", PLMS),
    "UniPC": ("unipc", {}),
    "UniPC Trailing": ("unipc", TRAILING),
    "LCM": ("lcm", {}),
    "TCD": ("tcd", {}),
}

EASY_DIFFUSION: dict[str, Choice] = {
    "euler": ("euler", {}),
    "euler_a": ("euler_ancestral", {}),
    "heun": ("heun", {}),
    "lms": ("lms", {}),
    "dpm2": ("kdpm2", {}),
    "dpm2_a": ("kdpm2_ancestral", {}),
    "dpmpp_2m": ("dpmpp_2m", {}),
    "dpmpp_2m_sde": ("dpmpp_2m_sde", {}),
    "dpmpp_sde": ("dpmpp_sde", {}),
    "ddim": ("ddim", {}),
    "plms": ("pndm", PLMS),
    "ddpm": ("ddpm", {}),
    "deis": ("deis", {}),
    "lcm": ("lcm", {}),
    "tcd": ("tcd", {}),
}


def from_sdnext(sampler: str) -> Choice:
    """The scheduler and options of SD.Next's sampler; how its sigmas are spaced stands apart, in
    `SDNEXT_SIGMAS`. Raises SchedulerError, which lists the known, as all of these do."""
    return known(sampler, SDNEXT, "SD.Next sampler")


def from_horde(sampler: str) -> Choice:
    """The scheduler and options of AI Horde's sampler."""
    return known(sampler, HORDE, "AI Horde sampler")


def from_novelai(sampler: str, schedule: str = "native") -> Choice:
    """The scheduler and options of NovelAI's sampler and noise schedule."""
    name, own = known(sampler, NOVELAI, "NovelAI sampler")
    return name, {**own, **known(schedule, NOVELAI_SCHEDULES, "NovelAI noise schedule")}


def from_draw_things(sampler: str) -> Choice:
    """The scheduler and options of Draw Things' sampler, which names its spacing as well."""
    return known(sampler, DRAW_THINGS, "Draw Things sampler")


def from_easy_diffusion(sampler: str) -> Choice:
    """The scheduler and options of Easy Diffusion's sampler."""
    return known(sampler, EASY_DIFFUSION, "Easy Diffusion sampler")
