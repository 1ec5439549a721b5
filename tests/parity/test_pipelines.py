"""Whole images beside diffusers' own pipeline: same folder, same request, same seed, float32."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModel

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
    "lcm": diffusers.LCMScheduler,
}
OWN_RESCALE = {tiny.BUNDLED: 0.7}
"""What a request that leaves it open means; diffusers is told."""
FIRST = ("pndm", "ddim", "ddpm", "unipc", "euler")
OTHERS = tuple(name for name in SCHEDULERS if name not in (*FIRST, "lcm"))
TURBO = {"beta_schedule": "scaled_linear", "timestep_spacing": "trailing", "steps_offset": 1}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    return {
        "sd1": tiny.save_stable_diffusion(root / "sd1", tiny.SD1),
        "sd2-v": tiny.save_stable_diffusion(root / "sd2-v", tiny.SD2, "v_prediction"),
        "bundled": tiny.BUNDLED,
    }


@pytest.fixture(scope="module")
def lcm(tmp_path_factory) -> Path:
    """The shape of SimianLuo/LCM_Dreamshaper_v7."""
    root = tmp_path_factory.mktemp("lcm")
    plain = tiny.save_stable_diffusion(root / "plain", tiny.SD1 | {"time_cond_proj_dim": 32})
    parts = dict(diffusers.StableDiffusionPipeline.from_pretrained(plain).components)
    parts["scheduler"] = diffusers.LCMScheduler.from_config(parts["scheduler"].config)
    pipeline = diffusers.LatentConsistencyModelPipeline(**parts, requires_safety_checker=False)
    pipeline.save_pretrained(root / "lcm")
    return root / "lcm"


def reference(folder, scheduler: str) -> Any:
    pipeline = diffusers.DiffusionPipeline.from_pretrained(folder, dtype=torch.float32)
    if type(pipeline.scheduler) is not SCHEDULERS[scheduler]:
        pipeline.scheduler = tiny.of_latents(SCHEDULERS[scheduler], pipeline.scheduler.config)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def theirs(
    folder, request: engine.Request, texts: dict[str, Any] | None = None
) -> list[np.ndarray]:
    """texts: take the place of the prompts."""
    assert request.scheduler is not None
    pipeline = reference(folder, request.scheduler)
    if texts is None:
        texts = {"prompt": [request.prompt] * request.count}
        if request.negative_prompt:
            texts["negative_prompt"] = [request.negative_prompt] * request.count
    seeds = range(request.seed, request.seed + request.count)
    images = pipeline(
        **texts,
        width=request.width,
        height=request.height,
        num_inference_steps=request.steps,
        guidance_scale=request.guidance_scale,
        guidance_rescale=OWN_RESCALE.get(folder, 0.0)
        if request.guidance_rescale is None
        else request.guidance_rescale,
        eta=request.eta,
        generator=[torch.Generator().manual_seed(seed) for seed in seeds],
    ).images
    return [np.asarray(image, np.int16) for image in images]


def ours(folder, request: engine.Request) -> list[np.ndarray]:
    pipeline = engine.load(folder, device="cpu", dtype="float32")
    *_, finished = engine.generate(pipeline, request)
    return [np.asarray(image, np.int16) for image in finished.images]


def assert_same(folder, request: engine.Request, texts: dict[str, Tensor] | None = None) -> None:
    for mine, other in zip(ours(folder, request), theirs(folder, request, texts), strict=True):
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
        guidance_rescale=defaults.guidance_rescale,
        scheduler=defaults.scheduler,
        seed=7,
    )
    assert_same(folders["bundled"], request)


SAYS_NOTHING = ("clip_sample", "thresholding", "steps_offset")
WRITTEN = {
    "left open": {},
    "clipped": {"clip_sample": True},
    "its class's own": {
        "clip_sample": True,
        "steps_offset": 0,
        "_use_default_values": ["clip_sample", "steps_offset"],
    },
}


@pytest.mark.filterwarnings("ignore:The configuration file of this scheduler")
@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("scheduler", [name for name in SCHEDULERS if name != "lcm"])
def test_what_a_folder_leaves_open_is_not_taken_from_pixels(folders, tmp_path, scheduler, written):
    """diffusers mends a folder's scheduler while it loads it: no clipping, the first timestep at 1.
    One that is put in afterwards has its class's own again, so the folder itself names each."""
    folder = shutil.copytree(folders["sd1"], tmp_path / "sd1")
    path = folder / "scheduler" / "scheduler_config.json"
    told = json.loads(path.read_text())
    told = {key: value for key, value in told.items() if key not in SAYS_NOTHING}
    told["_class_name"] = SCHEDULERS[scheduler].__name__
    path.write_text(json.dumps(told | WRITTEN[written]))
    index = json.loads((folder / "model_index.json").read_text())
    index["scheduler"] = ["diffusers", SCHEDULERS[scheduler].__name__]
    (folder / "model_index.json").write_text(json.dumps(index))

    pipeline = engine.load(folder, device="cpu", dtype="float32")
    reference = diffusers.StableDiffusionPipeline.from_pretrained(folder).scheduler
    options = engine.schedulers.create(scheduler, pipeline.scheduler_config, 5).options
    for key in ("clip_sample", "thresholding"):
        assert getattr(options, key, False) == reference.config.get(key, False) is False
    if scheduler in ("ddim", "ddpm", "pndm"):  # what is left open there comes from the folder alone
        assert options.steps_offset == 1
        request = engine.Request("an owl", scheduler=scheduler, steps=4, width=64, height=64)
        assert_same(folder, request)


