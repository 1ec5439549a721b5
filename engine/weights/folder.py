"""A model folder in diffusers layout: model_index.json and one subfolder for each component, or a
lone network, whose files may also lie beside a model_index.json. Called by `engine.load` through
the pipelines.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine import families
from engine.errors import ConfigError, LoadError, RequestError, WeightsError, told
from engine.hub.endpoint import repo_id_of
from engine.request.request import Request
from engine.weights.digest import file_sha256, joint_sha256
from engine.weights.header import Header, RefusedError, read_header, unreadable
from engine.weights.keys import (
    clip_key,
    current_unet_key,
    current_vae_key,
    projecting_clip_key,
)
from engine.weights.prediction_type import checked_prediction_type
from engine.weights.settings_file import read_settings
from engine.weights.tensors import KeyMap, Tensors, same_key

KEY_MAPS: Mapping[str, KeyMap] = {
    "UNet2DModel": current_unet_key,
    "AutoencoderKL": current_vae_key,
    "CLIPTextModel": clip_key,
    "CLIPTextModelWithProjection": projecting_clip_key,
}
"""By the network's class."""

COMPONENTS: Mapping[str, str] = {
    "unet": "UNet2DConditionModel",
    "vae": "AutoencoderKL",
    "text_encoder": "CLIPTextModel",
    "text_encoder_2": "CLIPTextModelWithProjection",
    "tokenizer": "CLIPTokenizer",
    "tokenizer_2": "CLIPTokenizer",
    "scheduler": "",
}
"""The subfolders that mean something here, and what is in them if nothing says otherwise."""

LONE = {
    "UNet2DModel": "unet",
    "UNet2DConditionModel": "unet",
    "AutoencoderKL": "vae",
    "AutoencoderTiny": "tiny",
}
"""Which component a folder is that holds one network and nothing else, by its class."""

BASES = ("diffusion_pytorch_model", "model")
"""How the files of weights begin, those of diffusers and those of transformers."""
VARIANTS = ("fp16", "bf16", "fp32")
"""Taken first of the variants where a component has no plain file; any other one after these."""
PICKLES = (".bin", ".pt", ".pth", ".ckpt")

LONGEST_NAME = 200


@dataclass(frozen=True)
class Weights:
    """The files of a component. path: what an error names; index: the file of every tensor, where
    they are spread over several."""

    path: Path
    files: tuple[Path, ...]
    index: Mapping[str, str] | None = None


