"""Decoding latents piece by piece where the whole does not fit into memory. Called by the
pipelines after a decode ran out of memory.
"""

from __future__ import annotations

import torch
from torch import Tensor

from engine.networks import Autoencoder
from engine.networks.poll import Poll, no_poll

TILE = 32
"""Side of a tile in latents; with the VAE's factor of 8 this is 256 pixels."""
OVERLAP = 8
"""Latents that neighbouring tiles share; there one fades into the other."""


def decode_in_tiles(
    vae: Autoencoder,
    latents: Tensor,
    poll: Poll = no_poll,
    tile: int = TILE,
    overlap: int = OVERLAP,
) -> Tensor:
    """Latents (1, C, h, w), divided by the scaling factor -> (1, 3, H, W). Close to the whole
    decode, not equal: each tile's normalisation sees only the tile."""
    _, _, height, width = latents.shape
    factor = vae.factor
    image = latents.new_zeros(1, 3, height * factor, width * factor, dtype=torch.float32)
    weight = torch.zeros_like(image[:, :1])
    for top in _starts(height, tile, overlap):
        for left in _starts(width, tile, overlap):
            poll()
            piece = vae.decode(latents[..., top : top + tile, left : left + tile], poll).float()
            rows, columns = piece.shape[-2:]
            fade = _fade(rows, overlap * factor, piece)[:, None] * _fade(
                columns, overlap * factor, piece
            )
            y, x = top * factor, left * factor
            image[..., y : y + rows, x : x + columns] += piece * fade
            weight[..., y : y + rows, x : x + columns] += fade
    return image / weight


def _starts(length: int, tile: int, overlap: int) -> list[int]:
    """Where tiles begin so that they cover `length`; the last one ends with it."""
    if length <= tile:
        return [0]
    return [*range(0, length - tile, tile - overlap), length - tile]


def _fade(length: int, ramp: int, like: Tensor) -> Tensor:
    """A weight for each pixel of a tile, rising from its edges over `ramp` pixels, never 0."""
    place = torch.arange(1, length + 1, device=like.device, dtype=torch.float32)
    return torch.minimum(place, place.flip(0)).clamp(max=ramp) / ramp
