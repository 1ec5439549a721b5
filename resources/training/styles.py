"""A small classifier that tells 3d pictures from flat ones, trained on the data in a minute. Asked
by `evaluate` whether a picture has the style that was asked for.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resources.training import pictures
from resources.training.pictures import Pictures

STYLES = ("3d", "flat")
BATCH = 64
RATE = 3e-3
SIDE = 64


def build() -> nn.Sequential:
    layers: list[nn.Module] = []
    for before, after in ((3, 24), (24, 48), (48, 96)):
        layers += [
            nn.Conv2d(before, after, 3, stride=2, padding=1),
            nn.BatchNorm2d(after),
            nn.ReLU(),
        ]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(96, len(STYLES)))


def train(shown: Pictures, steps: int, seed: int = 0) -> nn.Sequential:
    """shown: of 64 by 64 pixels, and of both styles."""
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    network = build().train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = RATE * (1 - step / steps)
        chosen = shown.at(torch.randint(0, len(shown.things), (BATCH,), generator=generator))
        images = chosen.on(pictures.random_backgrounds(BATCH, generator))
        if step % 2:
            images = images.flip(3)
        loss = F.cross_entropy(network(images), labels(chosen))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network.eval()


def labels(shown: Pictures) -> Tensor:
    return torch.tensor([STYLES.index(thing.style) for thing in shown.things])


@torch.no_grad()
def told(network: nn.Module, images: Tensor) -> Tensor:
    """(B): the place in STYLES of each of (B, 3, H, W), -1 to 1."""
    small = F.interpolate(images, size=(SIDE, SIDE), mode="area")
    return network(small).argmax(dim=1)
