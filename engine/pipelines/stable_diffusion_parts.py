"""The networks of a Stable Diffusion model, from its files to where they rest. Called by
`StableDiffusion.from_files`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import torch

from engine.errors import LoadError
from engine.families import Family, TextPlan
from engine.hardware.memory import memory_guard
from engine.hardware.tuning import Tuner
from engine.networks import Autoencoder, AutoencoderTiny, UNet2DConditionModel
from engine.networks.layers.convolution import tune
from engine.networks.layers.packing import pack
from engine.pipelines.latent_decoder import autoencoder_in, load_autoencoder
from engine.pipelines.load_progress import LoadProgress
from engine.pipelines.pipeline import Progress
from engine.pipelines.text import JointReader, TextReader, load_text_reader
from engine.placement.cuda_graph import GraphedCall
from engine.placement.offload import Placement, Stage, chosen, weight_bytes
from engine.weights.files import Files
from engine.weights.strict import load_strictly
from engine.weights.whole import look_at_text_to_image

SCALING = ("scaling_factor", "shift_factor")


@dataclass(frozen=True, eq=False)
class Parts:
    """called: the UNet, or what is called in its place. tiny: makes the previews. unet_config,
    scheduler_config: the contents of their files."""

    text: TextReader | JointReader
    unet: UNet2DConditionModel
    called: UNet2DConditionModel | GraphedCall
    vae: Autoencoder
    tiny: AutoencoderTiny | None
    unet_config: dict[str, Any]
    scheduler_config: dict[str, Any]


class Loader:
    """Loads the parts of one model, one after the other. vae: takes the place of the model's own.
    tiny: makes the previews. placement: see `engine.load`."""

    def __init__(
        self,
        family: Family,
        files: Files,
        vae: Files | None,
        tiny: Files | None,
        device: torch.device,
        dtype: torch.dtype,
        progress: Progress | None,
        tuner: Tuner,
        placement: str,
    ) -> None:
        assert family.text is not None
        self._family, self._plan = family, family.text
        self._files, self._vae_files, self._tiny_files = files, vae or files, tiny
        self._device, self._dtype = device, dtype
        self._tuner = tuner
        look_at_text_to_image(files, self._plan.encoders, vae)
        self._scheduler_config = files.config("scheduler")
        self._unet_config = files.config("unet")
        self._loading = self._planned(progress)
        self._stage = Stage(device, self._placed(placement))

    def parts(self, cuda_graph: bool) -> Parts:
        """All of them; see `engine.load` for the errors."""
        with memory_guard(self._device, "loading"):
            text = self._text()
            unet = self._unet()
            vae = self._vae()
            tiny = None if self._tiny_files is None else self._tiny(self._tiny_files, vae)
        self._loading.end()
        return Parts(
            text=text,
            unet=unet,
            called=self._stage.quickened(unet, cuda_graph),
            vae=vae,
            tiny=tiny,
            unet_config=self._unet_config,
            scheduler_config=self._scheduler_config,
        )

    def _planned(self, progress: Progress | None) -> LoadProgress:
        loading = LoadProgress(progress)
        for encoder, _ in self._plan.encoders:
            loading.plan("text encoder", self._files, encoder)
        loading.plan("UNet", self._files, "unet")
        loading.plan("VAE", self._vae_files, autoencoder_in(self._vae_files))
        if self._tiny_files is not None:
            loading.plan("tiny autoencoder", self._tiny_files, autoencoder_in(self._tiny_files))
        return loading

    def _placed(self, placement: str) -> Placement:
        files, vae = self._files, self._vae_files
        texts = [files.tensors(encoder) for encoder, _ in self._plan.encoders]
        return chosen(
            placement,
            self._device,
            text=sum(weight_bytes(text, self._dtype) for text in texts),
            unet=weight_bytes(files.tensors("unet"), self._dtype),
            vae=weight_bytes(vae.tensors(autoencoder_in(vae)), self._dtype),
        )

    def _text(self) -> TextReader | JointReader:
        readers = [
            load_text_reader(
                *(self._files, *names, self._plan, self._stage, self._dtype),
                self._loading.begin(),
            )
            for names in self._plan.encoders
        ]
        return readers[0] if len(readers) == 1 else JointReader(readers)

    def _unet(self) -> UNet2DConditionModel:
        unet = load_strictly(
            lambda: UNet2DConditionModel(self._unet_config),
            self._files.tensors("unet"),
            self._stage.home,
            self._dtype,
            self._loading.begin(),
        )
        tune(unet, self._device, self._tuner)
        pack(unet, self._device, self._dtype)
        self._stage.seat("unet", unet)
        return unet

    def _vae(self) -> Autoencoder:
        return load_autoencoder(
            self._vae_files,
            self._usual_vae(),
            self._family.vae_overflows,
            self._stage,
            self._dtype,
            self._loading.begin(),
            self._tuner,
        )

    def _usual_vae(self) -> dict[str, Any]:
        """How the latents of this very model are scaled: a VAE by itself may not tell."""
        own = self._files.config("vae") if self._files.has("vae") else {}
        return {**self._family.vae, **{key: own[key] for key in SCALING if key in own}}

    def _tiny(self, files: Files, vae: Autoencoder) -> AutoencoderTiny:
        """Raises LoadError if it is none, or one of other latents."""
        tiny = load_autoencoder(
            files, {}, False, self._stage, self._dtype, self._loading.begin(), self._tuner
        )
        if not isinstance(tiny, AutoencoderTiny):
            raise LoadError(f"{files.path} is no tiny autoencoder. Take one, such as TAESD.")
        if (tiny.latent_channels, tiny.factor) != (vae.latent_channels, vae.factor):
            raise LoadError(
                f"{files.path} decodes {tiny.latent_channels} channels at a factor of "
                f"{tiny.factor} but the model has {vae.latent_channels} at {vae.factor}. Take the "
                "tiny autoencoder that was made for this kind of model."
            )
        return tiny


def sha256_of(plan: TextPlan, files: Files, vae: Files | None) -> str:
    """Of all weights. With another VAE it is another model, since it makes other images."""
    parts = (*(encoder for encoder, _ in plan.encoders), "unet")
    if vae is None:
        return files.sha256((*parts, "vae"))
    both = f"{files.sha256(parts)}\n{vae.sha256((autoencoder_in(vae),))}"
    return hashlib.sha256(both.encode()).hexdigest()
