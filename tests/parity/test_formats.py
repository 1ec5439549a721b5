"""The formats of a checkpoint beside diffusers: its own folders, plain, as a variant and in shards;
the same models as single files; and its `from_single_file`. Float32, the same request and seed."""

from __future__ import annotations

import socket

import diffusers
import numpy as np
import pytest
import torch

import engine
from tests import original_layout, original_models, tiny

SCHEDULERS = {
    "ddim": diffusers.DDIMScheduler,
    "euler": diffusers.EulerDiscreteScheduler,
    "lcm": diffusers.LCMScheduler,
}
FAMILIES = {"sd1": "ddim", "sd2": "ddim", "sdxl": "euler", "lcm": "lcm"}
"""And the scheduler of its images here."""
SINGLE = {
    "sd1": diffusers.StableDiffusionPipeline,
    "sd2": diffusers.StableDiffusionPipeline,
    "sdxl": diffusers.StableDiffusionXLPipeline,
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    return {name: original_models.save_original_model(root / name, name) for name in FAMILIES}


@pytest.fixture(scope="module")
def files(folders):
    return {
        name: original_layout.save_original(folder, folder.parent / f"{name}.safetensors")
        for name, folder in folders.items()
    }


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    """diffusers asks the Hub for what it does not find, and so would not be compared."""

    def refuse(*_):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def request(scheduler: str, **more) -> engine.Request:
    fields = {"steps": 4, "width": 64, "height": 64, "seed": 3, "guidance_scale": 5.0}
    prompt = "A red apple, wow! naïve แอปเปิล 🍎"
    return engine.Request(prompt, scheduler=scheduler, **(fields | more))


def ours(source, asked: engine.Request, **options) -> np.ndarray:
    pipeline = engine.load(source, device="cpu", dtype="float32", **options)
    *_, finished = engine.generate(pipeline, asked)
    return np.asarray(finished.images[0], np.int16)


def theirs(pipeline, asked: engine.Request) -> np.ndarray:
    scheduler = SCHEDULERS[asked.scheduler]
    pipeline.scheduler = tiny.of_latents(scheduler, pipeline.scheduler.config)
    pipeline.set_progress_bar_config(disable=True)
    images = pipeline(
        asked.prompt,
        width=asked.width,
        height=asked.height,
        num_inference_steps=asked.steps,
        guidance_scale=asked.guidance_scale,
        generator=torch.Generator().manual_seed(asked.seed),
    ).images
    return np.asarray(images[0], np.int16)


def assert_same(mine: np.ndarray, other: np.ndarray) -> None:
    assert mine.shape == other.shape
    assert mine.std() > 0, "a picture of one colour proves nothing"
    assert np.abs(mine - other).max() <= 1


@pytest.mark.parametrize("family", FAMILIES)
def test_a_single_file_makes_the_image_of_the_folder_it_is_made_of(folders, files, family):
    asked = request(FAMILIES[family])
    reference = diffusers.DiffusionPipeline.from_pretrained(folders[family])
    expected = theirs(reference, asked)
    assert_same(ours(files[family], asked), expected)
    assert_same(ours(folders[family], asked), expected)


@pytest.mark.parametrize("family", SINGLE)
def test_a_single_file_is_what_diffusers_makes_of_it(folders, files, family):
    reference = SINGLE[family].from_single_file(
        str(files[family]), config=str(folders[family]), local_files_only=True
    )
    pipeline = engine.load(files[family], device="cpu", dtype="float32")
    readers = getattr(pipeline.text, "readers", [pipeline.text])
    networks = {
        "unet": pipeline.unet,
        "vae": pipeline.vae,
        **{
            name: reader.encoder
            for name, reader in zip(("text_encoder", "text_encoder_2"), readers, strict=False)
        },
    }
    for name, network in networks.items():
        mine = network.state_dict()
        other = {  # transformers nests one of its two classes
            key.removeprefix("text_model."): tensor
            for key, tensor in getattr(reference, name).state_dict().items()
        }
        assert mine.keys() == other.keys()
        assert all(torch.equal(mine[key], other[key]) for key in mine), name
    asked = request(FAMILIES[family])
    assert_same(ours(files[family], asked), theirs(reference, asked))


SAVED = {
    "sd1": lambda folder: tiny.save_stable_diffusion(folder, tiny.SD1),
    "sd2-v": lambda folder: tiny.save_stable_diffusion(folder, tiny.SD2, "v_prediction"),
    "sdxl": tiny.save_sdxl,
    "turbo": lambda folder: tiny.save_sdxl(folder, timestep_spacing="trailing"),
    "lcm": lambda folder: original_models.save_original_model(folder, "lcm"),
}
ASKED = {
    "sd1": request("ddim"),
    "sd2-v": request("ddim"),
    "sdxl": request("euler"),
    "turbo": request("euler", guidance_scale=1.0, steps=1),
    "lcm": request("lcm"),
}
SHARD = {"lcm": "3MB"}


@pytest.mark.parametrize("family", SAVED)
def test_a_folder_of_any_form_makes_diffusers_image(tmp_path, family):
    plain, asked = SAVED[family](tmp_path / "plain"), ASKED[family]
    pipeline = diffusers.DiffusionPipeline.from_pretrained(plain)
    pipeline.save_pretrained(tmp_path / "sharded", max_shard_size=SHARD.get(family, "300KB"))
    assert list(tmp_path.glob("sharded/unet/*-00002-of-*.safetensors"))
    expected = theirs(pipeline, asked)
    assert_same(ours(plain, asked), expected)
    assert_same(ours(tmp_path / "sharded", asked), expected)
    pipeline.to(torch.float16)
    pipeline.save_pretrained(tmp_path / "fp16", variant="fp16")
    pipeline.to(torch.float32)  # the weights of the variant, rounded as they are
    assert_same(ours(tmp_path / "fp16", asked), theirs(pipeline, asked))
