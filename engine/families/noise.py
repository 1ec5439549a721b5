"""The noise that the models of Stable Diffusion were trained with: what their published folders
have as scheduler_config.json. Read by the families, and by the layout of single files, which tell
none.
"""

from __future__ import annotations

from types import MappingProxyType

from engine.families.family import Settings

NOISE: Settings = MappingProxyType(
    {
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "beta_start": 0.00085,
        "clip_sample": False,
        "num_train_timesteps": 1000,
        "set_alpha_to_one": False,
        "steps_offset": 1,
        "trained_betas": None,
    }
)
"""That all of them were trained with."""
PNDM: Settings = MappingProxyType({**NOISE, "_class_name": "PNDMScheduler", "skip_prk_steps": True})
DDIM: Settings = MappingProxyType({**NOISE, "_class_name": "DDIMScheduler"})
EULER: Settings = MappingProxyType(
    {
        **NOISE,
        "_class_name": "EulerDiscreteScheduler",
        "interpolation_type": "linear",
        "sample_max_value": 1.0,
        "skip_prk_steps": True,
        "timestep_spacing": "leading",
        "use_karras_sigmas": False,
    }
)
LCM: Settings = MappingProxyType(
    {
        **NOISE,
        "_class_name": "LCMScheduler",
        "original_inference_steps": 50,
        "rescale_betas_zero_snr": False,
        "set_alpha_to_one": True,
        "timestep_scaling": 10.0,
        "timestep_spacing": "leading",
    }
)
ZERO_SNR: Settings = MappingProxyType(
    {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
)
"""What the marker `ztsnr` says: trained down to pure noise (arXiv:2305.08891)."""
