"""Autoencoders by themselves, in the place of a model's own or for previews, in every layout."""

from __future__ import annotations

import diffusers
import pytest
import torch

import engine
from engine.errors import LoadError
from engine.weights.folder import ModelFolder
from engine.weights.header import RefusedError
from engine.weights.lone_autoencoder import lone_autoencoder
from tests import original_layout
from tests.original_layout import assert_same, read, save


@pytest.fixture(scope="module")
def vae(folders):
    return read(ModelFolder(folders["sd1"]).tensors("vae"))


@pytest.mark.parametrize("layout", ["original", "in a checkpoint", "current", "folder", "model"])
def test_a_lone_vae_loads_from_any_layout(folders, originals, paths, vae, tmp_path, layout):
    prefix = original_layout.VAE
    original = {
        key.removeprefix(prefix): tensor
        for key, tensor in originals["sd1"].items()
        if key.startswith(prefix)
    }
    source = {
        "original": lambda: save(
            tmp_path / "vae.safetensors", original | {"loss.logvar": torch.zeros(1)}
        ),
        "in a checkpoint": lambda: paths["sd1"],
        "current": lambda: save(tmp_path / "vae.safetensors", vae),
        "folder": lambda: folders["sd1"] / "vae",
        "model": lambda: folders["sd1"],
    }[layout]()
    lone = lone_autoencoder(source)
    assert (lone.kind, lone.has("vae"), lone.has("unet")) == ("AutoencoderKL", True, False)
    assert lone.config()["block_out_channels"] == [32, 32, 64, 64]
    assert_same(read(lone.tensors("vae")), vae)
    with_own = engine.load(paths["sd1"], device="cpu", dtype="float32", vae=source)
    assert_same(with_own.vae.state_dict(), vae)
    assert with_own.vae.scaling_factor == 0.18215


def test_a_vae_of_another_file_is_scaled_as_its_model_needs_it(originals, paths, vae, tmp_path):
    without = {
        key: tensor
        for key, tensor in originals["sdxl"].items()
        if not key.startswith(original_layout.VAE)
    }
    path = save(tmp_path / "sdxl.safetensors", without)
    with pytest.raises(LoadError, match="vae"):
        engine.load(path, device="cpu")
    lone = save(tmp_path / "vae.safetensors", vae)
    assert engine.load(path, device="cpu", vae=lone).vae.scaling_factor == 0.13025


@pytest.mark.parametrize("layout", ["current", "decoder", "both"])
def test_a_tiny_autoencoder_loads_from_any_layout(paths, tmp_path, layout):
    torch.manual_seed(0)
    blocks = {"encoder_block_out_channels": (8,) * 4, "decoder_block_out_channels": (8,) * 4}
    current = diffusers.AutoencoderTiny(**blocks).state_dict()
    counted = {"encoder": 0, "decoder": 1}

    def taesd(half: str, prefix: str) -> dict:
        """The names of TAESD's own files, whose decoder begins with a layer without weights."""
        found = {}
        for key, tensor in current.items():
            if key.startswith(f"{half}.layers."):
                number, _, rest = key.removeprefix(f"{half}.layers.").partition(".")
                found[f"{prefix}{int(number) + counted[half]}.{rest}"] = tensor
        return found

    weights = {
        "current": current,
        "decoder": taesd("decoder", ""),
        "both": taesd("encoder", "taesd_encoder.") | taesd("decoder", "taesd_decoder."),
    }[layout]
    path = save(tmp_path / "taesd.safetensors", weights)
    lone = lone_autoencoder(path)
    assert lone.kind == "AutoencoderTiny"
    assert lone.config()["num_decoder_blocks"] == [3, 3, 3, 1]
    assert lone.config()["decoder_block_out_channels"] == [8] * 4
    wanted = {
        key: tensor
        for key, tensor in current.items()
        if layout != "decoder" or key.startswith("decoder.")
    }
    assert_same(read(lone.tensors("tiny")), wanted)
    pipeline = engine.load(paths["sd1"], device="cpu", dtype="float32", tiny=path)
    picture = engine.preview(pipeline, torch.randn(1, 4, 8, 8), kind="tiny")
    assert picture.shape == (64, 64, 3)


def test_the_encoder_of_a_tiny_autoencoder_is_refused(tmp_path):
    path = save(tmp_path / "taesd_encoder.safetensors", {"0.weight": torch.zeros(8, 3, 3, 3)})
    with pytest.raises(RefusedError, match="decoder"):
        lone_autoencoder(path)


def test_a_file_that_is_no_autoencoder_is_refused(paths, folders, tmp_path):
    other = save(tmp_path / "other.safetensors", {"something": torch.zeros(1)})
    for source in (other, folders["sd1"] / "unet"):
        with pytest.raises(LoadError, match=r"VAE|autoencoder"):
            engine.load(paths["sd1"], device="cpu", vae=source)
