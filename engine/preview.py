"""Latents to a small picture while a run is under way. Called by the window and by
`render --save-steps`, between two steps.
"""

from __future__ import annotations

from typing import get_args

import torch
from torch import Tensor

from engine.errors import EngineError
from engine.images import Pixels, grid
from engine.pipelines.base import Pipeline, PreviewKind


@torch.no_grad()
def preview(pipeline: Pipeline, latents: Tensor, kind: PreviewKind = "auto") -> Pixels:
    """uint8 (H, W, 3) from latents (C, h, w) or (B, C, h, w), scaled as the network sees them; a
    batch becomes one near-square grid.

    kind: "vae" decodes in full; "tiny" takes the model's tiny autoencoder; "linear" maps each
    latent to one pixel, so its picture is (h, w); "auto" takes the VAE while its measured cost
    stays under 5 % of a step or 0.1 s, else the tiny autoencoder, if there is one, while its cost
    does, else the linear map. Where the latents are the image, each of them is that image, and
    costs nothing.

    Raises EngineError for another kind, or "tiny" where the model has none.
    """
    if kind not in get_args(PreviewKind):
        raise EngineError(f"There is no preview {kind!r}. Take auto, vae, tiny or linear.")
    batch = latents if latents.ndim == 4 else latents[None]
    return grid(pipeline.preview(batch, kind))
