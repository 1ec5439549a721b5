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

from engine import foreign
from engine.errors import EngineError
from engine.hardware.transfers import to_pixels
from engine.images import Pixels

ENOUGH = 64
"""Pictures after which the map is fitted, once and for all."""
LONGEST = 2**20
"""Bytes of a file that a map is kept in. It has some hundred numbers."""


class LinearMap:
    """From a latent (C), scaled as the network sees it, to the mean colour (3) of the pixels that
    it becomes.

    Keeps the sums of the normal equations, each picture with the same weight whatever its size:
    they are small, and tell all that a fit needs of the pictures. pictures: how many it has seen;
    those that were `guessed` do not count.

    A few pictures of few colours can make a worse map of others than the guess: each new picture is
    foretold by both before it is taken in, and the one that was less wrong so far is the map.
    """

    def __init__(self, channels: int) -> None:
        self.pictures = 0
        self._gram = np.zeros((channels + 1, channels + 1))
        self._moments = np.zeros((channels + 1, 3))
        self._guess_gram = np.zeros_like(self._gram)
        self._guess_moments = np.zeros_like(self._moments)
        self._wrong = np.zeros(2)  # by the guess and by what is learned: sums of mean squares
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
            rows, colours = _examples(latents, picture)
            self._add(rows, colours, weight)
            self._guess_gram, self._guess_moments = self._gram.copy(), self._moments.copy()
            self._solve()

    def learn(self, latents: Tensor, picture: Pixels) -> None:
        """Take in latents (C, h, w) of a run, on the CPU, and the uint8 picture (H, W, 3) that they
        became."""
        with self._lock:
            if not self.complete and torch.isfinite(latents).all():
                rows, colours = _examples(latents, picture)
                self.pictures += 1
                if self._guess_gram.any():
                    fits = _fit(self._guess_gram, self._guess_moments), self._learned
                    self._wrong += [
                        (((rows @ fit).clip(-1, 1) - colours) ** 2).mean() for fit in fits
                    ]
                self._add(rows, colours, 1.0)
                self._solve()

    def colours(self, latents: Tensor) -> Pixels:
        """uint8 (h, w, 3) from latents (C, h, w), float32 on the CPU. Something must be known."""
        assert self._solution is not None
        weight, bias = self._solution
        return to_pixels(torch.einsum("chw,cr->rhw", latents, weight) + bias[:, None, None])

    def read(self, path: Path) -> None:
        """Begin with what was written there. A file that is not there, or that is damaged, or of
        latents of other channels, is passed over."""
        try:
            kept = foreign.read_json(path, LONGEST)
            gram, moments = np.array(kept["gram"], float), np.array(kept["moments"], float)
            pictures = int(kept["pictures"])
            guess_gram = np.array(kept["guess_gram"], float)
            guess_moments = np.array(kept["guess_moments"], float)
            wrong = np.array(kept["wrong"], float)
        except (OSError, EngineError, ValueError, TypeError, KeyError, OverflowError):
            return
        found = gram, moments, guess_gram, guess_moments, wrong
        own = self._gram, self._moments, self._gram, self._moments, self._wrong
        fits = all(one.shape == other.shape for one, other in zip(found, own, strict=True))
        if pictures > 0 and fits and all(np.isfinite(one).all() for one in found):
            with self._lock:
                self.pictures, self._gram, self._moments = pictures, gram, moments
                self._guess_gram, self._guess_moments, self._wrong = found[2:]
                self._solve()

    def write(self, path: Path) -> None:
        """Keep it for the next start; where that cannot be, it is fitted anew there."""
        with self._lock:
            text = json.dumps(
                {
                    "pictures": self.pictures,
                    "gram": self._gram.tolist(),
                    "moments": self._moments.tolist(),
                    "guess_gram": self._guess_gram.tolist(),
                    "guess_moments": self._guess_moments.tolist(),
                    "wrong": self._wrong.tolist(),
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

    def _add(self, rows: np.ndarray, colours: np.ndarray, weight: float) -> None:
        self._gram += weight / len(rows) * rows.T @ rows
        self._moments += weight / len(rows) * rows.T @ colours

    @property
    def _learned(self) -> np.ndarray:
        return _fit(self._gram, self._moments)

    def _solve(self) -> None:
        guessed, learned = self._wrong
        solution = self._learned
        if self._guess_gram.any() and guessed < learned:
            solution = _fit(self._guess_gram, self._guess_moments)
        fitted = torch.from_numpy(solution).float()
        self._solution = fitted[:-1], fitted[-1]


def _examples(latents: Tensor, picture: Pixels) -> tuple[np.ndarray, np.ndarray]:
    """The latents as (h w, C + 1), with a 1 in the last column, and the mean colours of the pixels
    that they became, (h w, 3), -1 to 1."""
    channels, height, width = latents.shape
    rows = latents.reshape(channels, -1).T.double().numpy()
    rows = np.concatenate([rows, np.ones((len(rows), 1))], axis=1)
    blocks = picture.reshape(
        height, picture.shape[0] // height, width, picture.shape[1] // width, 3
    )
    return rows, blocks.mean(axis=(1, 3)).reshape(-1, 3) / 127.5 - 1.0


def _fit(gram: np.ndarray, moments: np.ndarray) -> np.ndarray:
    """(C + 1, 3), what multiplies the rows of `_examples`."""
    return np.linalg.lstsq(gram, moments)[0]
