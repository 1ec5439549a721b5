"""A model folder in diffusers layout: model_index.json and one subfolder for each component, or a
lone network, whose files may also lie beside a model_index.json. Called by `engine.load` through
the pipelines.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from engine.errors import ConfigError, LoadError
from engine.weights.keys import current_unet_key, current_vae_key, flat_clip_key
from engine.weights.tensors import KeyMap, Tensors, same_key

KEY_MAPS: dict[str, KeyMap] = {
    "unet": current_unet_key,
    "vae": current_vae_key,
    "text_encoder": flat_clip_key,
    "text_encoder_2": flat_clip_key,
}


class ModelFolder:
    """path: the folder; index: what model_index.json says of the components."""

    def __init__(self, path: Path):
        self.path = path
        if not path.is_dir():
            raise LoadError(f"There is no model folder {path}. Check the path.")
        if not any((path / name).is_file() for name in ("model_index.json", "config.json")):
            raise LoadError(
                f"{path} has no model_index.json, so it is not a model folder in diffusers layout."
            )
        self._is_flat = (path / "config.json").is_file()
        indexed = (path / "model_index.json").is_file()
        self.index = self.json("model_index.json" if indexed else "config.json")

    @property
    def kind(self) -> str:
        """The class of the pipeline, or of the network if the folder holds no more than one."""
        return str(self.index.get("_class_name"))

    @property
    def name(self) -> str:
        """For people."""
        return str(self.optional_json("safelight.json").get("name") or self.path.name)

    @property
    def defaults(self) -> dict[str, Any]:
        """The fields of a request that the model does best with, as far as the folder says."""
        return self.optional_json("safelight.json").get("default_request", {})

    def config(self, component: str) -> dict[str, Any]:
        """The settings of a component. Raises ConfigError."""
        return self.json(self._config(component))

    def tensors(self, component: str) -> Tensors:
        """The weights of a component. Raises LoadError if there are none."""
        key_map = KEY_MAPS.get(component, same_key)
        return Tensors(self._weights(component), self._config(component), key_map)

    def tokenizer(self, component: str = "tokenizer") -> Path:
        """The folder of a tokenizer's files."""
        return self.path / component

    def component(self, name: str) -> Path:
        """Where a component's files lie: in a subfolder, or in the folder of a lone network."""
        own = self.path / name
        return self.path if self._is_flat and not own.is_dir() else own

    def json(self, *parts: str | Path) -> dict[str, Any]:
        """The content of a JSON file in the folder."""
        path = self.path.joinpath(*parts)
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ConfigError(f"There is no file {path}. Is this model complete?") from None
        except (OSError, ValueError) as error:
            raise ConfigError(f"{path} cannot be read as JSON ({error}).") from None
        if not isinstance(content, dict):
            raise ConfigError(f"{path} holds {type(content).__name__}, not settings by name.")
        return content

    def optional_json(self, name: str) -> dict[str, Any]:
        """Like `json`, with nothing in it where there is no such file."""
        return self.json(name) if (self.path / name).exists() else {}

    def _config(self, component: str) -> Path:
        if component == "scheduler":
            return self.component(component) / "scheduler_config.json"
        return self.component(component) / "config.json"

    def _weights(self, component: str) -> Path:
        """The safetensors file of a component. Raises LoadError if there is none."""
        folder = self.component(component)
        names = ("diffusion_pytorch_model.safetensors", "model.safetensors")
        for name in names:
            if (folder / name).is_file():
                return folder / name
        if folder.is_dir() and any(folder.glob("*.bin")):
            raise LoadError(
                f"{folder} has its weights only as a .bin file, a pickle, which can run any "
                "program when it is opened. Safelight reads safetensors: fetch that form."
            )
        raise LoadError(f"{folder} has no weights ({' or '.join(names)}). Is this model complete?")

    def sha256(self, components: tuple[str, ...]) -> str:
        """One hash for the folder: SHA-256 over each component's name and its weights' SHA-256."""
        whole = hashlib.sha256()
        for component in components:
            with self._weights(component).open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            whole.update(f"{component} {digest}\n".encode())
        return whole.hexdigest()
