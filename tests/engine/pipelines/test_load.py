"""Loading: what is missing, damaged or foreign is one clear sentence that names the file."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import engine
from engine import LoadError
from engine.weights import strict

UNET = "unet/diffusion_pytorch_model.safetensors"
VAE = "vae/diffusion_pytorch_model.safetensors"
TEXT = "text_encoder/model.safetensors"


@pytest.fixture
def folder(tiny_folder, tmp_path):
    return shutil.copytree(tiny_folder, tmp_path / "model")


def assert_refused(folder, *words: str) -> None:
    with pytest.raises(LoadError) as caught:
        engine.load(folder, device="cpu", dtype="float32")
    message = str(caught.value)
    for word in words:
        assert word in message
    assert "\n" not in message


def change_json(path, change) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_the_bundled_model_knows_itself(bundled):
    assert bundled.name == "Emoji"
    assert bundled.family == "stable-diffusion"
    assert (bundled.sizes.multiple, bundled.sizes.minimum) == (8, 8)
    default = bundled.default_request
    assert (default.width, default.height, default.scheduler) == (128, 128, "unipc")
    assert (default.guidance_scale, default.guidance_rescale) == (2.0, 0.7)
    assert len(bundled.checkpoint_sha256()) == 64


@pytest.mark.parametrize(("asked", "taken"), [(None, 0.7), (0.0, 0.0), (0.2, 0.2)])
def test_what_a_request_leaves_open_is_the_models_own(bundled, asked, taken):
    """Its rescale too, as its size and its scheduler; 0 is a wish like any other."""
    request = engine.Request("an owl", steps=2, guidance_rescale=asked)
    made = list(engine.generate(bundled, request))
    assert made[-1].record.request.guidance_rescale == taken
    assert {event.snapshot.guidance_rescale for event in made[1:-1]} == {taken}
    assert engine.Record.from_json(made[-1].record.to_json()).request.guidance_rescale == taken


def test_settings_of_a_model_that_are_null_are_left_open(folder):
    own = {"guidance_rescale": None, "width": None, "scheduler": None, "steps": 3}
    (folder / "safelight.json").write_text(json.dumps({"default_request": own}))
    default = engine.load(folder, device="cpu", dtype="float32").default_request
    assert (default.guidance_rescale, default.width, default.scheduler) == (0.0, 64, "pndm")
    assert default.steps == 3


def test_loading_reports_its_progress(tiny_folder):
    seen = []
    engine.load(tiny_folder, device="cpu", progress=lambda part, what: seen.append((part, what)))
    fractions = [part for part, _ in seen]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)


@pytest.mark.parametrize("source", ["no/such/folder", "./nowhere", "somebody/unknown-model", ""])
def test_a_missing_folder_is_named(source):
    with pytest.raises(LoadError, match=source or "folder"):
        engine.load(source)


@pytest.mark.parametrize("prompt", ["3d render of owl", "flat illustration of pizza"])
def test_the_bundled_model_is_not_burnt_by_strong_guidance(prompt):
    """Of what its decoder makes, next to nothing lies beyond black and white; without its own
    rescale a third does."""
    pipeline = engine.load("bundled", device="cpu", dtype="float32")
    request = replace(pipeline.default_request, prompt=prompt, guidance_scale=12.0)
    *_, last = (it for it in engine.generate(pipeline, request) if isinstance(it, engine.Step))
    with torch.no_grad():
        made = pipeline.vae.decode(last.snapshot.denoised / pipeline.vae.scaling_factor)
    assert (made.abs() > 1.04).float().mean() < 0.06


def test_the_bundled_model_without_a_prompt_makes_a_thing_on_white():
    pipeline = engine.load("bundled-ddpm", device="cpu", dtype="float32")
    assert (pipeline.name, pipeline.family) == ("Emoji, no prompt", "ddpm")
    default = pipeline.default_request
    assert (default.width, default.height, default.steps) == (64, 64, 50)
    *_, finished = engine.generate(pipeline, replace(default, seed=0))
    pixels = np.asarray(finished.images[0]).astype(float)
    corners = pixels[[0, 0, -1, -1], [0, -1, 0, -1]]
    assert corners.min() > 235
    assert pixels[24:40, 24:40].min() < 200 and pixels.std() > 30


def test_a_folder_without_an_index_is_refused(tmp_path):
    assert_refused(tmp_path, "model_index.json")


def test_another_kind_of_pipeline_is_named(folder):
    change_json(folder / "model_index.json", lambda index: index.update(_class_name="FluxPipeline"))
    assert_refused(folder, "FluxPipeline")


@pytest.mark.parametrize("name", [UNET, VAE, TEXT])
@pytest.mark.parametrize("part", [0.0, 0.001, 0.5, 0.999])
def test_a_truncated_file_is_named(folder, name, part):
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: int(len(content) * part)])
    assert_refused(folder, name)


@pytest.mark.parametrize("garbage", [b"<html>404</html>", b"\xff" * 64, b"version https://git-lfs"])
def test_a_garbage_file_is_named(folder, garbage):
    (folder / UNET).write_bytes(garbage)
    assert_refused(folder, UNET)


@pytest.mark.parametrize("name", [UNET, VAE, TEXT])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    assert_refused(folder, name.split("/")[0])


def test_pickled_weights_are_refused_with_the_reason(folder):
    (folder / UNET).rename(folder / "unet" / "diffusion_pytorch_model.bin")
    assert_refused(folder, "pickle", "safetensors")


@pytest.mark.parametrize("name", [UNET, VAE, TEXT])
def test_missing_unexpected_and_misshapen_weights_are_named(folder, name):
    weights = load_file(folder / name)
    gone, bent = sorted(weights)[:2]
    del weights[gone]
    weights[bent] = torch.zeros(1, 2, 3)
    weights["stray.weight"] = torch.zeros(1)
    save_file(weights, folder / name)
    assert_refused(folder, name, gone.removeprefix("text_model."), "stray.weight", "(1, 2, 3)")


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("unet/config.json", "block_out_channels"),
        ("unet/config.json", "cross_attention_dim"),
        ("vae/config.json", "block_out_channels"),
    ],
)
def test_a_config_without_a_required_key_is_named(folder, name, key):
    change_json(folder / name, lambda config: config.pop(key))
    assert_refused(folder, key)


@pytest.mark.parametrize(
    "name",
    ["model_index.json", "unet/config.json", "vae/config.json", "scheduler/scheduler_config.json"],
)
@pytest.mark.parametrize("content", ["", "{", "[]", '"text"', "\x00"])
def test_a_damaged_json_file_is_named(folder, name, content):
    (folder / name).write_text(content)
    assert_refused(folder, name)


@pytest.mark.parametrize("content", ["", "{}", "garbage"])
def test_a_damaged_tokenizer_is_named(folder, content):
    (folder / "tokenizer" / "tokenizer.json").write_text(content)
    assert_refused(folder, "tokenizer")


@pytest.mark.parametrize("most", ["77", [77], True, {}, 0, 2, -5, float("nan")])
def test_a_tokenizer_that_takes_no_number_of_tokens_is_named(folder, most):
    path = folder / "tokenizer" / "tokenizer_config.json"
    change_json(path, lambda settings: settings.update(model_max_length=most))
    assert_refused(folder, "model_max_length", "tokenizer_config.json")


def test_a_setting_that_is_not_implemented_is_named_with_its_value(folder):
    change_json(folder / "unet/config.json", lambda config: config.update(act_fn="snake"))
    assert_refused(folder, "act_fn", "snake")


def test_an_unknown_scheduler_class_is_named(folder):
    path = folder / "scheduler/scheduler_config.json"
    change_json(path, lambda config: config.update(_class_name="FancyScheduler"))
    with pytest.raises(engine.EngineError, match="FancyScheduler"):
        engine.load(folder, device="cpu")


def test_components_that_do_not_fit_each_other_are_refused(folder, tiny_folder):
    shutil.rmtree(folder / "unet")
    shutil.copytree(engine_resources() / "unet", folder / "unet")
    assert_refused(folder, "256", "32")


def engine_resources():
    from tests import tiny

    return tiny.BUNDLED


@pytest.mark.parametrize("device", ["cuda:99", "teapot"])
def test_a_device_that_is_not_there_is_named(tiny_folder, device):
    with pytest.raises(LoadError, match=device):
        engine.load(tiny_folder, device=device)


def test_an_unknown_dtype_is_named(tiny_folder):
    with pytest.raises(LoadError, match="float8"):
        engine.load(tiny_folder, dtype="float8")


def test_old_attention_names_of_a_vae_load(folder):
    old = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    weights = {}
    for key, tensor in load_file(folder / VAE).items():
        for new, name in old.items():
            if ".attentions." in key:
                key = key.replace(f".{new}.", f".{name}.")
        weights[key] = tensor
    assert any(".proj_attn." in key for key in weights)
    save_file(weights, folder / VAE)
    assert engine.load(folder, device="cpu").vae is not None


def test_nested_names_of_a_text_encoder_load(folder):
    weights = {f"text_model.{key}": tensor for key, tensor in load_file(folder / TEXT).items()}
    weights["text_model.embeddings.position_ids"] = torch.arange(32)[None]
    save_file(weights, folder / TEXT)
    text = engine.load(folder, device="cpu").text
    assert text.encode("apple").hidden.shape == (1, 32, 32)


def test_a_folder_name_in_thai_with_spaces_and_emoji_loads(tiny_folder, tmp_path):
    folder = shutil.copytree(tiny_folder, tmp_path / "โมเดล ของฉัน 🍎")
    assert engine.load(folder, device="cpu").name == "โมเดล ของฉัน 🍎"


def test_loading_opens_no_connection(tiny_folder, monkeypatch):
    import socket

    def refuse(*_):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    engine.load(tiny_folder, device="cpu")
    with pytest.raises(LoadError):
        engine.load("somebody/unknown-model")


@pytest.mark.parametrize("resting", [1, 2**40])
@pytest.mark.parametrize("half", [torch.float16, torch.bfloat16])
def test_a_large_network_keeps_the_half_numbers_of_its_file_and_makes_the_same(
    folder, half, resting, monkeypatch
):
    monkeypatch.setattr(strict, "RESTING", resting)
    for path in (UNET, VAE):
        weights = {key: tensor.to(half) for key, tensor in load_file(folder / path).items()}
        save_file(weights, folder / path)
    request = engine.Request("an owl", steps=4, seed=5, width=32, height=32)

    def made(dtype):
        pipeline = engine.load(folder, device="cpu", dtype=dtype)
        *_, finished = engine.generate(pipeline, request)
        return pipeline, finished

    def held(network):
        return {name: parameter.dtype for name, parameter in network.named_parameters()}

    # Large for what is kept, small for how it is laid out, which rounds otherwise.
    monkeypatch.setattr(strict, "is_large", lambda network: False)
    wide, exact = made("float32")
    monkeypatch.setattr(strict, "is_large", lambda network: True)
    narrow, same = made("float32")
    for whole, kept in ((wide.unet, narrow.unet), (wide.vae, narrow.vae)):
        assert set(held(whole).values()) == {torch.float32}
        assert set(held(kept).values()) == {torch.float32, half}
        assert all(dtype == torch.float32 for name, dtype in held(kept).items() if "norm" in name)
        assert kept.dtype == torch.float32
    assert same.images[0].tobytes() == exact.images[0].tobytes()
    assert torch.equal(same.timeline[-1].latents, exact.timeline[-1].latents)
    other, _ = made("bfloat16" if half == torch.float16 else "float16")  # no wider: converted
    assert half not in held(other.unet).values()
