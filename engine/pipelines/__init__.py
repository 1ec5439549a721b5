"""Loaded sets of networks, one file a family, and `load`, which finds out what a source holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
Loader = Callable[[ModelFolder, str, torch.device, torch.dtype, Progress | None], Pipeline]


def _stable_diffusion(
    folder: ModelFolder,
    source: str,
    device: torch.device,
    dtype: torch.dtype,
    progress: Progress | None,
) -> Pipeline:
    from engine.pipelines.stable_diffusion import StableDiffusion

    return StableDiffusion.from_folder(folder, source, device, dtype, progress)


def _ddpm(
    folder: ModelFolder,
    source: str,
    device: torch.device,
    dtype: torch.dtype,
    progress: Progress | None,
) -> Pipeline:
    from engine.pipelines.ddpm import DDPM

    return DDPM.from_folder(folder, source, device, dtype, progress)


LOADERS: Mapping[str, Loader] = MappingProxyType(
    {
        "StableDiffusionPipeline": _stable_diffusion,
        "DDPMPipeline": _ddpm,
        "DDIMPipeline": _ddpm,
        "PNDMPipeline": _ddpm,
        "UNet2DModel": _ddpm,
    }
)
"""By the class that model_index.json names, or the config.json of a lone network. Each imports its
family only when it is asked for one."""


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
    loader = LOADERS.get(folder.kind)
    if loader is None:
        raise LoadError(
            f"{folder.path} holds a {folder.kind}. This version of Safelight runs "
            f"{', '.join(LOADERS)}."
        )
    return loader(folder, str(source), where, precision, progress)
