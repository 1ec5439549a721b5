"""A critic that learns to tell pictures from what a decoder made of them, by what a network that
knows photographs perceives (Sauer et al., arXiv:2111.01007). A decoder that is taught by it makes
edges and plain colours that look like those of pictures, where pixels' differences alone leave them
a little soft and uneven. Learned by `decoder`.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resources.training import pictures
from resources.training.perceived import HEIGHTS

INSIDE = 64
LOUDEST = 10.0
"""So much of what the critic says counts at most."""


class Critic(nn.Module):
    """One opinion for each place of each height of the features, above 0 for a picture: a line
    through what it takes from there and from the style that the picture has. At first it has no
    opinion."""

    def __init__(self) -> None:
        super().__init__()
        self.taken = nn.ModuleList(nn.Conv2d(channels, INSIDE, 1) for channels in HEIGHTS)
        self.styles = nn.ModuleList(nn.Embedding(len(pictures.STYLES), INSIDE) for _ in HEIGHTS)
        self.said = nn.ModuleList(nn.Conv2d(INSIDE, 1, 1) for _ in HEIGHTS)
        for line in self.said:
            for weight in line.parameters():
                nn.init.zeros_(weight)

    def forward(self, told: list[Tensor], style: Tensor) -> list[Tensor]:
        """told: what `perceived.Features` tell of pictures, (B, C, h, w) of each height; style:
        (B), places in `pictures.STYLES`. Gives (B, 1, h, w) of each height."""
        opinions = []
        heights = zip(told, self.taken, self.styles, self.said, strict=True)
        for features, taken, styles, said in heights:
            seen = taken(features * features.shape[1] ** 0.5) + styles(style)[:, :, None, None]
            opinions.append(said(F.leaky_relu(seen, 0.2)))
        return opinions

    def loss(self, made: list[Tensor], wanted: list[Tensor], style: Tensor) -> Tensor:
        """How wrong it is, 2 of each height where it has no opinion: the hinge loss (Lim and Ye,
        arXiv:1705.02894). `made` learns nothing from it."""
        made = [features.detach() for features in made]
        off = [F.relu(1 - said).mean() for said in self(wanted, style)]
        off += [F.relu(1 + said).mean() for said in self(made, style)]
        return torch.stack(off).sum()

    def missed(self, made: list[Tensor], style: Tensor) -> Tensor:
        """How much `made` is none of the pictures, for it alone to learn from."""
        weights = {name: weight.detach() for name, weight in self.named_parameters()}
        said = torch.func.functional_call(self, weights, (made, style))
        return -torch.stack([opinion.mean() for opinion in said]).sum()


def balance(first: Tensor, second: Tensor, weight: Tensor) -> Tensor:
    """By what the second of two losses has to be multiplied, LOUDEST at most, for the two to pull
    equally at a weight (Esser et al., arXiv:2012.09841)."""
    one, other = (
        torch.autograd.grad(loss, weight, retain_graph=True)[0].norm() for loss in (first, second)
    )
    return (one / (other + 1e-6)).clamp(max=LOUDEST)
