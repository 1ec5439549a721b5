"""Stable Diffusion (Rombach et al., arXiv:2112.10752) as a loaded set: CLIP tokenizer and text
encoder, conditional UNet, VAE. Made by `engine.load`, run by `engine.generate`. Its kin that were
distilled with guidance (latent consistency models, Luo et al., arXiv:2310.04378) run here as well.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import torch
from torch import Tensor

from engine import families, schedulers
from engine.errors import EngineError, LoadError, RequestError
from engine.families import Ability, Family, TextPlan
from engine.families.distilled import UNGUIDED, habits
from engine.families.stable_diffusion import STABLE_DIFFUSION
from engine.hardware.memory import free_cache, memory_guard
from engine.hardware.transfers import uploaded
from engine.hardware.tuning import Tuner
from engine.networks import (
    AddedConditions,
    Autoencoder,
    AutoencoderTiny,
    UNet2DConditionModel,
)
from engine.networks.layers.context import Context
from engine.networks.layers.convolution import tune
from engine.networks.layers.packing import pack
from engine.networks.poll import Poll, no_poll
from engine.networks.unet.deep_layers import DeepLayers
from engine.pipelines.latent_decoder import LatentDecoder, autoencoder_in, load_autoencoder
from engine.pipelines.load_progress import LoadProgress
from engine.pipelines.pace import Pace
from engine.pipelines.pipeline import (
    Decoded,
    PreviewKind,
    Previews,
    Progress,
    Reading,
    Sizes,
    checked_class,
    filled_in,
    own_request,
    scheduler_config_of_latents,
)
from engine.pipelines.previews.latent_preview import LatentPreview
from engine.pipelines.text import (
    Conditioning,
    JointReader,
    TextReader,
    load_text_reader,
)
from engine.placement.cuda_graph import GraphedCall
from engine.placement.offload import Stage, chosen, weight_bytes
from engine.request.conditions import Conditions
from engine.request.request import Request
from engine.weights.files import Files
from engine.weights.strict import load_strictly
from engine.weights.whole import look_at_text_to_image

if TYPE_CHECKING:
    from engine.placement.compilation import Compilation

CONTEXTS = 2
"""Pairs of prompts whose keys and values are kept: 20 MB each for Stable Diffusion 1, 200 for
XL."""
SCALING = ("scaling_factor", "shift_factor")
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
        self,
        name: str,
        family: str,
        abilities: frozenset[Ability],
        text: TextReader | JointReader,
        unet: UNet2DConditionModel,
        vae: Autoencoder,
        tiny: AutoencoderTiny | None,
        scheduler_config: dict[str, Any],
        defaults: Mapping[str, Any],
        empty_is_zero: bool,
        sha256: Callable[[], str],
        device: torch.device,
        called: UNet2DConditionModel | GraphedCall,
    ):
        self.name = name
        self.family = family
        self.abilities = abilities
        self.text = text
        self.unet = unet
        self._called = called
        self.vae = vae
        self.device, self.dtype = device, unet.dtype
        self.sizes = Sizes(multiple=vae.factor, minimum=vae.factor, maximum=8192)
        distilled = habits(name, scheduler_config, unet.embeds_guidance)
        self.scheduler_config = {
            **scheduler_config_of_latents(scheduler_config),
            **distilled.scheduler_config,
        }
        side = unet.sample_size * vae.factor
        own = schedulers.name_of(scheduler_config.get("_class_name", ""))
        self.default_request = own_request(
            {"width": side, "height": side, "scheduler": own},
            self.FAMILY.request,
            distilled.request,
            defaults,
        )
        self.checkpoint_sha256 = cache(sha256)
        self.pace = Pace()
        self._empty_is_zero = empty_is_zero
        self._decoder = LatentDecoder(vae, self.dtype, self.device, self.pace)
        self._preview = LatentPreview(name, vae, self._decoder.decode, self.pace, self.device, tiny)
        self._contexts: deque[tuple[tuple[Conditioning, ...], Context]] = deque(maxlen=CONTEXTS)
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
        tuner = tuner or Tuner()
        vae_files = vae or files
        plan = cls.FAMILY.text
        assert plan is not None
        look_at_text_to_image(files, plan.encoders, vae)
        scheduler_config = files.config("scheduler")
        unet_config = files.config("unet")
        loading = LoadProgress(progress)
        for encoder, _ in plan.encoders:
            loading.plan("text encoder", files, encoder)
        loading.plan("UNet", files, "unet")
        loading.plan("VAE", vae_files, autoencoder_in(vae_files))
        if tiny is not None:
            loading.plan("tiny autoencoder", tiny, autoencoder_in(tiny))
        vae_tensors = vae_files.tensors(autoencoder_in(vae_files))
        texts = [files.tensors(encoder) for encoder, _ in plan.encoders]
        where = chosen(
            placement,
            device,
            text=sum(weight_bytes(text, dtype) for text in texts),
            unet=weight_bytes(files.tensors("unet"), dtype),
            vae=weight_bytes(vae_tensors, dtype),
        )
        stage = Stage(device, where)
        with memory_guard(device, "loading"):
            readers = [
                load_text_reader(files, *names, plan, stage, dtype, loading.begin())
                for names in plan.encoders
            ]
            unet = load_strictly(
                lambda: UNet2DConditionModel(unet_config),
                files.tensors("unet"),
                stage.home,
                dtype,
                loading.begin(),
            )
            tune(unet, device, tuner)
            pack(unet, device, dtype)
            stage.seat("unet", unet)
            own = load_autoencoder(
                vae_files,
                cls._usual_vae(files),
                cls.FAMILY.vae_overflows,
                stage,
                dtype,
                loading.begin(),
                tuner,
            )
            previewer = None
            if tiny is not None:
                previewer = load_autoencoder(tiny, {}, False, stage, dtype, loading.begin(), tuner)
                previewer = _fitting(tiny, previewer, own)
        text = readers[0] if len(readers) == 1 else JointReader(readers)
        loading.end()
        return cls(
            name=files.name,
            family=families.known_as(cls.FAMILY, unet_config).name,
            abilities=families.abilities_of(cls.FAMILY, unet_config),
            text=text,
            unet=unet,
            vae=own,
            tiny=previewer,
            scheduler_config=scheduler_config,
            defaults=files.defaults,
            empty_is_zero={**cls.FAMILY.index, **files.index}.get(EMPTY_IS_ZERO, False),
            sha256=lambda: _sha256(plan, files, vae),
            device=device,
            called=stage.quickened(unet, cuda_graph),
        )

    @classmethod
    def _usual_vae(cls, files: Files) -> dict[str, Any]:
        """How the latents of this very model are scaled: a VAE by itself may not tell."""
        own = files.config("vae") if files.has("vae") else {}
        return {**cls.FAMILY.vae, **{key: own[key] for key in SCALING if key in own}}

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

    def read(self, prompt: str) -> Reading:
        return self.text.read(prompt)

    def encode(
        self, now: Conditions, class_label: int | None = None
    ) -> tuple[Conditioning, Conditioning | None]:
        told = self.text.encode(now.request.prompt, now.request.clip_skip)
        if self.unet.embeds_guidance:  # it draws what guidance would have made, in one go
            scale = now.guidance_scale if now.guided else UNGUIDED
            return replace(told, guidance_scale=scale), None
        if not now.guided:
            return told, None
        if self._empty_is_zero and now.request.negative_prompt == "":
            return told, told.zeroed()
        return told, self.text.encode(now.request.negative_prompt, now.request.clip_skip)

    def predict(
        self,
        model_input: Tensor,
        timestep: float,
        conditional: Conditioning,
        unconditional: Conditioning | None,
        poll: Poll = no_poll,
        layers: DeepLayers | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        # One call an image, on the doubled batch: so an image is the same, bit for bit, alone and
        # among others (a larger batch rounds differently), and memory does not grow with the count.
        halves = (conditional,) if unconditional is None else (unconditional, conditional)
        context = self._context(halves)
        added = self._added(halves, model_input)
        call, text = self._called, context
        if layers is not None:
            call = self.unet  # what is recorded has no deep layers to take or leave
        elif isinstance(call, GraphedCall):
            text = context.text  # a recording knows tensors only
        with memory_guard(self.device, "a UNet call"):
            outputs = [
                call(
                    image.to(self.dtype),
                    timestep,
                    text,
                    added,
                    poll,
                    guidance_scale=conditional.guidance_scale,
                    layers=layers,
                ).float()
                for image in model_input.split(1)
            ]
        if unconditional is None:
            return torch.cat(outputs), None
        pairs = [output.chunk(2) for output in outputs]
        return torch.cat([pair[1] for pair in pairs]), torch.cat([pair[0] for pair in pairs])

    def _context(self, halves: tuple[Conditioning, ...]) -> Context:
        """The texts as the UNet read them before, where it did lately."""
        for known, context in self._contexts:
            if known == halves:  # the same ones: they compare by identity
                return context
        context = Context(torch.cat([half.hidden for half in halves]))
        self._contexts.appendleft((halves, context))
        return context

    def _added(
        self, halves: tuple[Conditioning, ...], model_input: Tensor
    ) -> AddedConditions | None:
        """The pooled text, and the sizes of a picture that was neither scaled nor cropped."""
        pooled = [half.pooled for half in halves if half.pooled is not None]
        if self.unet.pooled_dim is None or not pooled:
            return None
        height, width = (side * self.vae.factor for side in model_input.shape[-2:])
        sizes = uploaded(torch.tensor([[height, width, 0, 0, height, width]]), self.device)
        return AddedConditions(torch.cat(pooled), sizes.expand(len(pooled), -1))

    def decode(self, latents: Tensor, poll: Poll = no_poll) -> Decoded:
        decoded = self._decoder.decode(latents, poll)
        self._preview.learn(latents, decoded.pictures)
        return decoded

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
            del self.text, self.unet, self._called, self.vae
            del self._decoder, self._preview, self._contexts
            free_cache(self.device)

    def _check_open(self) -> None:
        if not self._open:
            raise EngineError(f"The model {self.name} has been closed. Load it again.")


def _fitting(files: Files, tiny: Autoencoder, vae: Autoencoder) -> AutoencoderTiny:
    """The tiny autoencoder. Raises LoadError if it is none, or one of other latents."""
    if not isinstance(tiny, AutoencoderTiny):
        raise LoadError(f"{files.path} is no tiny autoencoder. Take one, such as TAESD.")
    if (tiny.latent_channels, tiny.factor) != (vae.latent_channels, vae.factor):
        raise LoadError(
            f"{files.path} decodes {tiny.latent_channels} channels at a factor of {tiny.factor} "
            f"but the model has {vae.latent_channels} at {vae.factor}. Take the tiny autoencoder "
            "that was made for this kind of model."
        )
    return tiny


def _sha256(plan: TextPlan, files: Files, vae: Files | None) -> str:
    """With another VAE it is another model, since it makes other images."""
    parts = (*(encoder for encoder, _ in plan.encoders), "unet")
    if vae is None:
        return files.sha256((*parts, "vae"))
    both = f"{files.sha256(parts)}\n{vae.sha256((autoencoder_in(vae),))}"
    return hashlib.sha256(both.encode()).hexdigest()
