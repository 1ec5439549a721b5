"""How like two pictures are: PSNR, SSIM, and the feature by which `evaluate` finds the picture of a
training set that is nearest to one that was made. All take (B, 3, H, W), -1 to 1.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

FEATURE_SIDE = 24


def feature(pictures: Tensor) -> Tensor:
    """(B, 1728), of length 1: the picture at 24 by 24 pixels, by areas, less its mean. The product
    of two is their likeness. It sees colours and shapes, and no backgrounds of one colour but by
    their edges."""
    small = F.interpolate(pictures, size=(FEATURE_SIDE, FEATURE_SIDE), mode="area").flatten(1)
    return F.normalize(small - small.mean(dim=1, keepdim=True))


def ranks(made: Tensor, bank: Tensor, wanted: list[int]) -> Tensor:
    """(B): how many pictures of the bank are nearer than the one that is wanted."""
    likeness = feature(made) @ feature(bank).T  # (B, N)
    own = likeness[torch.arange(len(made)), wanted][:, None]
    return (likeness > own).sum(dim=1)


def leads(made: Tensor, bank: Tensor, wanted: list[int]) -> Tensor:
    """(B): how much nearer the one that is wanted is than the nearest other; below 0 where that one
    is nearer."""
    likeness = feature(made) @ feature(bank).T
    place = torch.arange(len(made))
    own = likeness[place, wanted]
    likeness[place, wanted] = -1
    return own - likeness.amax(dim=1)


def psnr(made: Tensor, wanted: Tensor) -> Tensor:
    """(B), in dB of the whole range."""
    error = ((made.clamp(-1, 1) - wanted) / 2).square().mean(dim=(1, 2, 3))
    return -10 * error.clamp(min=1e-10).log10()


def ssim(made: Tensor, wanted: Tensor) -> Tensor:
    """(B), the mean over pixels and colours (Wang et al., IEEE TIP 13, 2004): a Gaussian window of
    11 by 11 pixels, sigma 1.5."""
    x, y = (made.clamp(-1, 1) + 1) / 2, (wanted + 1) / 2
    along = torch.exp(-((torch.arange(11.0) - 5) ** 2) / (2 * 1.5**2))
    along = along / along.sum()
    window = (along[:, None] * along).expand(3, 1, 11, 11)

    def mean(values: Tensor) -> Tensor:
        return F.conv2d(values, window, groups=3)

    mean_x, mean_y = mean(x), mean(y)
    var_x, var_y = mean(x * x) - mean_x**2, mean(y * y) - mean_y**2
    both = mean(x * y) - mean_x * mean_y
    c1, c2 = 0.01**2, 0.03**2
    above = (2 * mean_x * mean_y + c1) * (2 * both + c2)
    below = (mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2)
    return (above / below).mean(dim=(1, 2, 3))
