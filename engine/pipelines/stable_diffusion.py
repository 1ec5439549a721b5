"""Stable Diffusion (Rombach et al., arXiv:2112.10752) as a loaded set: CLIP tokenizer and text
encoder, conditional UNet, VAE. Made by `engine.load`, run by `engine.generate`. Its kin that were
distilled with guidance (latent consistency models, Luo et al., arXiv:2310.04378) run here as well.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import torch
from torch import Tensor

from engine import families, schedulers
from engine.errors import EngineError, RequestError
from engine.families import Ability, Family
from engine.families.distilled import habits
from engine.families.stable_diffusion import STABLE_DIFFUSION
from engine.hardware.memory import free_cache
from engine.hardware.tuning import Tuner
from engine.networks.poll import Poll, no_poll
from engine.pipelines.latent_decoder import LatentDecoder
from engine.pipelines.pace import Pace
from engine.pipelines.pipeline import (
    Codec,
    Conditioner,
    Decoded,
    Denoiser,
    PreviewKind,
    Previews,
    Progress,
    Sizes,
    checked_class,
    filled_in,
    own_request,
    scheduler_config_of_latents,
)
from engine.pipelines.previews.latent_preview import LatentPreview
from engine.pipelines.stable_diffusion_parts import Loader, Parts, sha256_of
from engine.pipelines.text_conditioner import TextConditioner
from engine.pipelines.unet_denoiser import UNetDenoiser
from engine.request.request import Request
from engine.weights.files import Files

if TYPE_CHECKING:
    from engine.placement.compilation import Compilation

EMPTY_IS_ZERO = "force_zeros_for_empty_prompt"
"""What model_index.json says where no negative prompt is told by zeros, not by the hidden states of
an empty text."""


class StableDiffusion:
    """FAMILY: what differs from family to family. A UNet with `Ability.MASK` also wants to see what
    it is to paint into, so nothing can be made with it yet.
    """

    FAMILY: ClassVar[Family] = STABLE_DIFFUSION

    class_count = 0
    guessed_prediction = False
    compilation: Compilation | None = None

    def __init__(
        self, files: Files, parts: Parts, device: torch.device, sha256: Callable[[], str]
    ) -> None:
        self.name = files.name
        self.family = families.known_as(self.FAMILY, parts.unet_config).name
        self.abilities = families.abilities_of(self.FAMILY, parts.unet_config)
        self.text, self.unet, self.vae = parts.text, parts.unet, parts.vae
        unet, vae = self.unet, self.vae
        self.device, self.dtype = device, unet.dtype
        self.sizes = Sizes(multiple=vae.factor, minimum=vae.factor, maximum=8192)
        config = parts.scheduler_config
        distilled = habits(self.name, config, unet.embeds_guidance)
        self.scheduler_config = {
            **scheduler_config_of_latents(config),
            **distilled.scheduler_config,
        }
        side = unet.sample_size * vae.factor
        own = schedulers.name_of(config.get("_class_name", ""))
        self.default_request = own_request(
            {"width": side, "height": side, "scheduler": own},
            self.FAMILY.request,
            distilled.request,
            files.defaults,
        )
        self.checkpoint_sha256 = cache(sha256)
        self.pace = Pace()
        empty_is_zero = {**self.FAMILY.index, **files.index}.get(EMPTY_IS_ZERO, False)
        self.conditioner: Conditioner = TextConditioner(
            self.text, unet.embeds_guidance, empty_is_zero
        )
        self.denoiser: Denoiser = UNetDenoiser(unet, parts.called, vae.factor, device)
        self._decoder = LatentDecoder(vae, self.dtype, device, self.pace)
        self._preview = LatentPreview(
            self.name, vae, self._decoder.decode, self.pace, device, parts.tiny
        )
        self.codec: Codec = TeachingCodec(self._decoder, self._preview)
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
    ) -> Self:
        """Load every component, one after the other; see `engine.load` for the errors. vae: takes
        the place of the model's own. tiny: makes the previews. tuner: see `engine.hardware.tuning`.
        placement, cuda_graph: see `engine.load`."""
        plan = cls.FAMILY.text
        assert plan is not None
        loader = Loader(
            *(cls.FAMILY, files, vae, tiny, device, dtype, progress, tuner or Tuner()), placement
        )
        return cls(files, loader.parts(cuda_graph), device, lambda: sha256_of(plan, files, vae))

    def resolve(self, request: Request) -> Request:
        self._check_open()
        if Ability.MASK in self.abilities:
            raise EngineError(
                f"{self.name} is an inpainting model, which paints into a picture; Safelight "
                "cannot do that yet. Choose another model."
            )
        checked_class(request, self)
        self._check_clip_skip(request)
        return filled_in(request, self)

    def _check_clip_skip(self, request: Request) -> None:
        edits = (edit.value for edit in request.edits if edit.field == "clip_skip")
        for clip_skip in (request.clip_skip, *edits):
            if clip_skip > self.text.layers:
                raise RequestError(
                    "clip_skip",
                    f"{clip_skip} is more than the {self.text.layers} layers that the text encoder "
                    f"of {self.name} has.",
                )

    def latent_shape(self, request: Request) -> tuple[int, int, int]:
        assert request.width is not None and request.height is not None
        factor = self.vae.factor
        return (self.vae.latent_channels, request.height // factor, request.width // factor)

    def preview(
        self,
        latents: Tensor,
        kind: PreviewKind,
        seconds: float | None = None,
        poll: Poll = no_poll,
    ) -> Previews:
        return self._preview.pictures(latents, kind, seconds, poll)

    def keep_previews(self, folder: Path) -> None:
        self._preview.keep(folder)

    def close(self) -> None:
        if self._open:
            self._open = False
            del self.text, self.unet, self.vae
            del self.conditioner, self.denoiser, self.codec, self._decoder, self._preview
            free_cache(self.device)

    def _check_open(self) -> None:
        if not self._open:
            raise EngineError(f"The model {self.name} has been closed. Load it again.")


class TeachingCodec:
    """The decoder, from whose pictures the previews learn."""

    def __init__(self, decoder: LatentDecoder, preview: LatentPreview) -> None:
        self._decoder = decoder
        self._preview = preview

    def decode(self, latents: Tensor, poll: Poll = no_poll) -> Decoded:
        decoded = self._decoder.decode(latents, poll)
        self._preview.learn(latents, decoded.pictures)
        return decoded
