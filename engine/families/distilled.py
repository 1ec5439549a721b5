"""What models that were distilled to a few steps are asked for, as far as they tell. Read by the
Stable Diffusion pipelines for their default request.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from engine.families.family import Settings
from engine.families.latent_consistency import LATENT_CONSISTENCY

FEW = 4
UNGUIDED = 1.0

NAMES = (
    re.compile(r"(?:^|/)sd[-_]?(?:xl[-_]?)?turbo"),
    re.compile(r"(?:^|/)sdxl[-_]lightning[-_](?P<steps>[248])step"),
)
"""Published names of models that are also single files, which tell nothing else. What fine-tunes
are called is no guide: many of them want more steps and some guidance."""
DISTILLED_SCHEDULERS = ("LCMScheduler", "TCDScheduler")
TURBO_SCHEDULERS = ("EulerDiscreteScheduler", "EulerAncestralDiscreteScheduler")


@dataclass(frozen=True)
class Habits:
    """request: fields of the default request. scheduler_config: settings of the scheduler that the
    model was trained for, whatever its files say."""

    request: Settings = field(default_factory=dict)
    scheduler_config: Settings = field(default_factory=dict)


def habits(name: str, scheduler_config: Settings, embeds_guidance: bool) -> Habits:
    """Empty for a model that, for all that is known, is not distilled."""
    if embeds_guidance:
        return Habits(LATENT_CONSISTENCY.request)
    for pattern in NAMES:
        if match := pattern.search(name.lower()):
            steps = int(match.groupdict().get("steps") or FEW)
            asked = {"steps": steps, "guidance_scale": UNGUIDED}
            # The few steps begin where there is nothing but noise.
            return Habits(asked, {"timestep_spacing": "trailing"})
    if scheduler_config.get("_class_name") in DISTILLED_SCHEDULERS or _is_turbo(scheduler_config):
        return Habits({"steps": FEW, "guidance_scale": UNGUIDED})
    return Habits()


def _is_turbo(scheduler_config: Settings) -> bool:
    """SD-Turbo and its kin (arXiv:2311.17042): Euler from the last timestep on. Models that were
    trained for zero terminal SNR begin there as well, but predict v, and take all their steps."""
    return (
        scheduler_config.get("_class_name") in TURBO_SCHEDULERS
        and scheduler_config.get("timestep_spacing") == "trailing"
        and scheduler_config.get("prediction_type", "epsilon") == "epsilon"
        and not scheduler_config.get("rescale_betas_zero_snr", False)
    )
