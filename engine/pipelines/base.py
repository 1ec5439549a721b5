"""What `engine.generate` asks of a pipeline, whatever its family: the contract, the sizes that it
takes, and what a decode gives back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

import torch
from torch import Tensor

from engine.errors import RequestError
from engine.images import Pixels
from engine.networks.poll import Poll, no_poll
from engine.request import Request

PreviewKind = Literal["auto", "vae", "tiny", "linear"]


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


@dataclass
class Pace:
    """Seconds that the last evaluation and the last decode of one image took; 0 until measured."""

    evaluation: float = 0.0
    decode_per_element: float = 0.0

    def note_decode(self, per_element: float) -> None:
        """A single slow decode, on a machine that is busy for a moment, counts for little: or the
        previews of a run would be of one kind and of another."""
        known = self.decode_per_element
        self.decode_per_element = min(per_element, 1.25 * known) if known else per_element


class Pipeline(Protocol):
    """A loaded set of networks with what is needed to run them.

    name: for people; family: "stable-diffusion" or "ddpm"; takes_prompt: whether it reads a prompt,
    and so can be guided; classes: how many it can be asked for, 0 if there are none;
    scheduler_config: the content of scheduler_config.json; default_request: what the model does
    best.
    """

    name: str
    family: str
    takes_prompt: bool
    classes: int
    device: torch.device
    dtype: torch.dtype
    sizes: Sizes
    default_request: Request
    scheduler_config: dict[str, Any]
    pace: Pace

    def resolve(self, request: Request) -> Request:
        """The request with this pipeline's own values for None. Raises RequestError."""
        ...

    def latent_shape(self, request: Request) -> tuple[int, int, int]:
        """(C, h, w) of one image's latents for a resolved request."""
        ...

    def read(self, prompt: str) -> Reading:
        """How the prompt is read; cheap."""
        ...

    def encode(self, prompt: str, class_label: int | None = None) -> Tensor:
        """What `predict` is told of them: the prompt's hidden states (1, N, D), or the class (1,),
        or nothing (0,)."""
        ...

    def predict(
        self,
        model_input: Tensor,
        timestep: float,
        conditional: Tensor,
        unconditional: Tensor | None,
        poll: Poll = no_poll,
    ) -> tuple[Tensor, Tensor | None]:
        """One model evaluation of (B, C, h, w) under both conditions, which `encode` made: the
        conditional and the unconditional prediction, float32 on the pipeline's device."""
        ...

    def decode(self, latents: Tensor, poll: Poll = no_poll) -> Decoded:
        """Latents (B, C, h, w), scaled as the network sees them, to pictures."""
        ...

    def preview(self, latents: Tensor, kind: PreviewKind) -> tuple[Pixels, ...]:
        """A small picture of each of the latents (B, C, h, w), as `engine.preview` describes the
        kinds. Raises EngineError for a kind that this pipeline lacks."""
        ...

    def checkpoint_sha256(self) -> str:
        """What the weights are, for the record. Computed once."""
        ...

    def close(self) -> None:
        """Let go of the networks and their memory."""
        ...


def filled_in(request: Request, pipeline: Pipeline) -> Request:
    """The request with the pipeline's own size and scheduler for None. Raises RequestError for a
    size that it cannot make."""
    default = pipeline.default_request
    width = default.width if request.width is None else request.width
    height = default.height if request.height is None else request.height
    assert width is not None and height is not None
    pipeline.sizes.check("width", width)
    pipeline.sizes.check("height", height)
    scheduler = request.scheduler or default.scheduler
    return replace(request, width=width, height=height, scheduler=scheduler)


def checked_class(request: Request, pipeline: Pipeline) -> int | None:
    """The class that the request asks for, or the pipeline's own. Raises RequestError for one that
    is not there."""
    label = request.class_label
    if label is None:
        return pipeline.default_request.class_label
    if not pipeline.classes:
        raise RequestError(
            "class_label",
            f"{label} means nothing to {pipeline.name}: it has no classes. Leave it out.",
        )
    if label >= pipeline.classes:
        raise RequestError(
            "class_label",
            f"{label} is not a class of {pipeline.name}, which has 0 to {pipeline.classes - 1}.",
        )
    return label