@pytest.mark.parametrize("guidance_scale", [8.5, 1.0])
def test_a_model_that_embeds_its_guidance_equals_diffusers(lcm, guidance_scale):
    assert_same(
        lcm,
        engine.Request(
            "a red apple, 3d",
            scheduler="lcm",
            steps=4,
            guidance_scale=guidance_scale,
            width=64,
            height=64,
            count=2,
        ),
    )


@pytest.mark.parametrize("scheduler", ["euler", "euler_ancestral"])
def test_one_step_of_a_turbo_model_equals_diffusers(folders, scheduler, tmp_path):
    pipeline = diffusers.StableDiffusionPipeline.from_pretrained(folders["sd2-v"])
    pipeline.scheduler = diffusers.EulerDiscreteScheduler(**TURBO)
    pipeline.save_pretrained(tmp_path)
    default = engine.load(tmp_path).default_request
    assert (default.steps, default.guidance_scale) == (4, 1.0)
    for steps in (1, 4):
        request = replace(default, prompt="an owl", scheduler=scheduler, steps=steps, seed=5)
        assert_same(tmp_path, request)


@pytest.mark.parametrize("clip_skip", [2, 4])
def test_clip_skip_reads_that_layer_from_the_end(folders, clip_skip, tmp_path):
    """As AUTOMATIC1111 counts, for both prompts, with the final layer norm behind."""
    pipeline = diffusers.StableDiffusionPipeline.from_pretrained(folders["sd1"])
    settings = CLIPTextConfig(**pipeline.text_encoder.config.to_dict() | {"num_hidden_layers": 4})
    encoder = pipeline.text_encoder = CLIPTextModel(settings).eval()
    pipeline.save_pretrained(tmp_path)

    def layer(prompt: str) -> Tensor:
        ids = pipeline.tokenizer(prompt, padding="max_length", max_length=32, return_tensors="pt")
        hidden = encoder(ids.input_ids, output_hidden_states=True).hidden_states
        assert len(hidden) == 5
        return encoder.final_layer_norm(hidden[-clip_skip]).detach()

    request = engine.Request(
        "an owl",
        negative_prompt="blue",
        clip_skip=clip_skip,
        scheduler="ddim",
        steps=3,
        width=64,
        height=64,
    )
    texts = {"prompt_embeds": layer("an owl"), "negative_prompt_embeds": layer("blue")}
    assert_same(tmp_path, request, texts)
    assert not np.array_equal(
        ours(tmp_path, request), ours(tmp_path, replace(request, clip_skip=1))
    )
