"""DDPM (Ho et al., arXiv:2006.11239): unconditional images, or images of a class, in pixels."""

from __future__ import annotations

from types import MappingProxyType

from engine.families.family import Family

DDPM = Family(
    name="ddpm",
    label="DDPM",
    classes=("DDPMPipeline", "DDIMPipeline", "PNDMPipeline", "UNet2DModel"),
    runner=("engine.pipelines.ddpm", "DDPM"),
    parts=("unet", "scheduler"),
    request=MappingProxyType({"guidance_scale": 1.0}),
    scheduler=MappingProxyType({"_class_name": "DDPMScheduler"}),
    has_unet=lambda unet: unet.get("_class_name") == "UNet2DModel",
)
