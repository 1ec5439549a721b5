"""Whole images beside diffusers' own pipeline: same folder, same request, same seed, float32."""

from __future__ import annotations

from itertools import product

import diffusers
import numpy as np
import pytest
import torch

import engine
from tests import tiny

SCHEDULERS = {
    "pndm": diffusers.PNDMScheduler,
    "ddim": diffusers.DDIMScheduler,
    "ddpm": diffusers.DDPMScheduler,
    "unipc": diffusers.UniPCMultistepScheduler,
    "euler": diffusers.EulerDiscreteScheduler,
    "euler_ancestral": diffusers.EulerAncestralDiscreteScheduler,
    "dpmpp_2m": diffusers.DPMSolverMultistepScheduler,
    "heun": diffusers.HeunDiscreteScheduler,
    "deis": diffusers.DEISMultistepScheduler,
    "sa_solver": diffusers.SASolverScheduler,
}
FIRST = ("pndm", "ddim", "ddpm", "unipc", "euler")
OTHERS = tuple(name for name in SCHEDULERS if name not in FIRST)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    return {
        "sd1": tiny.save_stable_diffusion(root / "sd1", tiny.SD1),
        "sd2-v": tiny.save_stable_diffusion(root / "sd2-v", tiny.SD2, "v_prediction"),
        "bundled": tiny.BUNDLED,
    }


def reference(folder, scheduler: str) -> diffusers.StableDiffusionPipeline:
    pipeline = diffusers.StableDiffusionPipeline.from_pretrained(folder, dtype=torch.float32)
    pipeline.scheduler = SCHEDULERS[scheduler].from_config(pipeline.scheduler.config)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def theirs(folder, request: engine.Request) -> list[np.ndarray]:
    assert request.scheduler is not None
    pipeline = reference(folder, request.scheduler)
    seeds = range(request.seed, request.seed + request.count)
    images = pipeline(
        [request.prompt] * request.count,
        negative_prompt=[request.negative_prompt] * request.count,
        width=request.width,
        height=request.height,
        num_inference_steps=request.steps,
        guidance_scale=request.guidance_scale,
        guidance_rescale=request.guidance_rescale,
        eta=request.eta,
        generator=[torch.Generator().manual_seed(seed) for seed in seeds],
    ).images
    return [np.asarray(image, np.int16) for image in images]


def ours(folder, request: engine.Request) -> list[np.ndarray]:
    pipeline = engine.load(folder, device="cpu", dtype="float32")
    *_, finished = engine.generate(pipeline, request)
    return [np.asarray(image, np.int16) for image in finished.images]


def assert_same(folder, request: engine.Request) -> None:
    for mine, other in zip(ours(folder, request), theirs(folder, request), strict=True):
        assert mine.shape == other.shape
        assert mine.std() > 0, "a picture of one colour proves nothing"
        assert np.abs(mine - other).max() <= 1


@pytest.mark.parametrize(
    ("model", "scheduler"),
    [
        *product(["sd1", "sd2-v", "bundled"], FIRST),
        *product(["sd1"], OTHERS),
    ],
)
def test_a_five_step_image_equals_diffusers(folders, model, scheduler):
    request = engine.Request(
        "a red apple, 3d",
        negative_prompt="blue background",
        scheduler=scheduler,
        steps=5,
        width=64,
        height=64,
        seed=3,
    )
    assert_same(folders[model], request)


@pytest.mark.parametrize(
    "change",
    [
        {"guidance_scale": 1.0},
        {"count": 2, "seed": 0},
        {"width": 88, "height": 56},
        {"guidance_rescale": 0.7},
        {"scheduler": "ddim", "eta": 1.0, "count": 2},
        {"prompt": "", "negative_prompt": ""},
        {"prompt": "แอปเปิลสีแดง 🍎 " * 40},
    ],
    ids=str,
)
def test_other_requests_equal_diffusers(folders, change):
    plain = {"prompt": "an owl", "scheduler": "unipc", "steps": 4, "width": 64, "height": 64}
    assert_same(folders["sd1"], engine.Request(**(plain | change)))


def test_the_bundled_model_with_its_own_settings_equals_diffusers(folders):
    defaults = engine.load("bundled").default_request
    request = engine.Request(
        "a red apple, 3d",
        width=128,
        height=128,
        steps=defaults.steps,
        guidance_scale=defaults.guidance_scale,
        scheduler=defaults.scheduler,
        seed=7,
    )
    assert_same(folders["bundled"], request)
