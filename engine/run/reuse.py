"""Carried: what the evaluations of an image leave to the next one, so that this one costs less; and
an evaluation that makes use of it. Called by `engine.generate` for every evaluation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from engine.networks.poll import Poll
from engine.networks.unet.deep_layers import DeepLayers
from engine.pipelines.pipeline import Pipeline
from engine.request.conditions import Conditions

TINY = torch.finfo(torch.float32).tiny


@dataclass(frozen=True, eq=False)
class Carried:
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
class Predicted:
    """The two predictions (B, C, h, w), the second None without guidance, and what is left to the
    next evaluation, for each image."""

    conditional: Tensor
    unconditional: Tensor | None
    carried: tuple[Carried, ...]


def predict(
    pipeline: Pipeline,
    now: Conditions,
    index: int,
    model_input: Tensor,
    timestep: float,
    told: Any,
    told_without: Any,
    poll: Poll,
    carried: tuple[Carried, ...],
) -> Predicted:
    """One evaluation like `pipeline.predict`, with what the conditions let it take over from the
    evaluations before, which `carried` holds for each image, () where there are none.

    feature_reuse n: the deep layers are run in every n-th evaluation of a run, and the others run
    only the layers nearest to the picture on what those made (DeepCache, Ma et al.,
    arXiv:2312.00858).

    guidance_reuse s: the unconditional half is left out where the direction from it to the
    conditional one turned by no more than the share s of its length from one evaluation that made
    both to the next; the direction is kept instead. The evaluation after that makes both again.

    Where the conditions let it take over nothing, it is `pipeline.predict` on the whole batch.
    """
    if now.exact:
        return Predicted(*pipeline.predict(model_input, timestep, told, told_without, poll), ())
    before = carried or (None,) * len(model_input)
    made = [
        _predict_one(pipeline, now, index, image, timestep, told, told_without, poll, known)
        for image, known in zip(model_input.split(1), before, strict=True)
    ]
    halves = [one.unconditional for one in made if one.unconditional is not None]
    return Predicted(
        torch.cat([one.conditional for one in made]),
        torch.cat(halves) if halves else None,
        tuple(one for each in made for one in each.carried),
    )


def _predict_one(
    pipeline: Pipeline,
    now: Conditions,
    index: int,
    image: Tensor,
    timestep: float,
    told: Any,
    told_without: Any,
    poll: Poll,
    known: Carried | None,
) -> Predicted:
    words = *now.words, now.request.clip_skip
    if known is None or known.words != words or now.varied:
        known = Carried(words)
    guided = told_without is not None
    alone = guided and _is_steady(known, now.request.guidance_reuse)
    layers = DeepLayers(known.deep if index % now.request.feature_reuse else None)
    if layers.hidden is not None and guided and not alone and len(layers.hidden) == 1:
        layers = DeepLayers()  # there is nothing of the unconditional half to take over
    taken_over = layers.hidden is not None
    conditional, unconditional = pipeline.predict(
        image, timestep, told, None if alone else told_without, poll, layers
    )
    direction, change = known.direction, known.change
    if alone:
        assert direction is not None
        unconditional = conditional - direction
    elif unconditional is not None and now.request.guidance_reuse:
        direction = conditional - unconditional
        change = _turned(known.direction, direction)
    deep = known.deep if taken_over else layers.hidden
    left = Carried(words, deep if now.request.feature_reuse > 1 else None, direction, change, alone)
    return Predicted(conditional, unconditional, (left,))


def _is_steady(known: Carried, share: float) -> bool:
    return known.change is not None and not known.alone and known.change <= share


def _turned(former: Tensor | None, direction: Tensor) -> float | None:
    if former is None:
        return None
    return float((direction - former).norm() / former.norm().clamp_min(TINY))
