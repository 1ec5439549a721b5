"""Latents to a small picture while a run is under way. Called by the window and by
`render --save-steps`, between two steps.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from engine.errors import EngineError
from engine.images import Pixels, from_pixels, grid, to_pixels
from engine.pipelines.base import Pipeline

Kind = Literal["auto", "vae", "tiny", "linear"]

BUDGET = 0.05
"""The share of a step that "auto" may spend on its preview."""
UNNOTICED = 0.1
"""Seconds that "auto" may spend whatever a step takes: ten pictures a second still feel live."""
PROBE = 16
"""Side of the latents whose decode is timed before the first choice."""


@torch.no_grad()
def preview(pipeline: Pipeline, latents: Tensor, kind: Kind = "auto") -> Pixels:
    """uint8 (H, W, 3) from latents (C, h, w) or (B, C, h, w), scaled as the network sees them; a
    batch becomes one near-square grid.

    kind: "vae" decodes in full; "tiny" takes the model's tiny autoencoder; "linear" maps each
    latent to one pixel, so its picture is (h, w); "auto" takes the VAE while its measured cost
    stays under 5 % of a step or 0.1 s, else the linear map.

    Raises EngineError for another kind, or "tiny" where the model has none.
    """
    batch = latents if latents.ndim == 4 else latents[None]
    if kind == "auto":
        kind = "vae" if _vae_is_affordable(pipeline, batch) else "linear"
    if kind == "vae":
        return grid(pipeline.decode(batch).pictures)
    if kind == "linear":
        return grid([_linear(pipeline, one) for one in batch.float().cpu()])
    if kind == "tiny":
        raise EngineError(f"{pipeline.name} has no tiny autoencoder. Take vae, linear or auto.")
    raise EngineError(f"There is no preview {kind!r}. Take auto, vae, tiny or linear.")


def _vae_is_affordable(pipeline: Pipeline, batch: Tensor) -> bool:
    if not pipeline.pace.decode_per_element:
        for _ in range(2):  # the first one warms up, the second is what counts
            pipeline.decode(batch[:1, :, :PROBE, :PROBE])
    cost = pipeline.pace.decode_per_element * batch.numel()
    return cost <= max(BUDGET * pipeline.pace.evaluation, UNNOTICED)


def _linear(pipeline: Pipeline, latents: Tensor) -> Pixels:
    weight, bias = _linear_map(pipeline)
    rgb = torch.einsum("chw,cr->rhw", latents, weight) + bias[:, None, None]
    return to_pixels(rgb)


@lru_cache(maxsize=2)
def _linear_map(pipeline: Pipeline) -> tuple[Tensor, Tensor]:
    """Least squares from a latent (C) to the mean colour (3) of the pixels that it becomes: weight
    (C, 3) and bias (3), fitted on decoded clouds of noise at several sizes of blob."""
    channels = pipeline.latent_shape(pipeline.default_request)[0]
    generator = torch.Generator().manual_seed(0)
    side, rows, colours = 16, [], []
    for blob in (2, 4, 8, 16):
        coarse = torch.randn(1, channels, side // blob, side // blob, generator=generator)
        latents = torch.nn.functional.interpolate(coarse * 1.2, size=(side, side), mode="bicubic")
        picture = from_pixels(pipeline.decode(latents).pictures[0])
        rows.append(latents[0].flatten(1).T)
        small = torch.nn.functional.adaptive_avg_pool2d(picture, (side, side))
        colours.append(small.flatten(1).T)
    design = torch.cat([torch.cat(rows), torch.ones(len(rows) * side * side, 1)], dim=1)
    solution = np.linalg.lstsq(design.double().numpy(), torch.cat(colours).double().numpy())[0]
    fitted = torch.from_numpy(solution).float()
    return fitted[:-1], fitted[-1]
