"""Reuse: what the evaluations of an image leave to the next, so that this one costs less; and an
evaluation that makes use of it. Called by `engine.generate` for every evaluation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from engine.networks.poll import Poll
from engine.networks.unet.deep_layers import DeepLayers
from engine.pipelines.pipeline import Call, Denoiser
from engine.request.conditions import Conditions

TINY = torch.finfo(torch.float32).tiny


@dataclass(frozen=True, eq=False)
class Reused:
    """What the evaluations of one image leave to the next one.

    words: the prompts that they were made under; nothing is taken over to others.
    deep: what the deep layers of the network made last, (1 or 2, C, h, w), the unconditional half
        first; None for a network that tells nothing of it.
    direction: conditional less unconditional prediction of the last evaluation that made both,
        (1, C, h, w). change: how far it had turned since the one before, as a share of its length;
        None where there was none. alone: whether the last evaluation made one half only.
    """

    words: tuple[Any, ...]
    deep: Tensor | None = None
    direction: Tensor | None = None
    change: float | None = None
    alone: bool = False


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What one evaluation is given: the network's input x (B, C, h, w) at timestep t, what the
    conditioner made for each half that is needed, and what acts on it."""

    index: int
    x: Tensor
    t: float
    conditioning: tuple[Any, ...]
    now: Conditions
    poll: Poll


@dataclass(frozen=True, eq=False)
class Predicted:
    """The two predictions (B, C, h, w), the second None without guidance, and what is left to the
    next evaluation, for each image."""

    conditional: Tensor
    unconditional: Tensor | None
    reused: tuple[Reused, ...]


def predict(denoiser: Denoiser, given: Evaluation, reused: tuple[Reused, ...]) -> Predicted:
    """One evaluation of the denoiser, with what the conditions let it take over from those before,
    which `reused` holds for each image, () where there are none.

    feature_reuse n: the deep layers are run in every n-th evaluation of a run, and the others run
    only the layers nearest to the picture on what those made (DeepCache, Ma et al.,
    arXiv:2312.00858).

    guidance_reuse s: the unconditional half is left out where the direction from it to the
    conditional one turned by no more than the share s of its length from one evaluation that made
    both to the next; the direction is kept instead. The evaluation after that makes both again.

    Where the conditions let it take over nothing, it is the denoiser on the whole batch.
    """
    if given.now.exact:
        made = denoiser(given.x, given.t, given.conditioning, Call(given.poll))
        return Predicted(made[-1], made[0] if len(made) > 1 else None, ())
    before = reused or (None,) * len(given.x)
    made = [
        _predict_one(denoiser, replace(given, x=image), known)
        for image, known in zip(given.x.split(1), before, strict=True)
    ]
    halves = [one.unconditional for one in made if one.unconditional is not None]
    return Predicted(
        torch.cat([one.conditional for one in made]),
        torch.cat(halves) if halves else None,
        tuple(one for each in made for one in each.reused),
    )


def _predict_one(denoiser: Denoiser, given: Evaluation, known: Reused | None) -> Predicted:
    now, asked = given.now, given.now.request
    words = *now.words, asked.clip_skip
    if known is None or known.words != words or now.varied:
        known = Reused(words)
    guided = len(given.conditioning) > 1
    alone = guided and _is_steady(known, asked.guidance_reuse)
    layers = DeepLayers(known.deep if given.index % asked.feature_reuse else None)
    if layers.hidden is not None and guided and not alone and len(layers.hidden) == 1:
        layers = DeepLayers()  # there is nothing of the unconditional half to take over
    taken_over = layers.hidden is not None
    conditioning = given.conditioning[-1:] if alone else given.conditioning
    *rest, conditional = denoiser(given.x, given.t, conditioning, Call(given.poll, layers))
    unconditional = rest[0] if rest else None
    direction, change = known.direction, known.change
    if alone:
        assert direction is not None
        unconditional = conditional - direction
    elif unconditional is not None and asked.guidance_reuse:
        direction = conditional - unconditional
        change = _turned(known.direction, direction)
    deep = known.deep if taken_over else layers.hidden
    left = Reused(words, deep if asked.feature_reuse > 1 else None, direction, change, alone)
    return Predicted(conditional, unconditional, (left,))


def _is_steady(known: Reused, share: float) -> bool:
    return known.change is not None and not known.alone and known.change <= share


def _turned(former: Tensor | None, direction: Tensor) -> float | None:
    if former is None:
        return None
    return float((direction - former).norm() / former.norm().clamp_min(TINY))
