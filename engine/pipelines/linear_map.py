"""LinearMap: the colour that a latent has, by least squares over pictures that the VAE has decoded.
Held by `LatentPreview`.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import threading
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from engine.images import Pixels, to_pixels

ENOUGH = 64
"""Pictures after which the map is fitted, once and for all."""


class LinearMap:
    """From a latent (C), scaled as the network sees it, to the mean colour (3) of the pixels that
    it becomes.

    Keeps the sums of the normal equations, each picture with the same weight whatever its size:
    they are small, and tell all that a fit needs of the pictures. pictures: how many it has seen;
    those that were `guessed` do not count.
    """

    def __init__(self, channels: int) -> None:
        self.pictures = 0
        self._gram = np.zeros((channels + 1, channels + 1))
        self._moments = np.zeros((channels + 1, 3))
        self._solution: tuple[Tensor, Tensor] | None = None
        self._lock = threading.Lock()

    @property
    def ready(self) -> bool:
        return self._solution is not None

    @property
    def complete(self) -> bool:
        return self.pictures >= ENOUGH

    def guess(self, latents: Tensor, picture: Pixels, weight: float) -> None:
        """Begin with latents that no run has made, for as long as there is little else. weight:
        against a picture of a run."""
        with self._lock:
            self._add(latents, picture, weight)

    def learn(self, latents: Tensor, picture: Pixels) -> None:
        """Take in latents (C, h, w) of a run, on the CPU, and the uint8 picture (H, W, 3) that they
        became."""
        with self._lock:
            if not self.complete and torch.isfinite(latents).all():
                self.pictures += 1
                self._add(latents, picture, 1.0)

    def colours(self, latents: Tensor) -> Pixels:
        """uint8 (h, w, 3) from latents (C, h, w), float32 on the CPU. Something must be known."""
        assert self._solution is not None
        weight, bias = self._solution
        return to_pixels(torch.einsum("chw,cr->rhw", latents, weight) + bias[:, None, None])

    def read(self, path: Path) -> None:
        """Begin with what was written there. A file that is not there, or that is damaged, or of
        latents of other channels, is passed over."""
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            gram, moments = np.array(kept["gram"], float), np.array(kept["moments"], float)
            pictures = int(kept["pictures"])
        except (OSError, ValueError, TypeError, KeyError, RecursionError, OverflowError):
            return
        shapes_fit = (gram.shape, moments.shape) == (self._gram.shape, self._moments.shape)
        if pictures > 0 and shapes_fit and np.isfinite(gram).all() and np.isfinite(moments).all():
            with self._lock:
                self.pictures, self._gram, self._moments = pictures, gram, moments
                self._solve()

    def write(self, path: Path) -> None:
        """Keep it for the next start; where that cannot be, it is fitted anew there."""
        with self._lock:
            text = json.dumps(
                {
                    "pictures": self.pictures,
                    "gram": self._gram.tolist(),
                    "moments": self._moments.tolist(),
                }
            )
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    file.write(text)
                Path(temporary).replace(path)
            except BaseException:
                Path(temporary).unlink()
                raise

    def _add(self, latents: Tensor, picture: Pixels, weight: float) -> None:
        channels, height, width = latents.shape
        rows = latents.reshape(channels, -1).T.double().numpy()
        rows = np.concatenate([rows, np.ones((len(rows), 1))], axis=1)  # (h w, C + 1)
        blocks = picture.reshape(
            height, picture.shape[0] // height, width, picture.shape[1] // width, 3
        )
        colours = blocks.mean(axis=(1, 3)).reshape(-1, 3) / 127.5 - 1.0
        self._gram += weight / len(rows) * rows.T @ rows
        self._moments += weight / len(rows) * rows.T @ colours
        self._solve()

    def _solve(self) -> None:
        solution = np.linalg.lstsq(self._gram, self._moments)[0]
        fitted = torch.from_numpy(solution).float()
        self._solution = fitted[:-1], fitted[-1]
