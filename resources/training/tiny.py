"""The tiny autoencoder's decoder and its training: it learns to make the pictures that the bundled
VAE makes of the same latents, in a fraction of the time (TAESD, github.com/madebyollin/taesd). A
stage; `export` writes what it leaves.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import safetensors.torch
import torch
import torch.nn.functional as F
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
from torch import Tensor

from resources.training import encoded, latents
from resources.training.latents import Counts, Decoded
from resources.training.loop import Plan, train

FOLDER = "tiny"
"""Of the work folder: where its latents, its checkpoint and its log lie."""
BATCH = 4
BUNDLED = encoded.BUNDLED / FOLDER / "diffusion_pytorch_model.safetensors"

SHAPE: dict[str, Any] = {
    "latent_channels": 4,
    "encoder_block_out_channels": (24, 24, 24, 24),
    "decoder_block_out_channels": (24, 24, 24, 24),
    "num_encoder_blocks": (1, 1, 1, 1),
    "num_decoder_blocks": (3, 3, 3, 1),
    "scaling_factor": 1.0,
}
"""TAESD's, narrower: the VAE that it stands in for is itself a small one. Its encoder is not
trained, nor exported."""


def build(shape: dict[str, Any] = SHAPE) -> AutoencoderTiny:
    """The network, with weights that the global seed of torch decides."""
    network = AutoencoderTiny(**shape)
    network.encoder.requires_grad_(False)
    return network


def train_tiny(
    work: Path, steps: int, rate: float, counts: Counts | None = None
) -> AutoencoderTiny:
    """Train in `work/tiny`, from its checkpoint if there is one, and else from the bundled one;
    gives the averaged network."""
    examples = latents.decoded(work, held_out=False, counts=counts)
    torch.manual_seed(0)
    network = build()
    network.load_state_dict(safetensors.torch.load_file(BUNDLED), strict=False)  # no encoder
    train(
        network,
        lambda generator: loss(network, examples, BATCH, generator),
        Plan(steps=steps, rate=rate, decay=0.6, weight_decay=0.0),
        work / FOLDER,
    )
    return network


def loss(
    network: AutoencoderTiny, examples: Decoded, batch: int, generator: torch.Generator
) -> Tensor:
    """Of one batch: L1 of the pictures, and of how they change from pixel to pixel, which keeps the
    edges."""
    chosen = torch.randint(0, len(examples.latents), (batch,), generator=generator)
    wanted = examples.pixels[chosen].float() / 127.5 - 1  # (batch, 3, H, W)
    made = network.decoder(examples.latents[chosen])
    across = F.l1_loss(made.diff(dim=3), wanted.diff(dim=3))
    down = F.l1_loss(made.diff(dim=2), wanted.diff(dim=2))
    return F.l1_loss(made, wanted) + 0.5 * (across + down)
