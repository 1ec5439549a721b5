"""DDPM (Ho et al., arXiv:2006.11239): unconditional images, or images of a class, in pixel space.
One UNet is the whole set: the latents are the image. Made by `engine.load`, run by
`engine.generate`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from engine import families, schedulers
from engine.errors import EngineError, LoadError, RequestError
from engine.families import Ability
from engine.families.ddpm import DDPM as DDPM_FAMILY
from engine.hardware.memory import free_cache, memory_guard
from engine.hardware.transfers import to_pixels
from engine.hardware.tuning import Tuner
from engine.networks import UNet2DModel
from engine.networks.layers.convolution import tune
from engine.networks.layers.packing import pack
from engine.networks.poll import Poll, no_poll
from engine.pipelines.load_progress import LoadProgress
from engine.pipelines.pace import Pace
from engine.pipelines.pipeline import (
    Call,
    Codec,
    Conditioner,
    Decoded,
    Denoiser,
    Half,
    PreviewKind,
    Previews,
    Progress,
    Reading,
    Sizes,
    checked_class,
    filled_in,
    own_request,
)
from engine.placement.cuda_graph import GraphedCall
from engine.placement.offload import Stage, chosen, weight_bytes
from engine.request.conditions import Conditions
from engine.request.request import OF_A_PROMPT, Request
from engine.weights.files import Files
from engine.weights.strict import load_strictly
from engine.weights.whole import look_at_pixels, scheduler_config

if TYPE_CHECKING:
    from engine.placement.compilation import Compilation


class DDPM:
    family = DDPM_FAMILY.name
    guessed_prediction = False
    compilation: Compilation | None = None

    def __init__(
        self,
        name: str,
        abilities: frozenset[Ability],
        unet: UNet2DModel,
        scheduler_config: dict[str, Any],
        defaults: Mapping[str, Any],
        sha256: Callable[[], str],
        device: torch.device,
        called: UNet2DModel | GraphedCall,
    ):
        self.name = name
        self.unet = unet
        self.class_count = unet.config.num_class_embeds or 0
        self.abilities = abilities
        self.scheduler_config = scheduler_config
        self.device, self.dtype = device, unet.dtype
        self.sizes = Sizes(multiple=unet.factor, minimum=unet.factor, maximum=8192)
        height, width = unet.sample_size
        self.default_request = own_request(
            {
                "width": width,
                "height": height,
                "scheduler": schedulers.name_of(scheduler_config.get("_class_name", "")),
                "class_label": 0 if self.class_count else None,
            },
            DDPM_FAMILY.request,
            defaults,
        )
        self.checkpoint_sha256 = cache(sha256)
        self.pace = Pace()
        self.conditioner: Conditioner = ClassConditioner(device)
        self.denoiser: Denoiser = PixelDenoiser(unet, called, device)
        self.codec: Codec = PixelCodec()
        self._open = True

    @classmethod
    def from_files(
        cls,
        files: Files,
        device: torch.device,
        dtype: torch.dtype,
        progress: Progress | None = None,
        tuner: Tuner | None = None,
        vae: Files | None = None,
        tiny: Files | None = None,
        placement: str = "auto",
        cuda_graph: bool = False,
    ) -> DDPM:
        """Load the UNet; its latents are the image, so it takes no autoencoder. See `engine.load`
        for the errors. A network with Fourier features is loaded in float32, whatever the dtype:
        see `FourierTimesteps`."""
        for other in (vae, tiny):
            if other is not None:
                raise LoadError(
                    f"{files.path} makes pictures without an autoencoder. Leave out {other.path}."
                )
        look_at_pixels(files)
        config = files.config("unet")
        if config.get("time_embedding_type") == "fourier":
            dtype = torch.float32
        loading = LoadProgress(progress)
        loading.plan("UNet", files, "unet")
        with memory_guard(device, "loading"):
            tensors = files.tensors("unet")
            stage = Stage(device, chosen(placement, device, unet=weight_bytes(tensors, dtype)))
            unet = load_strictly(
                lambda: UNet2DModel(config), tensors, stage.home, dtype, loading.begin()
            )
        tune(unet, device, tuner or Tuner())
        pack(unet, device, dtype)
        stage.seat("unet", unet)
        loading.end()
        return cls(
            name=files.name,
            abilities=families.abilities_of(DDPM_FAMILY, config),
            unet=unet,
            scheduler_config=scheduler_config(files),
            defaults=files.defaults,
            sha256=lambda: files.sha256(("unet",)),
            device=device,
            called=stage.quickened(unet, cuda_graph),
        )

    def resolve(self, request: Request) -> Request:
        if not self._open:
            raise EngineError(f"The model {self.name} has been closed. Load it again.")
        self._check_no_prompt(request)
        label = checked_class(request, self)
        own = {name: getattr(self.default_request, name) for name in OF_A_PROMPT}
        return replace(filled_in(request, self), class_label=label, **own)

    def _check_no_prompt(self, request: Request) -> None:
        for name in OF_A_PROMPT:
            value = getattr(request, name)
            if value not in (getattr(Request(), name), getattr(self.default_request, name)):
                raise RequestError(
                    name,
                    f"{value!r} means nothing to {self.name}: this model takes no prompt, so there "
                    "is nothing to guide. Leave it out.",
                )
        for edit in request.edits:
            if edit.field in OF_A_PROMPT:
                raise RequestError(
                    "edits",
                    f"{edit.field} means nothing to {self.name}: this model takes no prompt. Leave "
                    "this edit out.",
                )

    def latent_shape(self, request: Request) -> tuple[int, int, int]:
        assert request.width is not None and request.height is not None
        return (self.unet.in_channels, request.height, request.width)

    def preview(
        self,
        latents: Tensor,
        kind: PreviewKind,
        seconds: float | None = None,
        poll: Poll = no_poll,
    ) -> Previews:
        return Previews(self.codec.decode(latents).pictures, "image")

    def keep_previews(self, folder: Path) -> None:
        """There is nothing to learn."""

    def close(self) -> None:
        if self._open:
            self._open = False
            del self.unet, self.denoiser
            free_cache(self.device)


class ClassConditioner:
    """Tells the network its class, (1,), or None where it has no classes. There is no prompt."""

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def read(self, prompt: str) -> Reading:
        return Reading(token_count=0, token_limit=0, truncated="")

    def encode(self, now: Conditions, halves: tuple[Half, ...]) -> tuple[Tensor | None, ...]:
        label = now.request.class_label
        told = None if label is None else torch.full((1,), label, device=self._device)
        return (told,) * len(halves)


class PixelDenoiser:
    """The UNet, under one class. called: the UNet itself, or what is called in its place."""

    def __init__(
        self, unet: UNet2DModel, called: UNet2DModel | GraphedCall, device: torch.device
    ) -> None:
        self._unet = unet
        self._called = called
        self._device = device

    def __call__(
        self, x: Tensor, t: float, conditioning: tuple[Tensor | None, ...], call: Call
    ) -> tuple[Tensor, ...]:
        # One call an image: so an image is the same, bit for bit, alone and among others (a larger
        # batch rounds differently), and memory does not grow with the count.
        (labels,) = conditioning
        network = self._called if call.layers is None else self._unet
        with memory_guard(self._device, "a UNet call"):
            outputs = [
                network(
                    image.to(self._unet.dtype), t, call.poll, labels=labels, layers=call.layers
                ).float()
                for image in x.split(1)
            ]
        return (torch.cat(outputs),)


class PixelCodec:
    """The latents are the image."""

    def decode(self, latents: Tensor, poll: Poll = no_poll) -> Decoded:
        return Decoded(tuple(to_pixels(one.expand(3, -1, -1)) for one in latents))
