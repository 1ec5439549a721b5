"""Loaded sets of networks, one file a family, and `load`, which finds out what a source holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from types import MappingProxyType

import torch

from engine.device import pick_device, pick_dtype
from engine.errors import LoadError
from engine.pipelines.base import Pipeline
from engine.weights.folder import ModelFolder
from engine.weights.source import locate

Progress = Callable[[float, str], None]
"""Called with a fraction from 0 to 1 and what is being loaded."""

FAMILIES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "StableDiffusionPipeline": ("engine.pipelines.stable_diffusion", "StableDiffusion"),
        "DDPMPipeline": ("engine.pipelines.ddpm", "DDPM"),
        "DDIMPipeline": ("engine.pipelines.ddpm", "DDPM"),
        "PNDMPipeline": ("engine.pipelines.ddpm", "DDPM"),
        "UNet2DModel": ("engine.pipelines.ddpm", "DDPM"),
    }
)
"""By the class that model_index.json names, or the config.json of a lone network: the module and
the class that run it. A family is imported only when it is asked for."""


def load(
    source: str | Path,
    device: str | torch.device = "auto",
    dtype: str | torch.dtype = "auto",
    progress: Progress | None = None,
) -> Pipeline:
    """A pipeline from "bundled", a folder in diffusers layout, or a Hub id in the local cache.

    Opens no network connection. device: "auto" (CUDA where there is one), "cpu", "cuda:1", …;
    dtype: "auto", "float32", "bfloat16", "float16" or a torch dtype; progress: see Progress.

    Raises LoadError and its kinds: nothing there, incomplete, damaged, or of an unknown kind.
    """
    folder = ModelFolder(locate(source))
    where = pick_device(device)
    precision = pick_dtype(dtype, where)
    family = FAMILIES.get(folder.kind)
    if family is None:
        raise LoadError(
            f"{folder.path} holds a {folder.kind}. This version of Safelight runs "
            f"{', '.join(FAMILIES)}."
        )
    module, name = family
    return getattr(import_module(module), name).from_folder(folder, where, precision, progress)
