"""LatentDecoder: latents to pictures, whatever it takes: in tiles where memory is short, in float32
where half precision overflows. Held by the pipelines that have an autoencoder, which is loaded here
too.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from engine.hardware.device import has_bfloat16
from engine.hardware.memory import free_cache, is_out_of_memory, memory_guard
from engine.hardware.transfers import fetched, to_pixels, uploaded
from engine.hardware.tuning import Tuner
from engine.networks import Autoencoder, AutoencoderKL, AutoencoderTiny
from engine.networks.layers.convolution import tune
from engine.networks.poll import Poll, no_poll
from engine.pipelines.pace import Pace
from engine.pipelines.pipeline import Decoded
from engine.pipelines.tiles import decode_in_tiles
from engine.placement.offload import Stage
from engine.weights.files import Files
from engine.weights.strict import load_strictly

TINY = "AutoencoderTiny"
MANY = 2**17
"""Pixels of a picture from which on the memory that its decode takes is worth to be tidied."""
ENCODER = "encoder."


class LatentDecoder:
    """vae: changes its dtype for the time of a decode that overflowed. usual: the dtype of the
    other networks. pace: where the cost of a decode is noted."""

    def __init__(self, vae: Autoencoder, usual: torch.dtype, device: torch.device, pace: Pace):
        self._vae = vae
        self._dtype = vae.dtype
        self._usual = usual
        self._device = device
        self._pace = pace
        self._lock = threading.Lock()  # previews are asked for from a thread of their own

    def decode(self, latents: Tensor, poll: Poll = no_poll) -> Decoded:
        """Latents (B, C, h, w), scaled as the UNet sees them. Raises OutOfMemory."""
        pictures, notes = [], []
        if self._dtype != self._usual:
            notes.append(_note(f"VAE decoded in {self._dtype}: {self._usual} would overflow"))
        for one in uploaded(latents, self._device).split(1):
            started = time.perf_counter()
            with self._lock:
                image, note = self._decode_one(unscaled(one, self._vae), poll)
            pictures.append(to_pixels(image[0]))
            self._pace.note_decode((time.perf_counter() - started) / one.numel())
            notes += note
        return Decoded(tuple(pictures), tuple(dict.fromkeys(notes)))

    def _decode_one(self, latents: Tensor, poll: Poll) -> tuple[Tensor, list[str]]:
        notes = []
        pixels = latents[0, 0].numel() * self._vae.factor**2
        if self._device.type == "cpu" and pixels >= MANY:
            poll = self._tidied(poll)
        try:
            image = self._vae.decode(latents.to(self._dtype), poll)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            free_cache(self._device)
            notes.append("VAE decoded in tiles: too little memory")
            with memory_guard(self._device, "decoding"):
                image = decode_in_tiles(self._vae, latents.to(self._dtype), poll)
        if self._dtype != torch.float32 and not fetched(torch.isfinite(image).all()):
            notes.append(_note(f"VAE decoded in float32: {self._dtype} overflowed"))
            with memory_guard(self._device, "decoding in float32"):
                self._vae.float()
                try:
                    image = self._vae.decode(latents.float(), poll)
                finally:
                    self._vae.to(self._dtype)
        return image, notes

    def _tidied(self, poll: Poll) -> Poll:
        """It gives back what is free, between the blocks of a decode: what the steps left, and what
        smaller blocks leave, is in pieces that a larger one cannot use."""

        def tidy() -> None:
            poll()
            free_cache(self._device)

        return tidy


def unscaled(latents: Tensor, vae: Autoencoder) -> Tensor:
    """Latents as this autoencoder makes them, from those that the UNet sees."""
    return latents / vae.scaling_factor + vae.shift_factor


def autoencoder_in(files: Files) -> str:
    """The component that is the autoencoder, of a pipeline's files or of a lone one's."""
    return "tiny" if files.kind == TINY else "vae"


def load_autoencoder(
    files: Files,
    usual: Mapping[str, Any],
    overflows: bool,
    stage: Stage,
    dtype: torch.dtype,
    progress: Callable[[float], None],
    tuner: Tuner,
) -> Autoencoder:
    """usual: settings that hold where the files say nothing. overflows: whether that family's is
    too much for float16, where the files do not say that this one is not. Raises ConfigError,
    WeightsError."""
    component = autoencoder_in(files)
    config = files.config(component)
    tensors = files.tensors(component)
    if TINY in (files.kind, config.get("_class_name")):
        if not any(name.startswith(ENCODER) for name in tensors.shapes()):
            config["num_encoder_blocks"] = None  # decoders are passed around alone
        tiny = load_strictly(lambda: AutoencoderTiny(config), tensors, stage.home, dtype, progress)
        stage.seat("vae", tiny)
        return tiny
    config = {**usual, **config}
    if overflows and config.get("force_upcast", True):
        dtype = _in_range(dtype, stage.device)
    vae = load_strictly(lambda: AutoencoderKL(config), tensors, stage.home, dtype, progress)
    tune(vae, stage.device, tuner)
    stage.seat("vae", vae)
    return vae


def _in_range(dtype: torch.dtype, device: torch.device) -> torch.dtype:
    """bfloat16, which has the range of float32, for float16. Where the device lacks it, what
    overflows is decoded again in float32."""
    return torch.bfloat16 if dtype == torch.float16 and has_bfloat16(device) else dtype


def _note(text: str) -> str:
    return text.replace("torch.", "")
