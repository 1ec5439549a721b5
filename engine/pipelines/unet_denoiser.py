"""UNetDenoiser: a UNet under texts, called for one image at a time. Held by the Stable Diffusion
pipelines.
"""

from __future__ import annotations

from collections import deque

import torch
from torch import Tensor

from engine.hardware.memory import memory_guard
from engine.hardware.transfers import uploaded
from engine.networks import AddedConditions, UNet2DConditionModel
from engine.networks.layers.context import Context
from engine.pipelines.pipeline import Call
from engine.pipelines.text import Conditioning
from engine.placement.cuda_graph import GraphedCall

CONTEXTS = 2
"""Pairs of prompts whose keys and values are kept: 20 MB each for Stable Diffusion 1, 200 for
XL."""


class UNetDenoiser:
    """called: the UNet itself, or what is called in its place. factor: pixels along one side of a
    latent. device: where it works, wherever it rests."""

    def __init__(
        self,
        unet: UNet2DConditionModel,
        called: UNet2DConditionModel | GraphedCall,
        factor: int,
        device: torch.device,
    ) -> None:
        self._unet = unet
        self._called = called
        self._factor = factor
        self._device = device
        self._contexts: deque[tuple[tuple[Conditioning, ...], Context]] = deque(maxlen=CONTEXTS)

    def __call__(
        self, x: Tensor, t: float, conditioning: tuple[Conditioning, ...], call: Call
    ) -> tuple[Tensor, ...]:
        # One call an image, on the doubled batch: so an image is the same, bit for bit, alone and
        # among others (a larger batch rounds differently), and memory does not grow with the count.
        context = self._context(conditioning)
        added = self._added(conditioning, x)
        network, text = self._called, context
        if call.layers is not None:
            network = self._unet  # what is recorded has no deep layers to take or leave
        elif isinstance(network, GraphedCall):
            text = context.text  # a recording knows tensors only
        with memory_guard(self._device, "a UNet call"):
            outputs = [
                network(
                    image.to(self._unet.dtype),
                    t,
                    text,
                    added,
                    call.poll,
                    guidance_scale=conditioning[-1].guidance_scale,
                    layers=call.layers,
                ).float()
                for image in x.split(1)
            ]
        halves = zip(*(output.chunk(len(conditioning)) for output in outputs), strict=True)
        return tuple(torch.cat(half) for half in halves)

    def _context(self, conditioning: tuple[Conditioning, ...]) -> Context:
        """The texts as the UNet read them before, where it did lately."""
        for known, context in self._contexts:
            if known == conditioning:  # the same ones: they compare by identity
                return context
        context = Context(torch.cat([half.hidden for half in conditioning]))
        self._contexts.appendleft((conditioning, context))
        return context

    def _added(self, conditioning: tuple[Conditioning, ...], x: Tensor) -> AddedConditions | None:
        """The pooled text, and the sizes of a picture that was neither scaled nor cropped."""
        pooled = [half.pooled for half in conditioning if half.pooled is not None]
        if self._unet.pooled_dim is None or not pooled:
            return None
        height, width = (side * self._factor for side in x.shape[-2:])
        sizes = uploaded(torch.tensor([[height, width, 0, 0, height, width]]), self._device)
        return AddedConditions(torch.cat(pooled), sizes.expand(len(pooled), -1))
