"""LatentPreview: small pictures of an autoencoder's latents at a known cost. Held by the pipelines
that have one; asked through `engine.preview`.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from engine.errors import EngineError
from engine.hardware.transfers import fetched, to_pixels, uploaded
from engine.images import Pixels
from engine.networks import Autoencoder, AutoencoderTiny
from engine.networks.poll import Poll, no_poll
from engine.pipelines.latent_decoder import unscaled
from engine.pipelines.pace import Pace
from engine.pipelines.pipeline import Decoded, PreviewKind, Previews
from engine.pipelines.previews.linear_map import LinearMap

UNNOTICED = 0.1
"""Seconds that "auto" may take while no run is under way: ten pictures a second still feel live."""
PROBE = 16
"""Side of the latents that are decoded before anything else was: a 16th of 512 by 512 pixels."""
GUESS = 2.0
"""What clouds of noise weigh in the linear map, against one picture of a run: with fewer, a few
pictures of few colours make a worse map than the clouds alone."""
SMALL = 4096
"""Elements of the tensors that tell one VAE from another: its biases and norms are among them."""


class LatentPreview:
    """vae: whose latents they are. decode: all that the model's own decode does. pace: where the
    cost of an evaluation and of a decode are noted. tiny: a tiny autoencoder on `device`, if there
    is one."""

    def __init__(
        self,
        name: str,
        vae: Autoencoder,
        decode: Callable[[Tensor, Poll], Decoded],
        pace: Pace,
        device: torch.device,
        tiny: AutoencoderTiny | None = None,
    ) -> None:
        self._name = name
        self._vae = vae
        self._decode = decode
        self._pace = pace
        self._device = device
        self._tiny = tiny
        self._map = LinearMap(vae.latent_channels)
        self._path: Path | None = None
        self._starting = threading.Lock()

    def pictures(
        self,
        latents: Tensor,
        kind: PreviewKind,
        seconds: float | None = None,
        poll: Poll = no_poll,
    ) -> Previews:
        """One picture for each of the latents (B, C, h, w). seconds: what "auto" may take; None
        means what the budget of the run under way has left. Raises EngineError for "tiny" where
        there is none."""
        if kind == "auto":
            kind = self._best(latents, seconds)
        if kind == "linear" and not self._map.ready:
            self._start()
        begun = time.perf_counter()
        try:
            if kind == "linear":
                made = tuple(self._map.colours(one) for one in fetched(latents.float()))
                return Previews(made, "linear")
            if kind == "vae":
                made = self._decode(latents, poll).pictures
                self.learn(latents, made)
                return Previews(made, "vae")
            if self._tiny is None:
                raise EngineError(
                    f"{self._name} has no tiny autoencoder. Take vae, linear or auto."
                )
            return Previews(self._tinily(latents, self._tiny), "tiny")
        finally:
            self._pace.previews.spend(time.perf_counter() - begun)

    def learn(self, latents: Tensor, pictures: tuple[Pixels, ...]) -> None:
        """Fit the linear map to pictures that have been decoded anyway."""
        if self._map.complete:
            return
        for one, picture in zip(fetched(latents.float()), pictures, strict=True):
            self._map.learn(one, picture)
        if self._path is not None:
            self._map.write(self._path)

    def keep(self, folder: Path) -> None:
        """Read what is known of this VAE from the folder, and write there what is learned of it.
        What must be decoded before the first preview is decoded now."""
        self._path = folder / f"{_fingerprint(self._vae)}.json"
        self._map.read(self._path)
        self._start()

    def _best(self, latents: Tensor, seconds: float | None) -> PreviewKind:
        if not self._pace.decode_per_element:
            self._start()
        if seconds is None:
            left = self._pace.previews.left
            seconds = UNNOTICED if left is None else left
        if self._pace.decode_per_element * latents.numel() <= seconds:
            return "vae"
        if self._tiny is None:
            return "linear"
        if not self._pace.tiny_per_element:
            probe = latents[:1, :, :PROBE, :PROBE]
            for _ in range(2):  # the first one warms up
                self._tinily(probe, self._tiny)
        affordable = self._pace.tiny_per_element * latents.numel() <= seconds
        return "tiny" if affordable else "linear"

    def _start(self) -> None:
        """Decode clouds of noise, once: they tell what a decode costs, and a first linear map."""
        with self._starting:
            if self._pace.decode_per_element and self._map.ready:
                return
            clouds = _clouds(self._vae.latent_channels)
            begun = time.perf_counter()
            (picture,) = self._decode(clouds, no_poll).pictures
            if time.perf_counter() - begun <= UNNOTICED:  # then once more: the first one warms up
                self._decode(clouds, no_poll)
            if not self._map.ready:
                self._map.guess(clouds[0], picture, GUESS)

    def _tinily(self, latents: Tensor, tiny: AutoencoderTiny) -> tuple[Pixels, ...]:
        pictures = []
        for one in unscaled(uploaded(latents, self._device), tiny).to(tiny.dtype).split(1):
            started = time.perf_counter()
            pictures.append(to_pixels(tiny.decode(one)[0]))
            self._pace.note_tiny((time.perf_counter() - started) / one.numel())
        return tuple(pictures)


def _clouds(channels: int) -> Tensor:
    """Latents (1, C, 16, 16): in each quarter noise in blobs of another size. Every channel is as
    strong as a picture's, and none goes with another, by which their colours would be mixed up."""
    generator = torch.Generator().manual_seed(0)
    side = PROBE // 2
    quarters = []
    for blob in (2, 4, 8, 8):
        shape = (1, channels, side // blob, side // blob)
        coarse = torch.randn(shape, generator=generator)
        quarters.append(torch.nn.functional.interpolate(coarse, (side, side), mode="bicubic"))
    halves = torch.cat(quarters[:2], dim=3), torch.cat(quarters[2:], dim=3)
    places = torch.cat(halves, dim=2)[0].flatten(1).T  # (16 * 16, C)
    apart, _ = torch.linalg.qr(places - places.mean(dim=0))
    return PROBE * apart.T.reshape(1, channels, PROBE, PROBE)


def _fingerprint(vae: Autoencoder) -> str:
    """What this VAE is, by its scaling and its small tensors: cheap, and no two trained ones agree
    in them."""
    digest = hashlib.sha256(f"{vae.scaling_factor} {vae.shift_factor}".encode())
    for name, tensor in vae.state_dict().items():
        digest.update(f"{name} {tuple(tensor.shape)}".encode())
        if tensor.numel() <= SMALL:
            digest.update(tensor.float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:32]
