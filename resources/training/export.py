"""Export: what a training left, in the folder where the program looks for it, in float16. The last
stage before `evaluate`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import safetensors.torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from torch import Tensor

from resources.training import (
    autoencoder,
    ddpm,
    decoder,
    diffusion,
    encoded,
    neighbours,
    phrases,
    tiny,
    vocabulary,
)
from resources.training.checkpoints import average

MODELS = Path(__file__).parents[1] / "models"

DDPM_INDEX = {
    "_class_name": "DDPMPipeline",
    "scheduler": ["diffusers", "DDPMScheduler"],
    "unet": ["diffusers", "UNet2DModel"],
}
DDPM_SETTINGS = {"name": "Emoji, no prompt", "default_request": {"steps": 50}}


def export_text(work: Path, models: Path = MODELS) -> Path:
    """The text encoder and its tokenizer, into the folder of the bundled model, with the words that
    no caption has among their neighbours. Gives the encoder's folder."""
    network = diffusion.encoder(work)
    table, tokenizer = vocabulary.embeddings(network), vocabulary.load(work / vocabulary.FOLDER)
    neighbours.settle(table, tokenizer, phrases.load(work), phrases.meanings(work))
    with _replaced(models / "emoji" / vocabulary.FOLDER) as part:
        shutil.copytree(work / vocabulary.FOLDER, part, dirs_exist_ok=True)
    with _replaced(models / "emoji" / "text_encoder") as part:
        network.half().save_pretrained(part)
    return models / "emoji" / "text_encoder"


def export_diffusion(work: Path, models: Path = MODELS) -> Path:
    """The UNet, into the folder of the bundled model. Gives its own folder."""
    network = UNet2DConditionModel.from_pretrained(encoded.BUNDLED / "unet")
    network.load_state_dict(average(work / diffusion.FOLDER))
    network.register_to_config(_name_or_path="unet")  # where it was read from is no one's business
    with _replaced(models / "emoji" / "unet") as part:
        network.half().save_pretrained(part)
    return models / "emoji" / "unet"


def export_autoencoder(work: Path, models: Path = MODELS) -> Path:
    """The VAE, into the folder of the bundled model. Gives its own folder."""
    return _export_vae(average(work / autoencoder.FOLDER), models)


def export_decoder(work: Path, models: Path = MODELS) -> Path:
    """The VAE with the decoder that was taught by what the UNet draws. Gives its folder."""
    return _export_vae(average(work / decoder.FOLDER, "vae"), models)


def _export_vae(weights: dict[str, Tensor], models: Path) -> Path:
    network = AutoencoderKL.from_pretrained(encoded.BUNDLED / "vae")
    network.load_state_dict(weights)
    network.register_to_config(_name_or_path="vae")
    with _replaced(models / "emoji" / "vae") as part:
        network.half().save_pretrained(part)
    return models / "emoji" / "vae"


def export_tiny(work: Path, models: Path = MODELS) -> Path:
    """The decoder alone, into the folder `tiny` of the bundled model. Gives that folder."""
    network = tiny.build()
    network.load_state_dict(average(work / tiny.FOLDER))
    with _replaced(models / "emoji" / "tiny") as part:
        network.save_config(part)
        decoder = {
            f"decoder.{name}": tensor.half().contiguous()
            for name, tensor in network.decoder.state_dict().items()
        }
        (part / tiny.BUNDLED.name).write_bytes(safetensors.torch.save(decoder, {"format": "pt"}))
    return models / "emoji" / "tiny"


def export_ddpm(work: Path, models: Path = MODELS) -> Path:
    """The whole model folder, but for its card and licences, which stay as they are. Gives it."""
    network = ddpm.build()
    network.load_state_dict(average(work / ddpm.FOLDER))
    folder = models / "emoji-ddpm"
    with _replaced(folder / "unet") as part:
        network.half().save_pretrained(part)
    DDPMScheduler(**ddpm.SCHEDULER).save_pretrained(folder / "scheduler")
    _write(folder / "safelight.json", DDPM_SETTINGS)
    _write(folder / "model_index.json", DDPM_INDEX)  # last: it is the sign that all is there
    return folder


EXPORTS: dict[str, Callable[[Path, Path], Path]] = {
    "text": export_text,
    "diffusion": export_diffusion,
    "autoencoder": export_autoencoder,
    "decoder": export_decoder,
    "tiny": export_tiny,
    "ddpm": export_ddpm,
}
"""By the name of the training."""


class _replaced:
    """A folder beside `target`, which takes its place when all of it has been written."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._part = target.with_name(f".{target.name}.part")

    def __enter__(self) -> Path:
        shutil.rmtree(self._part, ignore_errors=True)
        self._part.mkdir(parents=True)
        return self._part

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            for path in self._part.iterdir():
                path.chmod(0o644)  # safetensors keeps what it writes from others
            shutil.rmtree(self._target, ignore_errors=True)
            self._part.rename(self._target)
        shutil.rmtree(self._part, ignore_errors=True)


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
