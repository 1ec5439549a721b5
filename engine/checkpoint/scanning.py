"""The checkpoints in a folder and in all folders below it: single files and model folders, kept as
AUTOMATIC1111, ComfyUI and InvokeAI do or in any other way. Called by the library, by `safelight
models` and for each repository of the Hugging Face cache.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine import families, foreign
from engine.checkpoint.inspection import examine_file, inspect_folder
from engine.checkpoint.value import Checkpoint
from engine.errors import EngineError
from engine.weights.settings_file import LONGEST

ENDINGS = (".safetensors", ".sft", ".ckpt")
"""The files that are looked into. Pickles of other names may be anything: upscalers, embeddings."""
WEIGHTS_OF_FOLDER = ("diffusion_pytorch_model", "model.")
"""How the names begin of files that belong to the model folder they are in."""
OF_A_MODEL = ("unet", "vae", "tiny")
"""Folders that belong to the model folder they are in, whatever its index says."""
PASSED_OVER = frozenset({"venv", "site-packages", "node_modules", "__pycache__"})
"""Folders of programs, with thousands of files and no model."""


def scan(folder: str | Path) -> Iterator[Checkpoint]:
    """Every checkpoint in `folder` and below it, as it is found, each once though links lead to it
    twice. LoRAs, ControlNets, embeddings, upscalers and whatever else is no model are left out;
    folders that cannot be read are passed over."""
    waiting = [Path(folder).expanduser().absolute()]
    seen: set[tuple[int, int]] = set()
    while waiting:
        place = waiting.pop()
        if not _is_new(place, seen):
            continue
        files, folders = _listing(place)
        own: set[str] = set()
        if _is_model(place, {*files, *folders}):
            yield inspect_folder(place)
            own = {*_settings(place / "model_index.json"), *OF_A_MODEL}
            files = [name for name in files if not name.startswith(WEIGHTS_OF_FOLDER)]
        for name in files:
            if name.lower().endswith(ENDINGS) and _is_new(place / name, seen):
                found, is_listed = examine_file(place / name)
                if is_listed:
                    yield found
        waiting += [place / name for name in reversed(folders) if name not in own]


def _listing(folder: Path) -> tuple[list[str], list[str]]:
    """The names of the files and of the folders in a folder, without what is hidden."""
    files: list[str] = []
    folders: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if not entry.name.startswith(".") and entry.name not in PASSED_OVER:
                    (folders if _is_folder(entry) else files).append(entry.name)
    except (OSError, ValueError):
        pass  # not there, not a folder, or not for this user
    return sorted(files), sorted(folders)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads back to itself
        return False


def _is_new(path: Path, seen: set[tuple[int, int]]) -> bool:
    """Whether it was not come by before, over any link. What cannot be looked at is new."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return True
    identity = (status.st_dev, status.st_ino)
    if identity in seen and status.st_ino:
        return False
    seen.add(identity)
    return True


def _is_model(folder: Path, names: set[str]) -> bool:
    if "model_index.json" in names:
        return True
    if "unet" in names:
        return (folder / "unet" / "config.json").is_file()
    if "config.json" not in names:
        return False
    family = families.by_class(str(_settings(folder / "config.json").get("_class_name")))
    return family is not None and family.text is None


def _settings(path: Path) -> dict[str, Any]:
    """What a JSON file says, nothing where it says nothing."""
    try:
        content = foreign.read_json(path, LONGEST)
    except (OSError, EngineError):
        return {}
    return content if isinstance(content, dict) else {}
