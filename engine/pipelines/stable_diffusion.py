"""Stable Diffusion (Rombach et al., arXiv:2112.10752) as a loaded set: CLIP tokenizer and text
encoder, conditional UNet, VAE. Made by `engine.load`, run by `engine.generate`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor

from engine import schedulers
from engine.device import free_cache, is_out_of_memory, memory_guard
from engine.errors import ConfigError, EngineError, LoadError
from engine.images import Pixels, to_pixels
from engine.networks import AutoencoderKL, UNet2DConditionModel
from engine.networks.poll import Poll, no_poll
from engine.pipelines.base import (
    Decoded,
    Pace,
    PreviewKind,
    Reading,
    Sizes,
    checked_class,
    filled_in,
)
from engine.pipelines.latent_preview import LatentPreview
from engine.pipelines.text import TextReader, load_text_encoder
from engine.pipelines.tiles import decode_in_tiles
from engine.request import Request
from engine.weights.folder import ModelFolder
from engine.weights.strict import load_strictly


class StableDiffusion:
    family = "stable-diffusion"
    takes_prompt = True
    classes = 0

    def __init__(
        self,
        name: str,
        text: TextReader,
        unet: UNet2DConditionModel,
        vae: AutoencoderKL,
        scheduler_config: dict[str, Any],
        defaults: dict[str, Any],
        sha256: Callable[[], str],
    ):
        self.name = name
        self.text = text
        self.unet = unet
        self.vae = vae
        self.scheduler_config = scheduler_config
        parameter = next(unet.parameters())
        self.device, self.dtype = parameter.device, parameter.dtype
        self.sizes = Sizes(multiple=vae.factor, minimum=vae.factor, maximum=8192)
        side = unet.sample_size * vae.factor
        self.default_request = Request(
            **{
                "width": side,
                "height": side,
                "scheduler": schedulers.name_of(scheduler_config.get("_class_name", "")),
                **defaults,
            }
        )
        self.checkpoint_sha256 = cache(sha256)
        self.pace = Pace()
        self._preview = LatentPreview(name, vae.latent_channels, self.decode, self.pace)
        self._decoding = threading.Lock()  # previews are asked for from a thread of their own
        self._open = True

    @classmethod
    def from_folder(
        cls,
        folder: ModelFolder,
        device: torch.device,
        dtype: torch.dtype,
        progress: Callable[[float, str], None] | None = None,
    ) -> StableDiffusion:
        """Load every component; see `engine.load` for the errors."""
        tell = progress or (lambda fraction, part: None)
        with memory_guard(device, "loading"):
            tell(0.0, "text encoder")
            text = load_text_encoder(folder, device, dtype)
            tell(0.15, "UNet")
            unet_config = folder.config("unet")
            unet = load_strictly(
                lambda: UNet2DConditionModel(unet_config), folder.tensors("unet"), device, dtype
            )
            tell(0.85, "VAE")
            vae_config = folder.config("vae")
            vae = load_strictly(
                lambda: AutoencoderKL(vae_config), folder.tensors("vae"), device, dtype
            )
        _check_fit(text, unet, vae, folder)
        tell(1.0, "ready")
        return cls(
            name=folder.name,
            text=text,
            unet=unet,
            vae=vae,
            scheduler_config=folder.config("scheduler"),
            defaults=folder.defaults,
            sha256=lambda: folder.sha256(("text_encoder", "unet", "vae")),
        )

    def resolve(self, request: Request) -> Request:
        self._check_open()
        checked_class(request, self)
        return filled_in(request, self)

    def latent_shape(self, request: Request) -> tuple[int, int, int]:
        assert request.width is not None and request.height is not None
        factor = self.vae.factor
        return (self.vae.latent_channels, request.height // factor, request.width // factor)

    def read(self, prompt: str) -> Reading:
        return self.text.read(prompt)

    def encode(self, prompt: str, class_label: int | None = None) -> Tensor:
        return self.text.encode(prompt)

    def predict(
        self,
        model_input: Tensor,
        timestep: float,
        conditional: Tensor,
        unconditional: Tensor | None,
        poll: Poll = no_poll,
    ) -> tuple[Tensor, Tensor | None]:
        # One call an image, on the doubled batch: so an image is the same, bit for bit, alone and
        # among others (a larger batch rounds differently), and memory does not grow with the count.
        texts = conditional if unconditional is None else torch.cat([unconditional, conditional])
        with memory_guard(self.device, "a UNet call"):
            outputs = [
                self.unet(
                    image.to(self.dtype).expand(len(texts), -1, -1, -1), timestep, texts, poll=poll
                ).float()
                for image in model_input.split(1)
            ]
        if unconditional is None:
            return torch.cat(outputs), None
        halves = [output.chunk(2) for output in outputs]
        return torch.cat([half[1] for half in halves]), torch.cat([half[0] for half in halves])

    def decode(self, latents: Tensor, poll: Poll = no_poll) -> Decoded:
        pictures, notes = [], []
        for one in latents.to(self.device).split(1):
            started = time.perf_counter()
            unscaled = one / self.vae.scaling_factor + self.vae.shift_factor
            with self._decoding:
                image, note = self._decode_one(unscaled, poll)
            pictures.append(to_pixels(image[0]))
            self.pace.note_decode((time.perf_counter() - started) / one.numel())
            notes += note
        return Decoded(tuple(pictures), tuple(dict.fromkeys(notes)))

    def preview(self, latents: Tensor, kind: PreviewKind) -> tuple[Pixels, ...]:
        return self._preview.pictures(latents, kind)

    def _decode_one(self, latents: Tensor, poll: Poll) -> tuple[Tensor, list[str]]:
        notes = []
        try:
            image = self.vae.decode(latents.to(self.dtype), poll)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            free_cache(self.device)
            notes.append("VAE decoded in tiles: too little memory")
            with memory_guard(self.device, "decoding"):
                image = decode_in_tiles(self.vae, latents.to(self.dtype), poll)
        if self.dtype != torch.float32 and not torch.isfinite(image).all():
            notes.append(f"VAE decoded in float32: {self.dtype} overflowed".replace("torch.", ""))
            with memory_guard(self.device, "decoding in float32"):
                self.vae.float()
                try:
                    image = self.vae.decode(latents.float(), poll)
                finally:
                    self.vae.to(self.dtype)
        return image, notes

    def close(self) -> None:
        if self._open:
            self._open = False
            del self.text, self.unet, self.vae, self._preview
            free_cache(self.device)

    def _check_open(self) -> None:
        if not self._open:
            raise EngineError(f"The model {self.name} has been closed. Load it again.")


def _check_fit(
    text: TextReader, unet: UNet2DConditionModel, vae: AutoencoderKL, folder: ModelFolder
) -> None:
    if unet.in_channels != vae.latent_channels:
        raise LoadError(
            f"The UNet of {folder.path} takes {unet.in_channels} channels but its VAE makes "
            f"{vae.latent_channels}. Inpainting models cannot be run yet."
        )
    if unet.cross_attention_dim != text.width:
        raise ConfigError(
            f"The UNet of {folder.path} reads text of width {unet.cross_attention_dim} but its "
            f"text encoder writes {text.width}. The two are not of one model."
        )
