"""Latents to a small picture while a run is under way. Called by the window, most of them beside
the run, and by `render --save-steps`, between two steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import torch
from torch import Tensor

from engine.errors import EngineError
from engine.images import Pixels, grid
from engine.networks.poll import Poll, no_poll
from engine.pipelines.pipeline import MadeKind, Pipeline, PreviewKind


@dataclass(frozen=True, eq=False)
class Preview:
    """pixels: uint8 (H, W, 3); kind: how they were made: "vae", "tiny" or "linear", or "image"
    where the latents are the image."""

    pixels: Pixels
    kind: MadeKind


def preview(pipeline: Pipeline, latents: Tensor, kind: PreviewKind = "auto") -> Pixels:
    """uint8 (H, W, 3) from latents (C, h, w) or (B, C, h, w), scaled as the network sees them; a
    batch becomes one near-square grid.

    kind: "vae" decodes in full; "tiny" takes the model's tiny autoencoder; "linear" maps each
    latent to one pixel, so its picture is (h, w). "auto" takes the VAE, the tiny autoencoder, if
    there is one, or the linear map: the first whose measured cost the previews of the run under way
    can afford, which together take 5 % of the time of its evaluations. Where a full picture costs
    more than that, some steps of the run have one and the others are linear. While there is no run,
    it may take 0.1 s. Where the latents are the image, each of them is that image.

    Raises EngineError for another kind, or "tiny" where the model has none.
    """
    return previewed(pipeline, latents, kind).pixels


@torch.no_grad()
def previewed(
    pipeline: Pipeline,
    latents: Tensor,
    kind: PreviewKind = "auto",
    seconds: float | None = None,
    poll: Poll = no_poll,
) -> Preview:
    """As `preview`, with how it was made. seconds: what "auto" may take, whatever the budget of the
    run says: for one that is paused. poll: called often while the VAE decodes, to give up by what
    it raises."""
    if kind not in get_args(PreviewKind):
        raise EngineError(f"There is no preview {kind!r}. Take auto, vae, tiny or linear.")
    batch = latents if latents.ndim == 4 else latents[None]
    made = pipeline.preview(batch, kind, seconds, poll)
    return Preview(grid(made.pictures), made.kind)


@torch.no_grad()
def keep_previews(pipeline: Pipeline, folder: Path) -> None:
    """Let the linear previews of this pipeline be as good as its VAE has taught them to be: what is
    known of that VAE is read from the folder, and what is learned from the pictures of its runs is
    written there. Decodes one picture of 16 by 16 latents, so that the first preview need not.

    A folder that cannot be read or written is passed over. Raises OutOfMemory.
    """
    pipeline.keep_previews(folder)
