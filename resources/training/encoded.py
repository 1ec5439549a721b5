"""Encoded: the subjects' pictures on backgrounds as latents, computed once. The stage `latents`;
`text` and `diffusion` learn from them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.modeling_outputs import AutoencoderKLOutput
from torch import Tensor
from tqdm import tqdm

from resources.training import pictures, subjects
from resources.training.errors import TrainingError
from resources.training.kept import write
from resources.training.pictures import BACKGROUNDS, Pictures

BUNDLED = Path(__file__).parents[1] / "models" / "emoji"
COLOURS = 3
"""Backgrounds of each picture beside white."""
BATCH = 16
SEED = 9


@dataclass(frozen=True)
class Encoded:
    """latents: (N, 4, 16, 16), float32, scaled as the UNet sees them; the others: (N), places in
    `subjects.names()`, `subjects.STYLES` and BACKGROUNDS."""

    latents: Tensor
    subject: Tensor
    style: Tensor
    colour: Tensor


def load(work: Path) -> Encoded:
    """Raises TrainingError where the stage was not run."""
    path = work / "latents.pt"
    if not path.is_file():
        raise TrainingError(
            f"There is no {path}: run `python -m resources.training latents` first."
        )
    kept = torch.load(path, weights_only=True)
    return Encoded(kept["latents"].float(), kept["subject"], kept["style"], kept["colour"])


def encode(work: Path) -> Encoded:
    """Make them with the bundled VAE, and keep them in `work`."""
    shown = subjects.of(pictures.load(work, pictures.SIDES[0]), subjects.names())
    made = make(AutoencoderKL.from_pretrained(BUNDLED / "vae").eval(), shown)
    write(work / "latents.pt", vars(made) | {"latents": made.latents.half()})
    return made


@torch.no_grad()
def make(vae: AutoencoderKL, shown: Pictures) -> Encoded:
    """shown: as `subjects.of` orders them. The means of the VAE's encoder."""
    generator = torch.Generator().manual_seed(SEED)
    palette = torch.tensor(list(BACKGROUNDS.values())).float()
    pairs = [
        (picture, int(colour))
        for picture in range(len(shown.things))
        for colour in (0, *(torch.randperm(len(palette) - 1, generator=generator)[:COLOURS] + 1))
    ]
    latents = []
    for first in tqdm(range(0, len(pairs), BATCH), desc="latents", mininterval=5):
        chosen = pairs[first : first + BATCH]
        laid = shown.at([picture for picture, _ in chosen]).on(palette[[c for _, c in chosen]])
        latents.append(means(vae, laid) * vae.config["scaling_factor"])
    picture, colour = torch.tensor(pairs).T
    across = len(subjects.STYLES)
    return Encoded(torch.cat(latents), picture // across, picture % across, colour)


def schedule() -> dict[str, Any]:
    """What the bundled model's scheduler says of itself."""
    path = BUNDLED / "scheduler" / "scheduler_config.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    return {name: value for name, value in told.items() if not name.startswith("_")}


def settings() -> dict[str, Any]:
    """What the bundled model does best, as fields of a request."""
    told = json.loads((BUNDLED / "safelight.json").read_text(encoding="utf-8"))
    return told["default_request"]


def means(vae: AutoencoderKL, laid: Tensor) -> Tensor:
    """(B, 4, h, w) of (B, 3, H, W), -1 to 1, not scaled."""
    mean, _ = moments(vae, laid).chunk(2, dim=1)
    return mean


def moments(vae: AutoencoderKL, laid: Tensor) -> Tensor:
    """(B, 8, h, w) of the same: the means and the log variances."""
    told = vae.encode(laid)
    assert isinstance(told, AutoencoderKLOutput)
    return told.latent_dist.parameters
