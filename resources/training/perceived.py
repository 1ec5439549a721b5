"""What a network that knows photographs perceives of a picture: the features of the first blocks of
EfficientNet-Lite0 (Tan and Le, arXiv:1905.11946). By them `autoencoder` sees grain on a plain
colour and a softened edge, which the pixels' own differences hardly count (Zhang et al.,
arXiv:1801.03924).
"""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resources.training import fetch
from resources.training.errors import TrainingError

MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)
"""Of the colours that the network learned from, 0 to 1."""
BLOCKS = ((1, 3, 1, 32, 16), (6, 3, 2, 16, 24), (6, 3, 1, 24, 24), (6, 5, 2, 24, 40))
"""Of each: times wider inside, side of the kernel, stride, channels in and out."""
TOLD = (0, 2, 3)
"""Of the blocks, whose outputs count; the stem's does too."""
HEIGHTS = (32, 16, 24, 40)
"""Channels of what is told, from the stem up."""


class Features(nn.Module):
    """Its weights have the names that the package's file gives them."""

    mean: Tensor
    deviation: Tensor

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = nn.Conv2d(3, 32, 3, stride=2, bias=False)
        self._bn0 = _norm(32)
        self._blocks = nn.ModuleList(_Block(*shape) for shape in BLOCKS)
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None], persistent=False)
        self.register_buffer("deviation", torch.tensor(DEVIATION)[:, None, None], persistent=False)

    @classmethod
    def load(cls, work: Path) -> Features:
        """From the package that `fetch` left. Raises TrainingError where there is none, or none
        that can be read."""
        folder = work / "packages" / fetch.PERCEIVED.folder
        path = next(folder.glob("*/models/*.pth"), None)
        if path is None:
            raise TrainingError(
                f"There are no weights in {folder}: run `python -m resources.training fetch` first."
            )
        made = cls()
        try:
            weights = torch.load(path, weights_only=True)
            own = {name: weights[name] for name in made.state_dict()}
            made.load_state_dict(own)
        except Exception as error:  # torch raises whatever its unpickler met
            raise TrainingError(
                f"{path} cannot be read ({type(error).__name__}): remove {folder} and fetch again."
            ) from None
        return made.requires_grad_(False).eval()

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """Of (B, 3, H, W), -1 to 1: features (B, C, h, w) of four heights, of length 1 at each
        place."""
        shown = ((pictures + 1) / 2 - self.mean) / self.deviation
        shown = F.relu6(self._bn0(self._conv_stem(_padded(shown, 3, 2))))
        told = [shown]
        for place, block in enumerate(self._blocks):
            shown = block(shown)
            if place in TOLD:
                told.append(shown)
        return [F.normalize(features, eps=1e-3) for features in told]

    def unlike(self, made: Tensor, wanted: Tensor) -> Tensor:
        """A number, 0 for what looks the same: the mean square of the distance of the features, of
        all heights together."""
        with torch.no_grad():
            known = self(wanted)
        off = [(a - b).square().sum(dim=1).mean() for a, b in zip(self(made), known, strict=True)]
        return torch.stack(off).mean()


class _Block(nn.Module):
    """An inverted residual one: wider, a convolution of each channel by itself, narrower."""

    def __init__(self, wider: int, side: int, stride: int, before: int, after: int) -> None:
        super().__init__()
        inside = wider * before
        if wider > 1:
            self._expand_conv = nn.Conv2d(before, inside, 1, bias=False)
            self._bn0 = _norm(inside)
        self._depthwise_conv = nn.Conv2d(
            inside, inside, side, stride=stride, groups=inside, bias=False
        )
        self._bn1 = _norm(inside)
        self._project_conv = nn.Conv2d(inside, after, 1, bias=False)
        self._bn2 = _norm(after)
        self._wider, self._side, self._stride = wider, side, stride
        self._added = stride == 1 and before == after

    def forward(self, shown: Tensor) -> Tensor:
        inside = shown
        if self._wider > 1:
            inside = F.relu6(self._bn0(self._expand_conv(inside)))
        inside = self._depthwise_conv(_padded(inside, self._side, self._stride))
        inside = F.relu6(self._bn1(inside))
        inside = self._bn2(self._project_conv(inside))
        return shown + inside if self._added else inside


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)


def _padded(shown: Tensor, side: int, stride: int) -> Tensor:
    """With as many zeros around as give ceil(size / stride), one more at the end if they are odd:
    what TensorFlow, where the weights are from, calls SAME."""
    edges = chain.from_iterable(
        (lost // 2, lost - lost // 2)
        for size in (shown.shape[3], shown.shape[2])
        for lost in (max(0, (-(-size // stride) - 1) * stride + side - size),)
    )
    return F.pad(shown, list(edges))
