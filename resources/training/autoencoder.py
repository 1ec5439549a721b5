"""The decoder of the Emoji model's VAE and its training: sharper pictures out of the latents that
the encoder gives, which stays as it is, and so do the latents. A stage; `export` writes what it
leaves.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor

from resources.training import encoded, likeness, pictures, subjects, text
from resources.training.loop import Plan, train
from resources.training.pictures import Pictures

FOLDER = "autoencoder"
"""Of the work folder: where its checkpoint and its log lie."""
BATCH = 4
OWN = 0.75
"""Share of a batch that shows subjects; the rest shows whatever the packages hold."""
EDGES = 0.5
SQUARE = 4.0
STRUCTURE = 0.5


def train_decoder(work: Path, steps: int, rate: float) -> AutoencoderKL:
    """Train in `work/autoencoder`, from its checkpoint if there is one, and else from the bundled
    VAE; gives it with the averaged decoder."""
    every = pictures.load(work, pictures.SIDES[0]).where(held_out=False)
    names = frozenset(subjects.names())
    own = [
        i
        for i, thing in enumerate(every.things)
        if thing.name in names and thing.style in subjects.STYLES
    ]
    vae = AutoencoderKL.from_pretrained(encoded.BUNDLED / "vae").float()
    vae.requires_grad_(False)
    vae.decoder.requires_grad_(True)
    train(
        vae,
        lambda generator: loss(vae, every, own, BATCH, generator),
        Plan(steps=steps, rate=rate, decay=0.8, average=0.995, weight_decay=0.0),
        work / FOLDER,
        text.EVERY,
    )
    return vae


def loss(
    vae: AutoencoderKL, every: Pictures, own: list[int], batch: int, generator: torch.Generator
) -> Tensor:
    """Of one batch of pictures on backgrounds: how far they are off, by its size and by its square;
    how far their changes from pixel to pixel are, which keeps the edges; and what they lack of an
    SSIM of 1, which is quick to see that a plain background is not quite plain."""
    any_of_them = torch.randint(0, len(every.things), (batch,), generator=generator)
    subject = torch.tensor(own)[torch.randint(0, len(own), (batch,), generator=generator)]
    shown = torch.rand(batch, generator=generator) < OWN
    chosen = every.at(torch.where(shown, subject, any_of_them))
    wanted = chosen.on(pictures.random_backgrounds(batch, generator))  # (batch, 3, H, W)
    with torch.no_grad():
        latents = encoded.means(vae, wanted)
    (made,) = vae.decode(latents, return_dict=False)  # pyright: ignore[reportArgumentType]
    across = F.l1_loss(made.diff(dim=3), wanted.diff(dim=3))
    down = F.l1_loss(made.diff(dim=2), wanted.diff(dim=2))
    off = F.l1_loss(made, wanted) + SQUARE * F.mse_loss(made, wanted)
    return off + EDGES * (across + down) + STRUCTURE * (1 - likeness.ssim(made, wanted).mean())
