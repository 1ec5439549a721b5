"""The UNet of the Emoji model and its training: from noise, and what the text encoder tells of a
caption, to the latents of a picture, with v-prediction (Salimans and Ho, arXiv:2202.00512). A
stage, after `text`; `export` writes what it leaves.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from torch import Tensor
from tqdm import tqdm
from transformers import CLIPTextModel

from engine.hardware.device import pick_dtype
from resources.training import encoded, text, vocabulary
from resources.training.checkpoints import average
from resources.training.loop import Plan, train
from resources.training.muon import Muon
from resources.training.text import Examples

FOLDER = "diffusion"
"""Of the work folder: where its checkpoint and its log lie."""
BATCH = 48
SAID = 4
"""Captions of each picture on each background, encoded once."""
ENCODED = 128
"""At a time."""
EMPTY = 0.08
"""Share of captions that are left empty, for guidance."""
NOISY = 0.55
"""The power of the timesteps' share of the whole: what is drawn is settled where the noise is high,
and there the UNet is furthest from what the text encoder tells it."""
SEED = 9


@dataclass(frozen=True)
class Told:
    """latents: (N, 4, 16, 16); states: float16 (N, SAID, T, width), of the captions of each; empty:
    (T, width), of the empty caption."""

    latents: Tensor
    states: Tensor
    empty: Tensor


def train_diffusion(work: Path, steps: int, rate: float) -> UNet2DConditionModel:
    """Train in `work/diffusion`, from its checkpoint if there is one, and else from the bundled
    UNet; gives the averaged network."""
    told = tell(encoder(work), text.load(work))
    torch.manual_seed(0)
    unet = UNet2DConditionModel.from_pretrained(encoded.BUNDLED / "unet").float()
    schedule = DDPMScheduler(**_schedule())
    plan = Plan(steps=steps, rate=rate, decay=0.7, average=0.995)
    train(
        unet,
        lambda generator: loss(unet, schedule, told, BATCH, generator),
        plan,
        work / FOLDER,
        text.EVERY,
        Muon.of(unet, unet, rate, plan.weight_decay, kept=2),
        products=pick_dtype("auto", torch.device("cpu")),
    )
    return unet


def _schedule() -> dict[str, Any]:
    """What the bundled model's scheduler says of the noise."""
    told = encoded.schedule()
    keys = ("num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "prediction_type")
    return {key: told[key] for key in keys}


def encoder(work: Path) -> CLIPTextModel:
    """The one that `text` left. Raises TrainingError where it was not run."""
    weights = average(work / text.FOLDER, "encoder")
    made = CLIPTextModel.from_pretrained(encoded.BUNDLED / "text_encoder").float()
    count = len(vocabulary.load(work / vocabulary.FOLDER))
    made.resize_token_embeddings(count, mean_resizing=False)
    made.load_state_dict(weights)
    return made.eval()


@torch.no_grad()
def tell(network: CLIPTextModel, examples: Examples, said: int = SAID) -> Told:
    drawer = random.Random(SEED)
    count = len(examples.pictures.latents)
    texts = [text.caption(examples, i, drawer)[0] for i in range(count) for _ in range(said)]
    states = []
    for first in tqdm(range(0, len(texts), ENCODED), desc="captions", mininterval=5):
        tokens = examples.tokens(texts[first : first + ENCODED])
        states.append(network(tokens).last_hidden_state.half())
    empty = network(examples.tokens([""])).last_hidden_state[0]
    return Told(examples.pictures.latents, torch.cat(states).unflatten(0, (count, said)), empty)


def loss(
    unet: UNet2DConditionModel,
    schedule: DDPMScheduler,
    told: Told,
    batch: int,
    generator: torch.Generator,
) -> Tensor:
    """Of one batch: the mean square of what the predicted v is off by. The timesteps of a batch are
    spread over all, more of them where there is more noise."""
    chosen = torch.randint(0, len(told.latents), (batch,), generator=generator)
    said = torch.randint(0, told.states.shape[1], (batch,), generator=generator)
    states = told.states[chosen, said].float()  # (batch, T, width)
    states[torch.rand(batch, generator=generator) < EMPTY] = told.empty
    latents = told.latents[chosen]
    places = (torch.arange(batch) + torch.rand(batch, generator=generator)) / batch
    timesteps = (places**NOISY * len(schedule.alphas_cumprod)).long()  # (batch)
    noise = torch.randn(latents.shape, generator=generator)
    noisy = schedule.add_noise(latents, noise, timesteps)  # pyright: ignore[reportArgumentType]
    wanted = schedule.get_velocity(latents, noise, timesteps)  # pyright: ignore[reportArgumentType]
    return F.mse_loss(unet(noisy, timesteps, states).sample, wanted)