class ModelFolder:
    """path: the folder; index: what model_index.json says of the components, or what they say
    themselves where there is none; prediction_type: in place of what the scheduler's settings say.
    """

    def __init__(self, path: Path, prediction_type: str | None = None):
        self.path = path
        self._prediction_type = checked_prediction_type(prediction_type)
        if not path.is_dir():
            raise LoadError(f"There is no model folder {path}: check the path.")
        names = _names(path)
        self._is_flat = "config.json" in names
        if "model_index.json" in names:
            self.index = self.json("model_index.json")
        elif "unet" in names:
            self._is_flat = False
            self.index = self._index_of_components(names)
        elif self._is_flat:
            self.index = self.json("config.json")
        else:
            raise LoadError(
                f"{path} has no model_index.json, so it is not a model folder in diffusers layout."
            )

    @property
    def kind(self) -> str:
        """The class of the pipeline, or of the network if the folder holds no more than one."""
        return str(self.index.get("_class_name"))

    @property
    def name(self) -> str:
        """For people."""
        name = self.optional_json("safelight.json").get("name")
        return " ".join(str(name).split())[:LONGEST_NAME] if name else _folder_name(self.path)

    @property
    def defaults(self) -> dict[str, Any]:
        """The fields of a request that the model does best with, as far as the folder says. Raises
        ConfigError where they are none."""
        fields = self.optional_json("safelight.json").get("default_request", {})
        try:
            if not isinstance(fields, dict):
                raise TypeError(f"{told(fields)} is no table of fields")
            Request(**fields)
        except (TypeError, RequestError) as error:
            raise ConfigError(
                f"{self.path / 'safelight.json'} has a default_request that is none ({error}): "
                "correct it, or remove this file."
            ) from None
        return fields

    def has(self, component: str) -> bool:
        """Whether the component is there; model_index.json may say of one that it never was."""
        if self.index.get(component) == [None, None]:
            return False
        if os.path.lexists(self.path / component):  # a link that leads nowhere is damage
            return True
        if component == "scheduler":
            return self._is_flat and self._config(component).is_file()
        return self._is_flat and LONE.get(self.kind) == component

    def config(self, component: str) -> dict[str, Any]:
        """The settings of a component. Raises ConfigError, and RefusedError for those of packed
        weights."""
        settings = self.json(self._config(component))
        if packed := settings.get("quantization_config"):
            how = packed.get("quant_method") if isinstance(packed, dict) else packed
            raise RefusedError(
                f"{self._config(component)} tells of weights that are packed ({told(how)}), which "
                "Safelight does not run: take the model in float16, bfloat16 or float32."
            )
        if component == "scheduler" and self._prediction_type:
            settings["prediction_type"] = self._prediction_type
        return settings

    def tensors(self, component: str) -> Tensors:
        """The weights of a component. Raises LoadError if there are none or they are damaged."""
        weights = self._weights(component)
        headers = [_listed_of(read_header(file), weights.index) for file in weights.files]
        key_map = KEY_MAPS.get(self._class(component), same_key)
        return Tensors.of(weights.path, self._config(component), headers, key_map)

    def tokenizer(self, component: str = "tokenizer") -> Path:
        """The folder of a tokenizer's files."""
        return self.path / component

    def component(self, name: str) -> Path:
        """Where a component's files lie: in a subfolder, or in the folder of a lone network."""
        own = self.path / name
        return self.path if self._is_flat and not own.is_dir() else own

    def json(self, *parts: str | Path) -> dict[str, Any]:
        """The content of a JSON file in the folder."""
        return read_settings(self.path.joinpath(*parts))

    def optional_json(self, name: str) -> dict[str, Any]:
        """Like `json`, with nothing in it where there is no such file."""
        return self.json(name) if (self.path / name).exists() else {}

    def sha256(self, components: tuple[str, ...]) -> str:
        """One hash for the folder: SHA-256 over each component's name and its weights' SHA-256."""
        digests = {}
        for component in components:
            files = [file_sha256(file) for file in self._weights(component).files]
            digests[component] = files[0] if len(files) == 1 else joint_sha256("\n".join(files))
        return joint_sha256("".join(f"{name} {digest}\n" for name, digest in digests.items()))

    def _config(self, component: str) -> Path:
        if component == "scheduler":
            return self.component(component) / "scheduler_config.json"
        return self.component(component) / "config.json"

    def _class(self, component: str) -> str:
        """The class of a component's network: as model_index.json, as its own config.json says."""
        listed = self.index.get(component)
        if isinstance(listed, list) and listed and isinstance(listed[-1], str):
            return listed[-1]
        config = self.config(component)
        architectures = config.get("architectures")
        if isinstance(architectures, list) and architectures:
            return str(architectures[0])
        return str(config.get("_class_name", COMPONENTS.get(component, "")))

    def _index_of_components(self, names: set[str]) -> dict[str, Any]:
        unet = self.json("unet", "config.json")
        family = families.of_folder(unet, names)
        index: dict[str, Any] = {"_class_name": families.class_of(family, unet)}
        for name, usual in COMPONENTS.items():
            if name in names:
                index[name] = ["", unet.get("_class_name", usual) if name == "unet" else usual]
        return index

    def _weights(self, component: str) -> Weights:
        """The safetensors files of a component: the plain ones, or else those of a variant. Raises
        LoadError if there are none."""
        folder = self.component(component)
        names = _names(folder)
        for base in BASES:
            for variant in ("", *_variants(names, base)):
                dot = f".{variant}" if variant else ""
                whole, index = f"{base}{dot}.safetensors", f"{base}.safetensors.index{dot}.json"
                if whole in names:
                    return Weights(folder / whole, (folder / whole,))
                if index in names:
                    return self._sharded(folder / index, names)
        if any(name.endswith(PICKLES) for name in names):
            raise LoadError(
                f"{folder} has its weights only as a pickle ({_first(names, PICKLES)}), which can "
                "run any program when it is opened: fetch them as safetensors."
            )
        raise LoadError(
            f"{folder} has no weights ({' or '.join(f'{base}.safetensors' for base in BASES)}): "
            "is this model complete?"
        )

    def _sharded(self, path: Path, names: set[str]) -> Weights:
        index = self.json(path).get("weight_map")
        if not isinstance(index, dict) or not all(isinstance(file, str) for file in index.values()):
            raise WeightsError(f"{path} does not list its shards: fetch this file again.")
        shards = sorted(set(index.values()))
        for shard in shards:
            if shard not in names:  # which also keeps it inside the folder
                raise WeightsError(
                    f"{path} lists the shard {shard!r}, which is not beside it: fetch that file."
                )
        return Weights(path, tuple(path.parent / shard for shard in shards), index)


def _names(folder: Path) -> set[str]:
    try:
        return {entry.name for entry in folder.iterdir()}
    except FileNotFoundError:
        raise LoadError(f"There is no folder {folder}: is this model complete?") from None
    except NotADirectoryError:
        raise LoadError(
            f"{folder} is a file and should be a folder: fetch this model again."
        ) from None
    except OSError as error:
        raise LoadError(unreadable(folder, error)) from None


def _folder_name(path: Path) -> str:
    """The folder's own, or OWNER/NAME in the Hugging Face cache, which names folders by hash."""
    cached = repo_id_of(path.parent.parent.name) if path.parent.name == "snapshots" else ""
    return cached or path.name


def _variants(names: set[str], base: str) -> list[str]:
    """The variants that there are files of, those that are usual first."""
    whole = re.compile(rf"{base}\.(?P<variant>[^.]+)\.safetensors")
    index = re.compile(rf"{base}\.safetensors\.index\.(?P<variant>[^.]+)\.json")
    found = {
        match["variant"]
        for name in names
        if (match := whole.fullmatch(name) or index.fullmatch(name))
        and not re.search(r"-\d+-of-\d+$", match["variant"])
    }
    usual = [variant for variant in VARIANTS if variant in found]
    return [*usual, *sorted(found.difference(usual))]


def _listed_of(header: Header, index: Mapping[str, str] | None) -> Header:
    """What of a shard counts: what the index says is in it."""
    if index is None:
        return header
    listed = {
        key: stored for key, stored in header.tensors.items() if index.get(key) == header.path.name
    }
    return header._replace(tensors=listed)


def _first(names: set[str], endings: tuple[str, ...]) -> str:
    return min(name for name in names if name.endswith(endings))
