"""LatentPreview: small pictures of an autoencoder's latents at a known cost. Held by the pipelines
that have one; asked through `engine.preview`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from engine.courier import fetched, uploaded
from engine.errors import EngineError
from engine.images import Pixels, from_pixels, to_pixels
from engine.networks import AutoencoderTiny
from engine.pipelines.base import Decoded, Pace, PreviewKind
from engine.pipelines.latent_decoder import unscaled

BUDGET = 0.05
"""The share of a step that "auto" may spend on its preview."""
UNNOTICED = 0.1
"""Seconds that "auto" may spend whatever a step takes: ten pictures a second still feel live."""
DOUBTED = 4
"""A decode that cost no more than so many times the budget may have met a busy moment: each time
that it is passed over it is thought a little cheaper, until it is tried again."""
PROBE = 16
"""Side of the latents whose decode is timed before the first choice."""
WARM = 2
"""How often that is done: the first one warms up, the second is what counts."""


class LatentPreview:
    """channels: of the latents. decode: all that the model's own decode does. pace: where the cost
    of a step and of a decode are noted. tiny: a tiny autoencoder on `device`, if there is one."""

    def __init__(
        self,
        name: str,
        channels: int,
        decode: Callable[[Tensor], Decoded],
        pace: Pace,
        device: torch.device,
        tiny: AutoencoderTiny | None = None,
    ) -> None:
        self._name = name
        self._channels = channels
        self._decode = decode
        self._pace = pace
        self._device = device
        self._tiny = tiny

    def pictures(self, latents: Tensor, kind: PreviewKind) -> tuple[Pixels, ...]:
        """One picture for each of the latents (B, C, h, w). Raises EngineError for "tiny" where
        there is none."""
        if kind == "auto":
            kind = self._best(latents)
        if kind == "vae":
            return self._decode(latents).pictures
        if kind == "linear":
            return tuple(self._linear(one) for one in fetched(latents.float()))
        if self._tiny is None:
            raise EngineError(f"{self._name} has no tiny autoencoder. Take vae, linear or auto.")
        return self._tinily(latents, self._tiny)

    def _best(self, latents: Tensor) -> PreviewKind:
        probe = latents[:1, :, :PROBE, :PROBE]
        if not self._pace.decode_per_element:
            for _ in range(WARM):
                self._decode(probe)
        if self._is_affordable(self._pace.decode_per_element, latents):
            return "vae"
        if self._is_affordable(self._pace.decode_per_element / DOUBTED, latents):
            self._pace.decode_per_element *= 0.8
        if self._tiny is None:
            return "linear"
        if not self._pace.tiny_per_element:
            for _ in range(WARM):
                self._tinily(probe, self._tiny)
        return "tiny" if self._is_affordable(self._pace.tiny_per_element, latents) else "linear"

    def _is_affordable(self, per_element: float, latents: Tensor) -> bool:
        return per_element * latents.numel() <= max(BUDGET * self._pace.evaluation, UNNOTICED)

    def _tinily(self, latents: Tensor, tiny: AutoencoderTiny) -> tuple[Pixels, ...]:
        pictures = []
        for one in unscaled(uploaded(latents, self._device), tiny).to(tiny.dtype).split(1):
            started = time.perf_counter()
            pictures.append(to_pixels(tiny.decode(one)[0]))
            self._pace.note_tiny((time.perf_counter() - started) / one.numel())
        return tuple(pictures)

    def _linear(self, latents: Tensor) -> Pixels:
        weight, bias = self._linear_map
        rgb = torch.einsum("chw,cr->rhw", latents, weight) + bias[:, None, None]
        return to_pixels(rgb)

    @cached_property
    def _linear_map(self) -> tuple[Tensor, Tensor]:
        """Least squares from a latent (C) to the mean colour (3) of the pixels that it becomes:
        weight (C, 3) and bias (3), fitted on decoded clouds of noise at several sizes of blob."""
        generator = torch.Generator().manual_seed(0)
        side, rows, colours = 16, [], []
        for blob in (2, 4, 8, 16):
            shape = (1, self._channels, side // blob, side // blob)
            coarse = torch.randn(shape, generator=generator)
            latents = torch.nn.functional.interpolate(coarse * 1.2, (side, side), mode="bicubic")
            picture = from_pixels(self._decode(latents).pictures[0])
            rows.append(latents[0].flatten(1).T)
            small = torch.nn.functional.adaptive_avg_pool2d(picture, (side, side))
            colours.append(small.flatten(1).T)
        design = torch.cat([torch.cat(rows), torch.ones(len(rows) * side * side, 1)], dim=1)
        solution = np.linalg.lstsq(design.double().numpy(), torch.cat(colours).double().numpy())[0]
        fitted = torch.from_numpy(solution).float()
        return fitted[:-1], fitted[-1]
