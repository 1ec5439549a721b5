"""What a path is: a model folder, a single file, or why it is neither. Called by the scan, and by
whoever has a path.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine import families
from engine.checkpoint.contents import Incomplete, Unlisted, main_dtype, read_contents
from engine.checkpoint.value import Checkpoint
from engine.errors import EngineError, LoadError
from engine.families import FAMILIES, Family
from engine.foreign import is_folder
from engine.hub.files import PICKLES, missing_files
from engine.weights.folder import ModelFolder
from engine.weights.header import PICKLE, RefusedError, unreadable
from engine.weights.lone_autoencoder import lone_autoencoder
from engine.weights.whole import (
    Unfit,
    look_at_autoencoder,
    look_at_pixels,
    look_at_text_to_image,
)

PARTS = frozenset(part for family in FAMILIES for part in (*family.parts, *family.optional))

AT_TOP = ("model_index.json", "config.json", "scheduler_config.json", "safelight.json")
NETWORKS = ("unet", "vae", "text_encoder", "text_encoder_2", "tiny")
"""What has weights, by the names of `ModelFolder`."""
NAMED = 3
"""How many missing files are named; the others are counted."""


def inspect(path: str | Path) -> Checkpoint:
    """What lies at `path`. Reads headers of weights and small JSON files. Whatever is wrong with
    them is told by `state` and `problem`; nothing on the disk makes this raise."""
    path = Path(path).expanduser().absolute()
    return inspect_folder(path) if is_folder(path) else inspect_file(path)


def inspect_file(path: Path) -> Checkpoint:
    """The same for what is no folder."""
    return examine_file(path)[0]


def examine_file(path: Path) -> tuple[Checkpoint, bool]:
    """The same, and whether somebody who looks for models wants to see it."""
    found = Checkpoint(
        source=str(path), name=shown(path.stem), path=str(path), layout="file", files=(str(path),)
    )
    size, changed = -1, 0
    try:
        status = path.stat()
        size, changed = status.st_size, status.st_mtime_ns
    except (OSError, ValueError):
        pass  # reading the header says what it is
    found = replace(found, bytes=max(size, 0), changed=changed)
    try:
        contents = read_contents(str(path), size, changed)
    except Exception as error:
        return replace(found, **_trouble(error, path)), not isinstance(error, Unlisted)
    found = replace(
        found,
        family=contents.family,
        dtype=contents.dtype,
        prediction_type=contents.prediction_type,
        abilities=contents.abilities,
    )
    if contents.lacks:
        parts = " and no ".join(contents.lacks)
        lack = f"{path} has no {parts}: take the whole checkpoint, which this is a part of."
        return replace(found, **_trouble(Incomplete(lack), path)), True
    return found, True


def inspect_folder(path: Path) -> Checkpoint:
    """The same for a folder, in diffusers layout."""
    found = Checkpoint(source=str(path), name=shown(path.name), path=str(path), layout="folder")
    told: dict[str, Any] = {}
    try:
        if not is_model_folder([entry.name for entry in path.iterdir()]):
            raise RefusedError(
                f"{path} has no model_index.json, so it is no model folder in diffusers layout: "
                "give one, or a .safetensors file."
            )
        _look_into(ModelFolder(path), told)
    except Exception as error:
        told.update(_trouble(error, path))
    return replace(found, **told)


def is_model_folder(names: Collection[str]) -> bool:
    """Whether a folder that holds these names may be in diffusers layout."""
    return any(name in names for name in ("model_index.json", "config.json", "unet"))


def shown(text: str) -> str:
    """A name or a path without the bytes that no screen can show."""
    return os.fsencode(text).decode("utf-8", "replace")


def _look_into(folder: ModelFolder, told: dict[str, Any]) -> None:
    """Note what the folder tells, from the outside in. Raises EngineError at the first trouble;
    what was noted by then holds."""
    told["name"] = shown(folder.name)
    family = families.by_class(folder.kind)
    if family is None:
        raise RefusedError(
            f"{folder.path} holds a {folder.kind[:60]}, which Safelight does not run: take a "
            "Stable Diffusion model."
        )
    components = [name for name in PARTS if folder.has(name)]
    texts = _texts(folder, components)
    places = {folder.component(name) for name in components}
    told.update(_sizes([*texts, *_files_in(places, (".safetensors",))]))
    missing = _missing(folder, family)
    if not {"model_index.json", "config.json", "unet/", "unet/config.json"} & set(missing):
        told.update(_nature(folder, family))
    if missing:
        raise _lack(folder, missing)
    _look_at_whole(folder, family)
    origins = [
        origin for name in NETWORKS if folder.has(name) for origin in folder.tensors(name).origins
    ]
    stored = {(one.file, one.key): one.stored for one in origins}.values()
    told["dtype"] = main_dtype((tensor.dtype, tensor.bytes) for tensor in stored)
    told.update(_sizes([*texts, *sorted({one.file for one in origins})]))


def _look_at_whole(folder: ModelFolder, family: Family) -> None:
    """What a load looks at before it reads any weights. Raises EngineError."""
    _ = folder.defaults
    if family.is_part:
        look_at_autoencoder(folder)
    elif family.text is None:
        look_at_pixels(folder)
    else:
        look_at_text_to_image(folder, family.text.encoders)
        if (folder.path / "tiny").is_dir():
            look_at_autoencoder(lone_autoencoder(folder.path / "tiny"))


def _nature(folder: ModelFolder, family: Family) -> dict[str, Any]:
    """Family, prediction type and abilities, by the configuration. Raises EngineError."""
    if family.is_part:
        own = family.latent_channels
        if (channels := folder.index.get("latent_channels", own)) != own:
            raise RefusedError(
                f"{folder.path} is an {folder.kind} for latents of {channels} channels, and "
                "Safelight's models have 4: take another one."
            )
        return {"family": family.name}
    told: dict[str, Any] = {}
    if (folder.component("scheduler") / "scheduler_config.json").is_file():
        prediction = folder.config("scheduler").get("prediction_type", "epsilon")
        told["prediction_type"] = str(prediction)
    unet = folder.config("unet")
    told["abilities"] = families.abilities_of(family, unet)
    if family.text is None:
        return {**told, "family": family.name}
    channels = unet.get("in_channels", family.latent_channels)
    if channels not in family.input_channels:
        raise RefusedError(
            f"{folder.path} takes {channels} channels as its input, where a model that makes "
            "pictures from words takes 4: take another one."
        )
    return {**told, "family": families.name_of(family, unet)}


def _missing(folder: ModelFolder, family: Family) -> list[str]:
    """The files that the folder lacks, by their names in it; a component that is not there at all
    ends with "/"."""
    is_indexed = (folder.path / "model_index.json").exists()
    files = missing_files(folder.path) if is_indexed or not folder.has("unet") else []
    needed = family.parts if family.text else ()  # the others are one network, wherever it lies
    absent = [
        f"{name}/"
        for name in needed
        if not folder.has(name) and not any(file.startswith(f"{name}/") for file in files)
    ]
    return [*files, *absent]


def _lack(folder: ModelFolder, missing: Sequence[str]) -> EngineError:
    for name in missing:
        places = [(folder.path / name).parent] if name.endswith(".safetensors") else []
        if pickles := _files_in(places, PICKLES):
            return RefusedError(f"{pickles[0]} {PICKLE}")
    names = ", ".join(missing[:NAMED])
    more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
    return Incomplete(f"{folder.path} lacks {names}{more}: fetch this model again.")


def _texts(folder: ModelFolder, components: Iterable[str]) -> list[Path]:
    """Configurations and vocabularies; at the top of a folder lie many other things."""
    places = {folder.component(name) for name in components} - {folder.path}
    at_top = [path for path in _files_in([folder.path], (".json",)) if path.name in AT_TOP]
    return [*at_top, *_files_in(places, (".json", ".txt"))]


def _files_in(folders: Iterable[Path], endings: tuple[str, ...]) -> list[Path]:
    """Those that end so. Links to nothing are among them."""
    found: list[Path] = []
    for folder in folders:
        try:
            found += [path for path in folder.iterdir() if path.name.endswith(endings)]
        except OSError:
            continue
    return sorted(found)


def _sizes(files: Iterable[Path]) -> dict[str, Any]:
    """What the files take, and when the newest was written. A link to nothing takes nothing."""
    sizes, times = [0], [0]
    for file in files:
        try:
            status = file.stat()
        except OSError:
            continue
        sizes.append(status.st_size)
        times.append(status.st_mtime_ns)
    return {"files": tuple(map(str, files)), "bytes": sum(sizes), "changed": max(times)}


def _trouble(error: Exception, path: Path) -> dict[str, Any]:
    """State and problem of what cannot be loaded for that reason. Strangers write these files, so
    that there is no kind of error that they could not lead to."""
    if not isinstance(error, EngineError):
        if isinstance(error, OSError):
            error = LoadError(unreadable(path, error))
        else:
            kind = type(error).__name__
            error = LoadError(
                f"{path} holds what no model holds ({kind}: {error}): take another one."
            )
    state = "damaged"
    if isinstance(error, RefusedError | Unfit):
        state = "refused"
    elif isinstance(error, Incomplete):
        state = "incomplete"
    return {"state": state, "problem": shown(str(error))}
