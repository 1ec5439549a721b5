"""Whole images of Stable Diffusion XL and its kin beside diffusers' own pipeline, in float32."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import diffusers
import numpy as np
import pytest
from transformers import CLIPTextConfig

import engine
from tests import tiny
from tests.parity.test_pipelines import assert_same, ours

REQUEST = engine.Request(
    "a red apple, 3d", negative_prompt="blue background", steps=4, width=64, height=64, seed=3
)


@pytest.fixture(scope="module")
def sdxl(tmp_path_factory) -> Path:
    return tiny.save_sdxl(tmp_path_factory.mktemp("sdxl") / "model")


@pytest.mark.parametrize("scheduler", ["euler", "ddim", "unipc", "euler_ancestral", "dpmpp_2m"])
def test_an_image_equals_diffusers(sdxl, scheduler):
    assert_same(sdxl, replace(REQUEST, scheduler=scheduler))


@pytest.mark.parametrize(
    "change",
    [
        {"negative_prompt": ""},
        {"prompt": "", "negative_prompt": ""},
        {"prompt": "แอปเปิลสีแดง 🍎 " * 40},
        {"guidance_scale": 1.0},
        {"guidance_rescale": 0.7, "count": 2},
        {"width": 88, "height": 56},  # which the network is told, and in which order
    ],
    ids=str,
)
def test_other_requests_equal_diffusers(sdxl, change):
    assert_same(sdxl, replace(REQUEST, scheduler="euler", **change))


def test_a_model_may_want_no_zeros_for_no_negative_prompt(sdxl, tmp_path):
    request = replace(REQUEST, scheduler="euler", negative_prompt="")
    pipeline = diffusers.StableDiffusionXLPipeline.from_pretrained(sdxl)
    pipeline.register_to_config(force_zeros_for_empty_prompt=False)
    pipeline.save_pretrained(tmp_path)
    assert not json.loads((tmp_path / "model_index.json").read_text())[
        "force_zeros_for_empty_prompt"
    ]
    assert_same(tmp_path, request)
    assert not np.array_equal(ours(tmp_path, request), ours(sdxl, request))


def test_clip_skip_counts_from_the_last_layer_though_sdxl_reads_none_behind_the_last_but_one(
    sdxl, tmp_path
):
    pipeline = diffusers.StableDiffusionXLPipeline.from_pretrained(sdxl)
    for name in ("text_encoder", "text_encoder_2"):
        shallow = getattr(pipeline, name)
        settings = shallow.config.to_dict() | {"num_hidden_layers": 4}
        setattr(pipeline, name, type(shallow)(CLIPTextConfig(**settings)).eval())
    pipeline.save_pretrained(tmp_path)
    request = replace(REQUEST, scheduler="euler", guidance_scale=1.0, negative_prompt="")
    images = {
        clip_skip: ours(tmp_path, replace(request, clip_skip=clip_skip)) for clip_skip in (1, 2, 3)
    }
    assert np.array_equal(images[1], images[2])
    # diffusers counts from the last but one, and for the prompt alone.
    read = pipeline.encode_prompt("a red apple, 3d", clip_skip=1, do_classifier_free_guidance=False)
    texts = {"prompt_embeds": read[0].detach(), "pooled_prompt_embeds": read[2].detach()}
    assert_same(tmp_path, replace(request, clip_skip=3), texts)
    assert not np.array_equal(images[2], images[3])


def test_a_turbo_model_equals_diffusers(tmp_path):
    tiny.save_sdxl(tmp_path, timestep_spacing="trailing")
    default = engine.load(tmp_path).default_request
    assert (default.steps, default.guidance_scale) == (4, 1.0)
    for scheduler, steps in (("euler_ancestral", 1), ("euler", 4)):
        assert_same(tmp_path, replace(default, prompt="owl", scheduler=scheduler, steps=steps))


def test_a_model_that_embeds_its_guidance_equals_diffusers(tmp_path):
    tiny.save_sdxl(tmp_path, {"time_cond_proj_dim": 32})
    pipeline = diffusers.StableDiffusionXLPipeline.from_pretrained(tmp_path)
    pipeline.scheduler = diffusers.LCMScheduler.from_config(pipeline.scheduler.config)
    pipeline.save_pretrained(tmp_path)
    assert engine.load(tmp_path).family == "latent-consistency"
    request = replace(REQUEST, scheduler="lcm", guidance_scale=8.0)
    assert_same(tmp_path, request)
    assert not np.array_equal(
        ours(tmp_path, request), ours(tmp_path, replace(request, guidance_scale=2.0))
    )
