"""Loaded sets of networks, one file a family, and `load`, which finds out what a source holds."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from types import MappingProxyType

import torch

from engine.errors import LoadError
from engine.hardware.device import pick_device, pick_dtype
from engine.hardware.memory import keep_memory, small_pages
from engine.hardware.tuning import CACHE, Tuner
from engine.pipelines.pipeline import Pipeline
from engine.weights.folder import ModelFolder
from engine.weights.header import shown
from engine.weights.lone_autoencoder import LoneAutoencoder, lone_autoencoder
from engine.weights.single_file import SingleFile
from engine.weights.source import locate

Progress = Callable[[float, str], None]
"""Called with a fraction from 0 to 1 and what is being loaded."""

STABLE_DIFFUSION = ("engine.pipelines.stable_diffusion", "StableDiffusion")
STABLE_DIFFUSION_XL = ("engine.pipelines.stable_diffusion_xl", "StableDiffusionXL")
DIFFUSION_OF_PIXELS = ("engine.pipelines.ddpm", "DDPM")

TINY = "tiny"
"""The folder of a model in which its own tiny autoencoder lies."""

FAMILIES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "StableDiffusionPipeline": STABLE_DIFFUSION,
        "StableDiffusionInpaintPipeline": STABLE_DIFFUSION,
        "LatentConsistencyModelPipeline": STABLE_DIFFUSION,
        "StableDiffusionXLPipeline": STABLE_DIFFUSION_XL,
        "StableDiffusionXLInpaintPipeline": STABLE_DIFFUSION_XL,
        "DDPMPipeline": DIFFUSION_OF_PIXELS,
        "DDIMPipeline": DIFFUSION_OF_PIXELS,
        "PNDMPipeline": DIFFUSION_OF_PIXELS,
        "UNet2DModel": DIFFUSION_OF_PIXELS,
    }
)
"""By the class that model_index.json names, or the config.json of a lone network: the module and
the class that run it. A family is imported only when it is asked for."""


def load(
    source: str | Path,
    device: str | torch.device = "auto",
    dtype: str | torch.dtype = "auto",
    progress: Progress | None = None,
    *,
    vae: str | Path | None = None,
    tiny: str | Path | None = None,
    prediction_type: str | None = None,
    ema: bool = False,
    cache: Path | None = None,
    placement: str = "auto",
    cuda_graph: bool = False,
    compiled: bool = False,
) -> Pipeline:
    """A pipeline from "bundled", a folder in diffusers layout, a .safetensors file in the original
    layout of Stable Diffusion, or a Hub id in the local cache.

    Opens no network connection, and never a pickle. device: "auto" (CUDA where there is one,
    else MPS), "cpu", "cuda:1", …; dtype: "auto", "float32", "bfloat16", "float16" or a torch
    dtype; progress: see Progress. vae, tiny: a file or a folder with an autoencoder that takes the
    place of the model's own, or that makes previews, where the folder of the model has none of its
    own named "tiny" or where another is wanted. prediction_type: "epsilon" or "v_prediction",
    for a file that does not tell. ema: the averaged weights of a file that has both. cache: the
    folder where it is kept which ways of working are the quickest on this machine; None means the
    one that the environment variable SAFELIGHT_CACHE names, and where there is none, they are found
    anew for each pipeline. placement: what of it is on the graphics card at a time, "auto" by the
    memory that is free there; see `engine.placement.offload.Placement`. cuda_graph: the UNet's work
    is recorded once for each size and replayed, on a CUDA device where all of it stays; a cancel
    then acts before the next call of the UNet, not within one. compiled: what the UNet repeats goes
    through torch.compile, at the first step with a size of picture, and what was compiled is kept
    in `cache`; it rounds otherwise than the plain network, which takes its place where there is no
    compiler, and the record of an image tells.

    Raises LoadError and its kinds: nothing there, incomplete, damaged, or of an unknown kind.
    """
    files = _files(locate(source), prediction_type, ema)
    where = pick_device(device)
    cache = cache or _cache_folder()
    tuner = Tuner(cache)
    precision = pick_dtype(dtype, where, tuner if cache else None)
    family = FAMILIES.get(files.kind)
    if family is None:
        raise LoadError(
            f"{files.path} holds a {shown(files.kind)}: this version of Safelight runs "
            f"{', '.join(FAMILIES)}."
        )
    module, name = family
    if where.type == "cpu":
        keep_memory()
    with small_pages():
        pipeline = getattr(import_module(module), name).from_files(
            files,
            where,
            precision,
            progress,
            tuner,
            vae=_autoencoder(vae),
            tiny=_autoencoder(_own_tiny(files) if tiny is None else tiny),
            placement=placement,
            cuda_graph=cuda_graph,
        )
    if compiled:
        from engine.placement.compilation import compile_parts  # torch's compiler is slow to import

        pipeline.compilation = compile_parts(pipeline.unet, cache)
    pipeline.guessed_prediction = isinstance(files, SingleFile) and files.guessed
    return pipeline


def _cache_folder() -> Path | None:
    folder = os.environ.get(CACHE)
    return Path(folder) if folder else None


def _files(path: Path, prediction_type: str | None, ema: bool) -> ModelFolder | SingleFile:
    if not path.is_dir():
        return SingleFile(path, prediction_type, ema)
    if ema:
        raise LoadError(f"{path} is a folder, which has no averaged weights (EMA) beside others.")
    return ModelFolder(path, prediction_type)


def _own_tiny(files: ModelFolder | SingleFile) -> Path | None:
    """The folder of the tiny autoencoder that a text-to-image model brings with it."""
    folder = files.path / TINY
    brings = files.kind in FAMILIES and FAMILIES[files.kind] != DIFFUSION_OF_PIXELS
    return folder if brings and folder.is_dir() else None


def _autoencoder(source: str | Path | None) -> LoneAutoencoder | None:
    return None if source is None else lone_autoencoder(locate(source))
