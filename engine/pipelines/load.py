"""`load`: finds out what a source holds and loads the networks of it. Called through the engine's
door, and by `engine.replay`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from engine import families
from engine.errors import LoadError
from engine.families import Family
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

TINY = "tiny"
"""The folder of a model in which its own tiny autoencoder lies."""


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
    family = _runnable(files)
    if where.type == "cpu":
        keep_memory()
    with small_pages():
        pipeline = _runner(family).from_files(
            files,
            where,
            precision,
            progress,
            tuner,
            vae=_autoencoder(vae),
            tiny=_autoencoder(_own_tiny(files, family) if tiny is None else tiny),
            placement=placement,
            cuda_graph=cuda_graph,
        )
    if compiled:
        _compile(pipeline, cache)
    pipeline.guessed_prediction = isinstance(files, SingleFile) and files.guessed
    return pipeline


def _runnable(files: ModelFolder | SingleFile) -> Family:
    """The family of a model. Raises LoadError where nothing runs it."""
    family = families.by_class(files.kind)
    if family is None or family.runner is None:
        known = (name for family in families.running() for name in family.classes)
        raise LoadError(
            f"{files.path} holds a {shown(files.kind)}: this version of Safelight runs "
            f"{', '.join(known)}."
        )
    return family


def _runner(family: Family) -> Any:
    """The class that runs it, imported only now that it is asked for."""
    assert family.runner is not None
    module, name = family.runner
    return getattr(import_module(module), name)


def _compile(pipeline: Any, cache: Path | None) -> None:
    from engine.placement.compilation import compile_parts  # torch's compiler is slow to import

    pipeline.compilation = compile_parts(pipeline.unet, cache)


def _cache_folder() -> Path | None:
    folder = os.environ.get(CACHE)
    return Path(folder) if folder else None


def _files(path: Path, prediction_type: str | None, ema: bool) -> ModelFolder | SingleFile:
    if not path.is_dir():
        return SingleFile(path, prediction_type, ema)
    if ema:
        raise LoadError(f"{path} is a folder, which has no averaged weights (EMA) beside others.")
    return ModelFolder(path, prediction_type)


def _own_tiny(files: ModelFolder | SingleFile, family: Family) -> Path | None:
    """The folder of the tiny autoencoder that a model brings with it."""
    folder = files.path / TINY
    return folder if TINY in family.optional and folder.is_dir() else None


def _autoencoder(source: str | Path | None) -> LoneAutoencoder | None:
    return None if source is None else lone_autoencoder(locate(source))
