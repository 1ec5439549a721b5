"""Latents of the bundled model with the pictures that its VAE makes of them: what a tiny
autoencoder learns from, and what it is measured by. Made for `tiny` and kept in its folder.

Three kinds, for previews meet all of them: latents of pictures, the predicted x_0 of runs at every
height of the noise, and latents with noise on them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

import engine
from engine.pipelines.stable_diffusion import StableDiffusion
from resources.training import pictures
from resources.training.kept import once
from resources.training.pictures import BACKGROUNDS, Pictures

EVERY = 2
"""Of a run's steps, how many there are to one whose latents are kept."""
STRONG = (5.0, 8.0)
"""Guidance of two runs in three."""
KINDS = ("pictures", "runs", "noisy")


@dataclass(frozen=True)
class Counts:
    """How many of each kind; runs: how many runs, of which each gives several."""

    pictures: int
    runs: int
    noisy: int


TRAINING = Counts(pictures=480, runs=48, noisy=240)
HELD_OUT = Counts(pictures=64, runs=8, noisy=32)


@dataclass(frozen=True)
class Decoded:
    """latents: (N, 4, h, w), float32, scaled as the UNet sees them; pixels: uint8 (N, 3, H, W), by
    the VAE; kinds: (N), places in KINDS."""

    latents: Tensor
    pixels: Tensor
    kinds: Tensor


def bundled() -> StableDiffusion:
    """The model that ships, in float32 on the CPU."""
    pipeline = engine.load("bundled", device="cpu", dtype="float32")
    assert isinstance(pipeline, StableDiffusion)
    return pipeline


def decoded(work: Path, held_out: bool, counts: Counts | None = None) -> Decoded:
    """Made the first time, and read from `work` after it."""

    def make() -> Decoded:
        shown = pictures.load(work, pictures.SIDES[0]).where(held_out=held_out)
        which = counts or (HELD_OUT if held_out else TRAINING)
        return _make(bundled(), shown, which, seed=int(held_out))

    name = f"latents-{'held-out' if held_out else 'training'}.pt"
    return once(work / "tiny" / name, Decoded, make)


@torch.no_grad()
def _make(pipeline: StableDiffusion, shown: Pictures, counts: Counts, seed: int) -> Decoded:
    generator = torch.Generator().manual_seed(seed)
    makers: tuple[Callable[[], Iterator[Tensor]], ...] = (
        lambda: of_pictures(pipeline, shown, counts.pictures, generator),
        lambda: _of_runs(pipeline, shown, counts.runs, generator),
        lambda: _noisy(pipeline, shown, counts.noisy, generator),
    )
    latents, pixels, kinds = [], [], []
    for kind, make in enumerate(makers):
        for one in tqdm(make(), desc=KINDS[kind], mininterval=5):
            latents.append(one)
            pixels.append(to_bytes(pipeline.vae.decode(one / pipeline.vae.scaling_factor)))
            kinds.append(kind)
    return Decoded(torch.cat(latents), torch.cat(pixels), torch.tensor(kinds))


def of_pictures(
    pipeline: StableDiffusion, shown: Pictures, count: int, generator: torch.Generator
) -> Iterator[Tensor]:
    """The means that the VAE's encoder gives for pictures on backgrounds, (1, 4, h, w) each."""
    for index in torch.randint(0, len(shown.things), (count,), generator=generator).tolist():
        picture = shown.at([index]).on(pictures.random_backgrounds(1, generator))
        yield encoded(pipeline, picture)


def encoded(pipeline: StableDiffusion, picture: Tensor) -> Tensor:
    """(B, 4, h, w), scaled as the UNet sees them, of (B, 3, H, W), -1 to 1."""
    mean, _ = pipeline.vae.encode(picture)
    return mean * pipeline.vae.scaling_factor


def to_bytes(picture: Tensor) -> Tensor:
    """uint8 of -1 to 1."""
    return ((picture.clamp(-1, 1) + 1) * 127.5).round().byte()


def _of_runs(
    pipeline: StableDiffusion, shown: Pictures, count: int, generator: torch.Generator
) -> Iterator[Tensor]:
    """What the UNet predicts on its way, with the model's own settings but for the guidance: strong
    guidance makes first guesses that are far from any picture."""
    own = pipeline.default_request
    for seed in range(count):
        index = int(torch.randint(0, len(shown.things), (1,), generator=generator))
        colour = int(torch.randint(0, len(BACKGROUNDS), (1,), generator=generator))
        prompt = f"{shown.things[index].name}, 3d on a {list(BACKGROUNDS)[colour]} background"
        request = replace(
            own,
            prompt=prompt,
            seed=seed,
            guidance_scale=(own.guidance_scale, *STRONG)[seed % (1 + len(STRONG))],
        )
        for event in engine.generate(pipeline, request):
            if isinstance(event, engine.Step) and event.index % EVERY == 0:
                yield event.snapshot.denoised.float()


def _noisy(
    pipeline: StableDiffusion, shown: Pictures, count: int, generator: torch.Generator
) -> Iterator[Tensor]:
    """Those of pictures with noise on them, from hardly any to nothing else."""
    for latents in of_pictures(pipeline, shown, count, generator):
        noise = torch.randn(latents.shape, generator=generator)
        angle = torch.rand(1, generator=generator) * torch.pi / 2
        yield latents * angle.cos() + noise * angle.sin()
