"""Unconditional models: loading every layout, what a request may say, events, previews, records."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

import engine
from engine import Control, Edit, LoadError, Request, RequestError
from tests import tiny

UNET = "unet/diffusion_pytorch_model.safetensors"
REQUEST = Request(steps=5, seed=3)
WORDS = {"prompt", "negative"}


@pytest.fixture(scope="module")
def ddpm_folder(tmp_path_factory) -> Path:
    return tiny.save_ddpm(tmp_path_factory.mktemp("ddpm") / "tiny-cat", tiny.DDPM_CAT)


@pytest.fixture(scope="module")
def ddpm(ddpm_folder):
    return engine.load(ddpm_folder, device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def of_classes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("classes")
    tiny.save_ddpm(folder, tiny.DDPM_CIFAR | {"num_class_embeds": 4})
    return engine.load(folder, device="cpu", dtype="float32")


@pytest.fixture
def folder(ddpm_folder, tmp_path) -> Path:
    return shutil.copytree(ddpm_folder, tmp_path / "model")


def run(pipeline, request=REQUEST, control=None, start=None) -> list:
    return list(engine.generate(pipeline, request, control, start))


def pixels(pipeline, request=REQUEST) -> np.ndarray:
    return np.asarray(run(pipeline, request)[-1].images[0])


def change_json(path: Path, **changes) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def flattened(folder: Path) -> Path:
    """The same model as google/ddpm-cat-256 is laid out: everything at the top."""
    for path in [*(folder / "unet").iterdir(), *(folder / "scheduler").iterdir()]:
        path.rename(folder / path.name)
    (folder / "unet").rmdir()
    (folder / "scheduler").rmdir()
    return folder


def test_a_model_knows_itself(ddpm, of_classes):
    assert (ddpm.name, ddpm.family) == ("tiny-cat", "ddpm")
    assert (ddpm.abilities, ddpm.class_count) == (frozenset(), 0)
    assert (ddpm.sizes.multiple, ddpm.sizes.minimum) == (32, 32)
    default = ddpm.default_request
    assert (default.width, default.height, default.scheduler) == (32, 32, "ddpm")
    assert default.class_label is None
    assert len(ddpm.checkpoint_sha256()) == 64
    assert (of_classes.abilities, of_classes.class_count) == ({"classes"}, 4)
    assert of_classes.default_request.class_label == 0


@pytest.mark.parametrize("kind", ["DDPMPipeline", "DDIMPipeline", "PNDMPipeline"])
def test_every_pipeline_of_one_unet_is_loaded(folder, kind):
    change_json(folder / "model_index.json", _class_name=kind)
    assert engine.load(folder).family == "ddpm"


@pytest.mark.parametrize("kind", ["ScoreSdeVePipeline", "KarrasVePipeline", "LDMPipeline"])
def test_other_pipelines_are_refused_by_name(folder, kind):
    change_json(folder / "model_index.json", _class_name=kind)
    with pytest.raises(LoadError, match=kind):
        engine.load(folder)


def test_a_flat_folder_is_the_same_model(folder, ddpm):
    flat = engine.load(flattened(folder), device="cpu", dtype="float32")
    assert np.array_equal(pixels(flat), pixels(ddpm))
    assert flat.checkpoint_sha256() == ddpm.checkpoint_sha256()


def test_a_lone_network_with_its_scheduler_is_the_same_model(folder, ddpm):
    (flattened(folder) / "model_index.json").unlink()
    lone = engine.load(folder, device="cpu", dtype="float32")
    assert np.array_equal(pixels(lone), pixels(ddpm))


def test_a_lone_network_without_a_scheduler_takes_the_plain_one(folder, ddpm):
    (flattened(folder) / "model_index.json").unlink()
    (folder / "scheduler_config.json").unlink()
    lone = engine.load(folder, device="cpu", dtype="float32")
    assert np.array_equal(pixels(lone), pixels(ddpm))


def test_a_model_without_its_scheduler_is_incomplete(folder):
    shutil.rmtree(folder / "scheduler")
    with pytest.raises(LoadError, match=r"scheduler_config\.json"):
        engine.load(folder)


def test_a_lone_network_of_another_kind_is_named(tiny_folder):
    with pytest.raises(LoadError, match="UNet2DConditionModel"):
        engine.load(tiny_folder / "unet")


def test_a_unet_of_another_kind_is_named(folder):
    change_json(folder / "model_index.json", unet=["diffusers", "UNet2DConditionModel"])
    with pytest.raises(LoadError, match="UNet2DConditionModel"):
        engine.load(folder)


def test_old_attention_names_load(folder, ddpm):
    old = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    weights = {}
    for key, tensor in load_file(folder / UNET).items():
        for new, name in old.items():
            key = key.replace(f".{new}.", f".{name}.")
        weights[key] = tensor
    assert any(".proj_attn." in key for key in weights)
    save_file(weights, folder / UNET)
    loaded = engine.load(folder, device="cpu", dtype="float32")
    assert np.array_equal(pixels(loaded), pixels(ddpm))


def test_both_old_names_of_the_fourier_frequencies_load(tmp_path):
    config = tiny.DDPM_CIFAR | {"time_embedding_type": "fourier"}
    folder = tiny.save_ddpm(tmp_path, config)
    weights = load_file(folder / UNET)
    frequencies = weights["time_proj.weight"]
    save_file(weights | {"time_proj.W": frequencies.clone()}, folder / UNET)
    pipeline = engine.load(folder, dtype="bfloat16")
    assert torch.equal(pipeline.unet.time_proj.weight, frequencies)
    assert pipeline.dtype == torch.float32  # half precision would lose the angles


@pytest.mark.parametrize("name", ["config.json", "diffusion_pytorch_model.safetensors"])
def test_a_damaged_file_is_named(folder, name):
    (folder / "unet" / name).write_bytes(b"{")
    with pytest.raises(LoadError, match=name):
        engine.load(folder)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"in_channels": 4, "out_channels": 4}, "4 channels"),
        ({"out_channels": 6}, "6 channels of 3"),
        ({"class_embed_type": "timestep"}, "'timestep'"),
        ({"class_embed_type": "identity", "num_class_embeds": 3}, "'identity'"),
        ({"time_embedding_type": "learned", "num_train_timesteps": 20}, "20 timesteps"),
    ],
    ids=str,
)
def test_what_cannot_be_run_is_refused_when_it_is_loaded(tmp_path, change, words):
    folder = tiny.save_ddpm(tmp_path, tiny.DDPM_CIFAR | change)
    with pytest.raises(LoadError, match=words):
        engine.load(folder)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("down_block_types", ["DownBlock2D"]),
        ("down_block_types", ["DownBlock2D", "SkipDownBlock2D", "DownBlock2D", "DownBlock2D"]),
        ("up_block_types", ["UpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D", "UpBlock2D"]),
        ("up_block_types", ["UpBlock2D", "SkipUpBlock2D", "UpBlock2D", "UpBlock2D"]),
        ("block_out_channels", [8, 16, 16, 18]),
        ("norm_num_groups", None),
        ("attention_head_dim", 5),
        ("attn_norm_num_groups", 5),
        ("mid_block_type", "UNetMidBlock2DCrossAttn"),
        ("downsample_type", "kernel"),
        ("downsample_padding", 2),
        ("time_embedding_type", "random"),
        ("freq_shift", 4),
        ("resnet_time_scale_shift", "ada_group"),
        ("class_embed_type", "projection"),
        ("sample_size", [1, 2, 3]),
        ("act_fn", "tanh"),
        ("a_setting_from_the_future", 1),
    ],
    ids=str,
)
def test_a_setting_that_is_not_implemented_is_named(folder, key, value):
    config = tiny.DDPM_CIFAR | {key: value}
    (folder / "unet" / "config.json").write_text(json.dumps(config))
    named = "norm_num_groups" if key == "block_out_channels" else key
    with pytest.raises(LoadError, match=f"'{named}' is"):
        engine.load(folder)


@pytest.mark.parametrize(
    ("blocks", "widths"),
    [("Skip", [16, 16, 30]), ("Skip", [16, 256]), ("AttnSkip", [32, 64]), ("AttnSkip", [64, 80])],
)
def test_widths_that_skip_blocks_cannot_norm_are_named(folder, blocks, widths):
    config = {
        "block_out_channels": widths,
        "down_block_types": [f"{blocks}DownBlock2D"] * len(widths),
        "up_block_types": [f"{blocks}UpBlock2D"] * len(widths),
        "norm_num_groups": None,
        "attention_head_dim": None,
    }
    (folder / "unet" / "config.json").write_text(json.dumps(config))
    with pytest.raises(LoadError, match="'block_out_channels' is"):
        engine.load(folder)


def test_events_hold_the_picture_itself(ddpm):
    encoded, *steps, finished = run(ddpm, replace(REQUEST, count=2, width=64))
    assert (encoded.token_count, encoded.truncated) == (0, "")
    assert [step.index for step in steps] == list(range(5))
    assert {step.snapshot.latents.shape for step in steps} == {(2, 3, 32, 64)}
    assert [image.size for image in finished.images] == [(64, 32)] * 2
    last = finished.timeline[-1]
    assert last.unconditional is None
    picture = engine.preview(ddpm, last.latents[0])
    assert np.array_equal(picture, np.asarray(finished.images[0]))


@pytest.mark.parametrize("kind", ["auto", "vae", "linear", "tiny"])
def test_every_preview_is_the_picture(ddpm, kind, monkeypatch):
    latents = torch.linspace(-1.5, 1.5, 3 * 32 * 32).reshape(3, 32, 32)
    monkeypatch.setattr(ddpm.unet, "forward", None)  # and costs no evaluation
    picture = engine.preview(ddpm, latents, kind=kind)
    expected = (latents.clamp(-1, 1) / 2 + 0.5).mul(255).round().permute(1, 2, 0)
    assert np.array_equal(picture, expected.numpy())


def test_a_preview_that_nobody_knows_is_an_error(ddpm):
    with pytest.raises(engine.EngineError, match="vae"):
        engine.preview(ddpm, torch.zeros(3, 32, 32), kind="sketch")


def test_grey_becomes_rgb(tmp_path):
    grey = tiny.DDPM_CIFAR | {"in_channels": 1, "out_channels": 1}
    pipeline = engine.load(tiny.save_ddpm(tmp_path, grey))
    *_, finished = run(pipeline)
    picture = np.asarray(finished.images[0])
    assert picture.shape == (32, 32, 3)
    assert (picture[..., :1] == picture).all()
    assert picture.std() > 0
    assert engine.preview(pipeline, finished.timeline[-1].denoised).shape == (32, 32, 3)


@pytest.mark.parametrize("scheduler", engine.schedulers.names())
def test_every_scheduler_runs_branches_and_repeats(ddpm, scheduler):
    request = replace(REQUEST, scheduler=scheduler, steps=4)
    whole = run(ddpm, request)[-1]
    middle = whole.timeline[1]
    rest = run(ddpm, request, start=middle)[-1]
    assert torch.equal(rest.timeline[-1].latents, whole.timeline[-1].latents)
    assert rest.images[0].tobytes() == whole.images[0].tobytes()


def test_an_image_of_a_batch_is_that_image_alone(ddpm):
    batch = run(ddpm, replace(REQUEST, count=3))[-1].images
    for index, image in enumerate(batch):
        alone = run(ddpm, replace(REQUEST, seed=3 + index))[-1].images[0]
        assert alone.tobytes() == image.tobytes()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("prompt", "a cat"),
        ("negative_prompt", "a dog"),
        ("guidance_scale", 3.0),
        ("guidance_rescale", 0.5),
        ("guidance_interval", (0.0, 0.5)),
        ("edits", (Edit(2, "guidance_scale", 3.0),)),
    ],
)
def test_what_belongs_to_a_prompt_is_refused(ddpm, field, value):
    with pytest.raises(RequestError, match="this model takes no prompt") as caught:
        run(ddpm, replace(REQUEST, **{field: value}))
    assert caught.value.field == field


def test_guidance_at_its_default_or_the_models_own_changes_nothing(ddpm):
    first, second = (pixels(ddpm, replace(REQUEST, guidance_scale=scale)) for scale in (7.5, 1.0))
    assert np.array_equal(first, second)


def test_steering_a_run_without_guidance_is_passed_over(ddpm):
    control = Control()
    control.set_guidance_scale(9.0)
    control.set_prompt("a dog", negative="a cat")
    *steps, finished = run(ddpm, REQUEST, control)[1:]
    assert finished.record.edits == ()
    assert {step.guidance_scale for step in steps} == {1.0}
    assert np.array_equal(np.asarray(finished.images[0]), pixels(ddpm))


def test_pause_and_cancel_work(ddpm):
    control = Control()
    events = engine.generate(ddpm, REQUEST, control)
    next(events)
    next(events)
    control.pause()
    control.cancel()
    last = next(events)
    assert isinstance(last, engine.Cancelled)
    assert (last.at, len(last.timeline)) == (1, 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width": 48}, "width: 48 is not a multiple of 32.*32 or 64"),
        ({"class_label": 0}, "class_label: 0 .*no classes"),
        ({"scheduler": "euler", "eta": 0.5}, "eta"),
    ],
    ids=str,
)
def test_a_request_that_does_not_suit_is_one_clear_error(ddpm, change, message):
    with pytest.raises(RequestError, match=message):
        run(ddpm, replace(REQUEST, **change))


def test_a_class_is_drawn_recorded_and_checked(of_classes):
    drawn = run(of_classes, replace(REQUEST, class_label=2))[-1]
    assert drawn.record.request.class_label == 2
    assert "Class: 2" in drawn.record.to_parameters()
    own = run(of_classes, REQUEST)[-1]
    assert own.record.request.class_label == 0
    assert own.images[0].tobytes() != drawn.images[0].tobytes()
    with pytest.raises(RequestError, match=r"class_label: 4 is not a class.*0 to 3"):
        run(of_classes, replace(REQUEST, class_label=4))


def test_a_model_with_a_prompt_has_no_classes(tiny_pipeline):
    assert (tiny_pipeline.abilities, tiny_pipeline.class_count) == (WORDS, 0)
    with pytest.raises(RequestError, match="class_label"):
        run(tiny_pipeline, Request(width=64, height=64, class_label=1))


@pytest.mark.parametrize("value", [-1, 1.0, True, "cat"])
def test_a_class_is_a_whole_number(value):
    with pytest.raises(RequestError, match="class_label"):
        Request(class_label=value)


def test_a_class_survives_json():
    request = Request(class_label=3)
    assert Request.from_json(request.to_json()) == request


def test_the_record_says_nothing_of_guidance_and_makes_the_image_again(ddpm, tmp_path):
    finished = run(ddpm)[-1]
    engine.save(finished.images[0], tmp_path / "cat.png", finished.record)
    with Image.open(tmp_path / "cat.png") as image:
        record = engine.Record.from_json(image.text["safelight"])
        parameters = image.text["parameters"]
    assert record == finished.record
    assert parameters.startswith("Steps: 5, Sampler: DDPM, Seed: 3, Size: 32x32, ")
    assert "\n" not in parameters
    assert np.array_equal(pixels(ddpm, record.request), np.asarray(finished.images[0]))


def test_latents_that_are_not_finite_speak_of_no_guidance(ddpm, monkeypatch):
    def broken(x, *_):
        return (torch.full_like(x, float("nan")),)

    monkeypatch.setattr(ddpm, "denoiser", broken)
    with pytest.raises(engine.NonFiniteError) as caught:
        run(ddpm, replace(REQUEST, scheduler="euler"))
    assert "step 1 of 5" in str(caught.value)
    assert "guidance" not in str(caught.value)


def test_running_out_of_memory_says_what_would_help(ddpm, monkeypatch):
    def full(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(ddpm.unet, "forward", full)
    with pytest.raises(engine.OutOfMemory, match="smaller width"):
        run(ddpm)


def test_a_thousand_steps_stay_within_the_timelines_budget(tmp_path, monkeypatch):
    small = tiny.DDPM_CIFAR | {
        "block_out_channels": [4],
        "down_block_types": ["DownBlock2D"],
        "up_block_types": ["UpBlock2D"],
        "layers_per_block": 1,
        "mid_block_type": None,
    }
    pipeline = engine.load(tiny.save_ddpm(tmp_path, small), device="cpu", dtype="float32")
    monkeypatch.setattr(engine.Timeline.__init__, "__defaults__", (2**20,))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # waking more takes longer than this network does
    *_, finished = run(pipeline, replace(REQUEST, steps=1000, width=16, height=16))
    torch.set_num_threads(threads)
    timeline = finished.timeline
    assert 2**19 <= timeline.size <= 2**20
    assert (timeline[0].index, timeline[-1].index) == (0, 999)


def test_a_closed_model_says_so(folder):
    pipeline = engine.load(folder)
    pipeline.close()
    with pytest.raises(engine.EngineError, match="closed"):
        run(pipeline)


def test_loading_one_imports_no_text_encoder(ddpm_folder):
    code = f"import engine, sys; engine.load({str(ddpm_folder)!r}); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "transformers" not in done.stdout.split()
