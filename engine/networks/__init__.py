"""The networks and their blocks, ours, with the parameter names of the diffusers folder format.
Loaded by `engine.weights`, called by `engine.pipelines`.
"""

from engine.networks.autoencoder_kl import AutoencoderKL
from engine.networks.clip_text import CLIPTextModel
from engine.networks.poll import Poll, no_poll
from engine.networks.tiny_autoencoder import AutoencoderTiny
from engine.networks.unet_2d import UNet2DModel
from engine.networks.unet_2d_condition import AddedConditions, UNet2DConditionModel

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
