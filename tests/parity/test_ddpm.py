"""Whole pictures beside diffusers' own DDPMPipeline and DDIMPipeline: same folder, same seed,
float32.
"""

from __future__ import annotations

import importlib
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

import engine
from tests import tiny

# Loaded by name: diffusers fills its namespace at run time, and its types do not tell what it does.
diffusers: Any = importlib.import_module("diffusers")

STEPS = 10
COLOUR = tiny.DDPM_CIFAR | {"sample_size": 16}
SKIP = {
    "sample_size": 16,
    "block_out_channels": [16, 16],
    "down_block_types": ["SkipDownBlock2D"] * 2,
    "up_block_types": ["SkipUpBlock2D"] * 2,
    "layers_per_block": 1,
    "norm_num_groups": None,
    "attention_head_dim": None,
}
MODELS: dict[str, dict[str, Any]] = {
    "ddpm-cat-256": tiny.DDPM_CAT,
    "ddpm-cifar10-32": COLOUR,
    "skip": SKIP,
    "not-square": COLOUR | {"sample_size": [16, 24]},
    "learned-timesteps": COLOUR | {"time_embedding_type": "learned", "num_train_timesteps": 1000},
}


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # waking more takes longer than these networks do
    yield
    torch.set_num_threads(threads)


def ours(folder, **change) -> list[np.ndarray]:
    pipeline = engine.load(folder, device="cpu", dtype="float32")
    *_, finished = engine.generate(pipeline, engine.Request(steps=STEPS, **change))
    return [np.asarray(image, np.int16) for image in finished.images]


def theirs(pipeline, seeds, **settings) -> list[np.ndarray]:
    pipeline.set_progress_bar_config(disable=True)
    images = pipeline(
        batch_size=len(seeds),
        num_inference_steps=STEPS,
        generator=[torch.Generator().manual_seed(seed) for seed in seeds],
        **settings,
    ).images
    return [np.asarray(image.convert("RGB"), np.int16) for image in images]


def assert_same(mine: list[np.ndarray], others: list[np.ndarray]) -> None:
    for image, other in zip(mine, others, strict=True):
        assert image.shape == other.shape
        assert image.std() > 5, "a picture of one colour proves nothing"
        assert np.abs(image - other).max() <= 1


@pytest.mark.parametrize("model", MODELS)
def test_a_ddpm_image_equals_diffusers(model, tmp_path):
    folder = tiny.save_ddpm(tmp_path, MODELS[model])
    reference = diffusers.DDPMPipeline.from_pretrained(folder)
    assert_same(ours(folder, seed=3, count=2), theirs(reference, (3, 4)))


@pytest.mark.parametrize("eta", [0.0, 1.0])
@pytest.mark.parametrize("model", ["ddpm-cat-256", "ddpm-cifar10-32"])
def test_a_ddim_image_equals_diffusers(model, eta, tmp_path):
    folder = tiny.save_ddpm(tmp_path, MODELS[model], diffusers.DDIMPipeline)
    reference = diffusers.DDIMPipeline.from_pretrained(folder)
    assert_same(ours(folder, seed=0, eta=eta), theirs(reference, (0,), eta=eta))


def test_a_grey_image_equals_diffusers(tmp_path):
    folder = tiny.save_ddpm(tmp_path, COLOUR | {"in_channels": 1, "out_channels": 1})
    unet = diffusers.UNet2DModel.from_pretrained(folder, subfolder="unet")
    scheduler = diffusers.DDPMScheduler.from_pretrained(folder, subfolder="scheduler")
    assert_same(ours(folder), theirs(diffusers.DDPMPipeline(unet, scheduler), (0,)))


@pytest.mark.parametrize("label", [None, 0, 6])
def test_an_image_of_a_class_equals_diffusers(label, tmp_path):
    folder = tiny.save_ddpm(tmp_path, COLOUR | {"num_class_embeds": 7})
    reference = diffusers.DDPMPipeline.from_pretrained(folder)
    # diffusers' pipeline knows no classes, so its network is told behind its back.
    labels = torch.tensor([label or 0])
    reference.unet.forward = partial(reference.unet.forward, class_labels=labels)
    assert_same(ours(folder, class_label=label), theirs(reference, (0,)))


@torch.no_grad()
def by_hand(folder, name: str) -> list[np.ndarray]:
    """diffusers' network and scheduler in a loop of our own; its pipelines take only two."""
    reference = diffusers.DDPMPipeline.from_pretrained(folder)
    kind = getattr(diffusers, engine.schedulers.describe(name).class_name)
    scheduler = kind.from_config(reference.scheduler.config)
    scheduler.set_timesteps(STEPS)
    noise = torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    x = noise * scheduler.init_noise_sigma
    for t in scheduler.timesteps:
        output = reference.unet(scheduler.scale_model_input(x, t), t).sample
        x = scheduler.step(output, t, x).prev_sample
    pixels = (x / 2 + 0.5).clamp(0, 1).mul(255).round()[0].permute(1, 2, 0)
    return [pixels.numpy().astype(np.int16)]


@pytest.mark.parametrize("name", ["unipc", "euler", "ddim"])
def test_other_schedulers_equal_diffusers(name, tmp_path):
    folder = tiny.save_ddpm(tmp_path, COLOUR)
    assert_same(ours(folder, scheduler=name), by_hand(folder, name))
