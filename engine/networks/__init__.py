"""The networks and their blocks, ours, with the parameter names of the diffusers folder format.
Loaded by `engine.weights`, called by `engine.pipelines`. Importing this package is light: what a
config.json asks for is read without torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.networks.autoencoder.autoencoder_kl import AutoencoderKL
    from engine.networks.autoencoder.tiny_autoencoder import AutoencoderTiny
    from engine.networks.poll import Poll, no_poll
    from engine.networks.text.clip_text import CLIPTextModel
    from engine.networks.unet.unet_2d import UNet2DModel
    from engine.networks.unet.unet_2d_condition import AddedConditions, UNet2DConditionModel

    Autoencoder = AutoencoderKL | AutoencoderTiny
    """Both decode alike."""

__all__ = [
    "AddedConditions",
    "Autoencoder",
    "AutoencoderKL",
    "AutoencoderTiny",
    "CLIPTextModel",
    "Poll",
    "UNet2DConditionModel",
    "UNet2DModel",
    "no_poll",
]

_MODULES = {
    "AddedConditions": "unet.unet_2d_condition",
    "AutoencoderKL": "autoencoder.autoencoder_kl",
    "AutoencoderTiny": "autoencoder.tiny_autoencoder",
    "CLIPTextModel": "text.clip_text",
    "Poll": "poll",
    "UNet2DConditionModel": "unet.unet_2d_condition",
    "UNet2DModel": "unet.unet_2d",
    "no_poll": "poll",
}


def __getattr__(name: str) -> Any:
    if name == "Autoencoder":
        return __getattr__("AutoencoderKL") | __getattr__("AutoencoderTiny")
    if name in _MODULES:
        return getattr(import_module(f"engine.networks.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
