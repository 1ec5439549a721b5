"""The network of bundled-ddpm and its training: pictures of 64 by 64 pixels out of noise, without a
prompt (Ho et al., arXiv:2006.11239), with v-prediction (Salimans and Ho, arXiv:2202.00512) and the
cosine schedule (Nichol and Dhariwal, arXiv:2102.09672). A stage; `export` writes what it leaves.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from diffusers.models.unets.unet_2d import UNet2DModel
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from torch import Tensor

from resources.training import pictures
from resources.training.errors import TrainingError
from resources.training.loop import Plan, train
from resources.training.muon import Muon
from resources.training.pictures import Pictures

SIDE = 64
BATCH = 16
FOLDER = "ddpm"
"""Of the work folder: where its checkpoint and its log lie."""

LEVELS = (16, 32, 64, 72)
"""Channels, from 64 by 64 pixels to 8 by 8: what it remembers lies where a pixel is cheap."""

SCHEDULER: dict[str, Any] = {
    "num_train_timesteps": 1000,
    "beta_schedule": "squaredcos_cap_v2",
    "prediction_type": "v_prediction",
    "clip_sample": True,
    "timestep_spacing": "trailing",
}

# fmt: off
THINGS = frozenset((
    "grinning face", "smiling face with heart-eyes", "smiling face with sunglasses",
    "loudly crying face", "enraged face", "skull", "ghost", "alien",
    "dog face", "cat face", "panda", "frog", "penguin", "owl", "butterfly", "lady beetle",
    "red apple", "watermelon", "banana", "strawberry", "hamburger", "pizza", "doughnut",
    "birthday cake",
    "crown", "gem stone", "bell", "guitar", "light bulb", "camera", "blue book", "red heart",
))
# fmt: on
"""What it is taught to draw, in the 3d style: faces, animals, food and objects, few, so that it
learns each of them."""


def build(levels: tuple[int, ...] = LEVELS, side: int = SIDE) -> UNet2DModel:
    """The network, with weights that the global seed of torch decides."""
    return UNet2DModel(
        sample_size=side,
        block_out_channels=levels,
        down_block_types=("DownBlock2D",) * len(levels),
        up_block_types=("UpBlock2D",) * len(levels),
        layers_per_block=1,
        norm_num_groups=8,
        attention_head_dim=8,
    )


def train_ddpm(work: Path, steps: int, rate: float) -> UNet2DModel:
    """Train in `work/ddpm`, from its checkpoint if there is one; gives the averaged network."""
    shown = subjects(pictures.load(work, SIDE))
    torch.manual_seed(0)
    network = build()
    white = torch.full((len(shown.things), 3), 255.0)
    images = shown.on(white)
    schedule = DDPMScheduler(**SCHEDULER)
    plan = Plan(steps=steps, rate=rate, decay=0.7, average=0.998)
    train(
        network,
        lambda generator: loss(network, schedule, images, BATCH, generator),
        plan,
        work / FOLDER,
        optimizer=Muon.of(network, network, rate, plan.weight_decay),
    )
    return network


def subjects(every: Pictures) -> Pictures:
    """Those that the model is taught. Raises TrainingError if the packages lack one."""
    solid = every.where(styles=("3d",))
    missing = THINGS - {thing.name for thing in solid.things}
    if missing:
        raise TrainingError(
            f"The pictures have no {', '.join(sorted(missing))}: fetch the versions that are "
            "pinned, or change the lists in resources/training/ddpm.py."
        )
    return solid.at([i for i, thing in enumerate(solid.things) if thing.name in THINGS])


def loss(
    network: UNet2DModel,
    schedule: DDPMScheduler,
    images: Tensor,
    batch: int,
    generator: torch.Generator,
) -> Tensor:
    """Of one batch: the mean square of what the predicted v is off by. images: (N, 3, side, side),
    -1 to 1. The timesteps of a batch are spread evenly, so that its loss says more."""
    chosen = images[torch.randint(0, len(images), (batch,), generator=generator)]
    places = (torch.arange(batch) + torch.rand(batch, generator=generator)) / batch
    timesteps = (places * len(schedule.alphas_cumprod)).long()  # (batch)
    noise = torch.randn(chosen.shape, generator=generator)
    noisy = schedule.add_noise(chosen, noise, timesteps)  # pyright: ignore[reportArgumentType]
    wanted = schedule.get_velocity(chosen, noise, timesteps)  # pyright: ignore[reportArgumentType]
    return F.mse_loss(network(noisy, timesteps).sample, wanted)
