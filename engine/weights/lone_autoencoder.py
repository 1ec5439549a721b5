"""An autoencoder on its own, to take the place of a model's VAE or to make previews: a folder, or a
file in the original layout or in diffusers'. Made by `engine.load`, read by the pipelines like a
`ModelFolder` that holds nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import LoadError
from engine.families.autoencoders import CURRENT_SIGN, ORIGINAL_SIGN
from engine.weights.digest import file_sha256, joint_sha256
from engine.weights.folder import LONE, ModelFolder
from engine.weights.header import Header, RefusedError, read_header
from engine.weights.keys import current_vae_key
from engine.weights.original import taesd
from engine.weights.original import vae as original_vae
from engine.weights.part import Part
from engine.weights.single_file import VAE_PREFIX
from engine.weights.tensors import Tensors


@dataclass(frozen=True)
class LoneAutoencoder:
    """path: the file or folder; kind: "AutoencoderKL" or "AutoencoderTiny". It has one component,
    by whatever name it is asked for. The weights of a tiny one may lack the encoder."""

    path: Path
    kind: str
    settings: Mapping[str, Any]
    weights: Tensors

    @property
    def name(self) -> str:
        return self.path.stem if self.path.is_file() else self.path.name

    @property
    def index(self) -> dict[str, Any]:
        return {"_class_name": self.kind}

    @property
    def defaults(self) -> dict[str, Any]:
        return {}

    def has(self, component: str) -> bool:
        return component in ("vae", "tiny")

    def config(self, component: str = "vae") -> dict[str, Any]:
        """What config.json says, or would say."""
        return dict(self.settings)

    def tensors(self, component: str = "vae") -> Tensors:
        return self.weights

    def tokenizer(self, component: str = "tokenizer") -> Path:
        raise LoadError(f"{self.path} is an autoencoder, which has no {component}.")

    def sha256(self, components: tuple[str, ...] = ()) -> str:
        """Of its file, or one for all of them. Raises WeightsError."""
        files = sorted({one.file for one in self.weights.origins})
        digests = [file_sha256(file) for file in files]
        return digests[0] if len(digests) == 1 else joint_sha256("\n".join(digests))


def lone_autoencoder(path: Path) -> LoneAutoencoder:
    """The autoencoder in a file or a folder, which may be that of a whole model. The settings of a
    file do not tell how its latents are scaled: as is usual for the model that it is for. Raises
    LoadError and its kinds."""
    if path.is_dir():
        return _in_folder(ModelFolder(path))
    header = read_header(path)
    whole = Part.of(header, VAE_PREFIX)
    part = whole if whole.tensors else Part.of(header, "")
    if part.has(CURRENT_SIGN):
        return LoneAutoencoder(path, "AutoencoderKL", _config(part), part.under(current_vae_key))
    if part.has(ORIGINAL_SIGN):
        weights = part.under(original_vae.key_map(part))
        return LoneAutoencoder(path, "AutoencoderKL", original_vae.config(part), weights)
    return _tiny(header, part)


def _in_folder(folder: ModelFolder) -> LoneAutoencoder:
    component = LONE.get(folder.kind, "vae")
    if not folder.has(component) or component == "unet":
        raise RefusedError(f"{folder.path} has no VAE: take the folder or the file of one.")
    config = folder.config(component)
    kind = str(config.get("_class_name", "AutoencoderKL"))
    return LoneAutoencoder(folder.component(component), kind, config, folder.tensors(component))


def _tiny(header: Header, part: Part) -> LoneAutoencoder:
    halves = taesd.halves(part)
    if not halves:
        raise RefusedError(f"{header.path} holds no autoencoder: take the file of one.")
    if "decoder" not in halves:
        raise RefusedError(
            f"{header.path} is the encoder of a tiny autoencoder, which reads pictures: take the "
            "file of its decoder."
        )
    weights = part.under(taesd.key_map(part))
    return LoneAutoencoder(header.path, "AutoencoderTiny", taesd.config(part), weights)


def _config(vae: Part) -> dict[str, Any]:
    """What the config.json says that belongs to a VAE with today's names, but for how its latents
    are scaled."""
    attention = "encoder.mid_block.attentions.0.group_norm.weight"
    return original_vae.settings(vae, "encoder.down_blocks", "resnets", attention)
