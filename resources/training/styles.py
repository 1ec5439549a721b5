"""A small classifier that tells 3d pictures from flat ones: a line through what a network that
knows photographs perceives of a picture. It learns from pictures as they are and as the VAE shows
them, for a flat picture with a little grain is a flat picture. Asked by `evaluate` whether a
picture has the style that was asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from resources.training import pictures
from resources.training.perceived import Features
from resources.training.pictures import Pictures
from resources.training.subjects import STYLES

BATCH = 16
STEPS = 600
RATE = 1e-2
DECAY = 1.0


@dataclass(frozen=True)
class Judge:
    """mean, deviation, line: (F), of what it learned from and through it; offset: (1)."""

    features: Features
    mean: Tensor
    deviation: Tensor
    line: Tensor
    offset: Tensor

    def told(self, images: Tensor) -> Tensor:
        """(B): the place in STYLES of each of (B, 3, H, W), -1 to 1."""
        perceived = _perceived(self.features, images)
        return (self._side(perceived) > 0).long()

    def _side(self, perceived: Tensor) -> Tensor:
        return (perceived - self.mean) / self.deviation @ self.line + self.offset


def train(
    features: Features,
    shown: Pictures,
    through: Callable[[Tensor], Tensor],
    count: int,
    seed: int = 0,
) -> Judge:
    """shown: of both styles, of which so many are drawn and laid on backgrounds; through: what the
    VAE makes of (B, 3, H, W), -1 to 1."""
    generator = torch.Generator().manual_seed(seed)
    chosen = shown.at(torch.randperm(len(shown.things), generator=generator)[:count])
    laid = chosen.on(pictures.random_backgrounds(len(chosen.things), generator))
    perceived = torch.cat([_perceived(features, laid), _perceived(features, through(laid))])
    wanted = labels(chosen).repeat(2).float()
    deviation, mean = torch.std_mean(perceived, dim=0)
    line = torch.zeros(perceived.shape[1], requires_grad=True)
    judge = Judge(features, mean, deviation + 1e-6, line, torch.zeros(1, requires_grad=True))
    optimizer = torch.optim.AdamW([judge.line, judge.offset], lr=RATE, weight_decay=DECAY)
    for step in range(STEPS):
        optimizer.param_groups[0]["lr"] = RATE * (1 - step / STEPS)
        loss = F.binary_cross_entropy_with_logits(judge._side(perceived), wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    line.requires_grad_(False)
    judge.offset.requires_grad_(False)
    return judge


def labels(shown: Pictures) -> Tensor:
    return torch.tensor([STYLES.index(thing.style) for thing in shown.things])


@torch.no_grad()
def _perceived(features: Features, images: Tensor) -> Tensor:
    """(B, F): mean and deviation of each feature."""
    return torch.cat([_moments(features(some)) for some in images.split(BATCH)])


def _moments(told: list[Tensor]) -> Tensor:
    return torch.cat([part for it in told for part in (it.mean((2, 3)), it.std((2, 3)))], dim=1)
