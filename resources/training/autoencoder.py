"""The Emoji model's VAE and its training: pictures that come out as they went in. Its latents stay
near those of the VAE that it begins from, so that the UNet and the text encoder, which know those,
have little to learn anew. A stage; `export` writes what it leaves.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor

from resources.training import encoded, likeness, pictures, subjects, text
from resources.training.loop import Plan, train
from resources.training.muon import Muon
from resources.training.perceived import Features
from resources.training.pictures import Pictures

FOLDER = "autoencoder"
"""Of the work folder: where its checkpoint and its log lie."""
BATCH = 4
OWN = 0.5
"""Share of a batch that shows subjects; the rest shows whatever the packages hold."""
EDGES = 0.5
SQUARE = 4.0
STRUCTURE = 1.0
SEEN = 2.0
NEAR = 0.1


def train_autoencoder(work: Path, steps: int, rate: float) -> AutoencoderKL:
    """Train in `work/autoencoder`, from its checkpoint if there is one, and else from the bundled
    VAE; gives it with averaged weights."""
    every = pictures.load(work, pictures.SIDES[0]).where(held_out=False)
    names = frozenset(subjects.names())
    own = [
        i
        for i, thing in enumerate(every.things)
        if thing.name in names and thing.style in subjects.STYLES
    ]
    vae, before = (AutoencoderKL.from_pretrained(encoded.BUNDLED / "vae").float() for _ in "..")
    before.requires_grad_(False)
    features = Features.load(work)
    plan = Plan(steps=steps, rate=rate, decay=0.8, average=0.995, weight_decay=0.0)
    train(
        vae,
        lambda generator: loss(vae, before, features, every, own, BATCH, generator),
        plan,
        work / FOLDER,
        text.EVERY,
        Muon.of(vae, vae, rate, plan.weight_decay),
    )
    return vae


def loss(
    vae: AutoencoderKL,
    before: AutoencoderKL,
    features: Features,
    every: Pictures,
    own: list[int],
    batch: int,
    generator: torch.Generator,
) -> Tensor:
    """Of one batch of pictures on backgrounds: how far they are off, and how far the latents, as
    the encoder tells them, are from what it told before."""
    any_of_them = torch.randint(0, len(every.things), (batch,), generator=generator)
    subject = torch.tensor(own)[torch.randint(0, len(own), (batch,), generator=generator)]
    shown = torch.rand(batch, generator=generator) < OWN
    chosen = every.at(torch.where(shown, subject, any_of_them))
    wanted = chosen.on(pictures.random_backgrounds(batch, generator))  # (batch, 3, H, W)
    told = encoded.moments(vae, wanted)
    with torch.no_grad():
        known = encoded.moments(before, wanted)
    mean, _ = told.chunk(2, dim=1)
    (made,) = vae.decode(mean, return_dict=False)  # pyright: ignore[reportArgumentType]
    return unlike(made, wanted, features) + NEAR * F.mse_loss(told, known)


def unlike(made: Tensor, wanted: Tensor, features: Features) -> Tensor:
    """How far pictures are off what was wanted, both (B, 3, H, W), -1 to 1: by their size and by
    their square; by their changes from pixel to pixel, which keeps the edges; by what they lack of
    an SSIM of 1, and by what a network that knows photographs sees, which both see that a plain
    colour is not quite plain."""
    across = F.l1_loss(made.diff(dim=3), wanted.diff(dim=3))
    down = F.l1_loss(made.diff(dim=2), wanted.diff(dim=2))
    off = F.l1_loss(made, wanted) + SQUARE * F.mse_loss(made, wanted)
    seen = STRUCTURE * (1 - likeness.ssim(made, wanted).mean())
    seen = seen + SEEN * features.unlike(made, wanted)
    return off + EDGES * (across + down) + seen
