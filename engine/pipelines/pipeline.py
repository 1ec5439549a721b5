"""What `engine.generate` asks of a pipeline, whatever its family: the contract, the sizes that it
takes, and what a decode gives back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import torch
from torch import Tensor

from engine.errors import RequestError
from engine.families.family import Ability
from engine.images import Pixels
from engine.networks.poll import Poll, no_poll
from engine.networks.unet.deep_layers import DeepLayers
from engine.pipelines.pace import Pace
from engine.request.conditions import Conditions
from engine.request.request import SETTINGS, Request
from engine.schedulers.options import said

if TYPE_CHECKING:
    from engine.placement.compilation import Compilation

PreviewKind = Literal["auto", "vae", "tiny", "linear"]
MadeKind = Literal["vae", "tiny", "linear", "image"]
Progress = Callable[[float, str], None]
"""Called with a fraction from 0 to 1 and what is being loaded."""


@dataclass(frozen=True)
class Sizes:
    """What width and height may be, in pixels: multiples of `multiple` from minimum to maximum."""

    multiple: int
    minimum: int
    maximum: int

    def check(self, field: str, value: int) -> None:
        """Raise RequestError that names the nearest allowed values."""
        if value % self.multiple == 0 and self.minimum <= value <= self.maximum:
            return
        below = min(max(value // self.multiple * self.multiple, self.minimum), self.maximum)
        above = min(max(below + self.multiple, self.minimum), self.maximum)
        nearest = f"{below} or {above}" if below < value < above else f"{below}"
        raise RequestError(
            field,
            f"{value} is not a multiple of {self.multiple} from {self.minimum} to {self.maximum} "
            f"pixels. Nearest: {nearest}.",
        )


@dataclass(frozen=True)
class Reading:
    """A prompt as the tokenizer reads it. token_count counts all its tokens, without start and end;
    token_limit is how many the text encoder takes; truncated is the text behind them."""

    token_count: int
    token_limit: int
    truncated: str


@dataclass(frozen=True)
class Decoded:
    """Finished pixels (one array an image), and what had to be done differently, for the record."""

    pictures: tuple[Pixels, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Previews:
    """Small pictures (one array an image), and how they were made; "image" where the latents are
    the image."""

    pictures: tuple[Pixels, ...]
    kind: MadeKind


class Half(Enum):
    """What a prediction is made under, in the order that a batch of several has."""

    UNCONDITIONAL = "the negative prompt"
    CONDITIONAL = "the prompt"


@dataclass(frozen=True, eq=False)
class Call:
    """What goes with one evaluation of a denoiser. poll: called often; raises to abandon it.
    layers: for one image, what is taken over from an evaluation before or left to the next; None
    for neither."""

    poll: Poll = no_poll
    layers: DeepLayers | None = None


class Conditioner(Protocol):
    """Makes of a request's words, or its class, what a network is told."""

    def read(self, prompt: str) -> Reading:
        """How the prompt is read; cheap."""
        ...

    def encode(self, now: Conditions, halves: tuple[Half, ...]) -> tuple[Any, ...]:
        """The conditioning of each half, in their order, for the denoiser of the same pipeline;
        what it holds is their own affair."""
        ...


class Denoiser(Protocol):
    """A UNet or a transformer, with whatever it wants its input packed in."""

    def __call__(
        self, x: Tensor, t: float, conditioning: tuple[Any, ...], call: Call
    ) -> tuple[Tensor, ...]:
        """One evaluation of x (B, C, h, w) at timestep t: a prediction (B, C, h, w) for each of the
        conditionings that the conditioner made, float32 on the pipeline's device. All of them are
        given at once, since they share work."""
        ...


class Codec(Protocol):
    """Between latents and pictures."""

    def decode(self, latents: Tensor, poll: Poll = no_poll) -> Decoded:
        """Latents (B, C, h, w), scaled as the network sees them, to pictures. Raises
        OutOfMemory."""
        ...


class Pipeline(Protocol):
    """A loaded set of networks with what is needed to run them.

    name: for people; family: the name of one of `engine.families`; abilities: what it can be asked
    for; class_count: how many classes it can be asked for, 0 if there are none; scheduler_config:
    the content of scheduler_config.json, as this pipeline means it; default_request: what the model
    does best, with nothing left open that `resolve` fills in; compilation: of its UNet, if that was
    asked for.
    """

    name: str
    family: str
    abilities: frozenset[Ability]
    class_count: int
    guessed_prediction: bool
    compilation: Compilation | None
    device: torch.device
    dtype: torch.dtype
    sizes: Sizes
    default_request: Request
    scheduler_config: dict[str, Any]
    pace: Pace
    conditioner: Conditioner
    denoiser: Denoiser
    codec: Codec

    def resolve(self, request: Request) -> Request:
        """The request with this pipeline's own values for None. Raises RequestError."""
        ...

    def latent_shape(self, request: Request) -> tuple[int, int, int]:
        """(C, h, w) of one image's latents for a resolved request."""
        ...

    def preview(
        self, latents: Tensor, kind: PreviewKind, seconds: float | None, poll: Poll
    ) -> Previews:
        """A small picture of each of the latents (B, C, h, w), as `engine.previewed` describes it.
        Raises EngineError for a kind that this pipeline lacks."""
        ...

    def keep_previews(self, folder: Path) -> None:
        """Take what was learned for previews from the folder, and write there what is learned; see
        `engine.keep_previews`."""
        ...

    def checkpoint_sha256(self) -> str:
        """What the weights are, for the record. Computed once."""
        ...

    def close(self) -> None:
        """Let go of the networks and their memory."""
        ...


def scheduler_config_of_latents(config: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a scheduler_config.json as a pipeline of latents means it: what a scheduler's
    class says of pixels is no default for them. Latents lie beyond -1 and 1, so nothing of them is
    cut, whatever the file says (those that diffusers writes name the class's own values), and the
    first timestep is 1 where the file leaves it open."""
    return {"steps_offset": 1, **said(config), "clip_sample": False, "thresholding": False}


def own_request(*layers: Mapping[str, Any]) -> Request:
    """A pipeline's default request: fields over fields, the last on top. None leaves what is below
    it. Raises RequestError."""
    fields: dict[str, Any] = {"guidance_rescale": 0.0}
    for layer in layers:
        fields |= {name: value for name, value in layer.items() if value is not None}
    return Request.from_dict(fields)


def filled_in(request: Request, pipeline: Pipeline) -> Request:
    """The request with the pipeline's own values for None. Raises RequestError for a size that it
    cannot make."""
    default = pipeline.default_request
    own = {
        name: getattr(default, name)
        for name, setting in SETTINGS.items()
        if setting.form.optional and getattr(request, name) in (None, "")
    }
    filled = replace(request, **own)
    assert filled.width is not None and filled.height is not None
    pipeline.sizes.check("width", filled.width)
    pipeline.sizes.check("height", filled.height)
    return filled


def checked_class(request: Request, pipeline: Pipeline) -> int | None:
    """The class that the request asks for, or the pipeline's own. Raises RequestError for one that
    is not there."""
    label = request.class_label
    if label is None:
        return pipeline.default_request.class_label
    if not pipeline.class_count:
        raise RequestError(
            "class_label",
            f"{label} means nothing to {pipeline.name}: it has no classes. Leave it out.",
        )
    if label >= pipeline.class_count:
        raise RequestError(
            "class_label",
            f"{label} is not a class of {pipeline.name}, which has 0 to "
            f"{pipeline.class_count - 1}.",
        )
    return label
