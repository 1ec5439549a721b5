"""Pictures in 8 bits, of tensors, as Pillow's images and side by side: the only place where value
ranges change. Called by the pipelines, `engine.generate` and `engine.preview`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

Pixels = np.ndarray
"""A picture: uint8, (H, W, 3), RGB."""


def eight_bit(image: Tensor) -> Tensor:
    """(3, H, W) in [-1, 1], any dtype -> uint8 (H, W, 3), where it was; the rest is clipped."""
    unit = (image.float() / 2 + 0.5).clamp(0, 1)
    return unit.mul(255).round().to(torch.uint8).permute(1, 2, 0).contiguous()


def to_pil(pixels: Pixels) -> Image.Image:
    return Image.fromarray(pixels, "RGB")


def grid(pictures: Sequence[Pixels]) -> Pixels:
    """Several pictures of one size as one, near square, row by row; empty places stay black."""
    if len(pictures) == 1:
        return pictures[0]
    columns = math.ceil(math.sqrt(len(pictures)))
    rows = math.ceil(len(pictures) / columns)
    height, width, _ = pictures[0].shape
    sheet = np.zeros((rows * height, columns * width, 3), np.uint8)
    for index, picture in enumerate(pictures):
        top, left = index // columns * height, index % columns * width
        sheet[top : top + height, left : left + width] = picture
    return sheet
