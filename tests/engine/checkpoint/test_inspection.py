"""What is told of the files and folders that people have: the family of each, whether it can be
used, and what is wrong with it.
"""

from __future__ import annotations

import json
import os
import pickle
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import families
from engine.checkpoint import inspect, scan
from tests.checkpoints import (
    SD1,
    SD1_TEXT,
    SD2_TEXT,
    TINY_DECODER,
    UNET,
    VAE,
    XL_TEXT,
    has_one_sentence,
    names,
    original,
    told,
    write,
)
from tests.original_layout import save_original

FAMILIES = {
    "sd1": ("stable-diffusion-1", "epsilon"),
    "sd2": ("stable-diffusion-2", "v_prediction"),
    "sdxl": ("stable-diffusion-xl", "epsilon"),
    "lcm": ("latent-consistency", "epsilon"),
    "ddpm": ("ddpm", "epsilon"),
}


@pytest.mark.parametrize("name", FAMILIES)
def test_tells_a_folder(folders: Path, name: str) -> None:
    found = inspect(folders / name)
    family, prediction = FAMILIES[name]
    assert told(found) == (family, prediction, False, "float32", "ready")
    assert (found.layout, found.loadable, found.problem) == ("folder", True, "")
    assert found.source == str(folders / name)
    assert found.bytes == sum(Path(file).stat().st_size for file in found.files)
    assert all(Path(file).is_file() for file in found.files)


@pytest.mark.parametrize("name", ["sd1", "sd2", "sdxl", "lcm"])
def test_tells_the_same_model_in_one_file(folders: Path, tmp_path: Path, name: str) -> None:
    file = save_original(folders / name, tmp_path / f"{name}.safetensors")
    found = inspect(file)
    family, prediction = FAMILIES[name]
    told_by_file = None if name == "sd2" else prediction
    assert told(found) == (family, told_by_file, False, "float32", "ready")
    assert (found.layout, found.name, found.files) == ("file", name, (str(file),))
    assert found.bytes == file.stat().st_size


@pytest.mark.parametrize(
    ("shapes", "family", "prediction", "inpainting"),
    [
        (original(SD1_TEXT, channels=9), "stable-diffusion-1", "epsilon", True),
        (original(SD2_TEXT, channels=9), "stable-diffusion-2", "epsilon", True),
        (original(*XL_TEXT, channels=9), "stable-diffusion-xl", "epsilon", True),
        ({**original(SD2_TEXT), "v_pred": ()}, "stable-diffusion-2", "v_prediction", False),
        ({**original(*XL_TEXT), "v_pred": ()}, "stable-diffusion-xl", "v_prediction", False),
        (VAE, "vae", None, False),
        (TINY_DECODER, "tiny-autoencoder", None, False),
    ],
)
def test_tells_a_file(
    tmp_path: Path, shapes: Any, family: str, prediction: str | None, inpainting: bool
) -> None:
    found = inspect(write(tmp_path / "x.safetensors", shapes))
    assert told(found) == (family, prediction, inpainting, "float16", "ready")
    assert found.loadable == (family not in ("vae", "tiny-autoencoder"))


@pytest.mark.parametrize(
    ("shapes", "says"),
    [
        ({f"{UNET}double_blocks.0.img_attn.proj.weight": (8, 8)}, "another architecture"),
        ({"double_blocks.0.img_attn.proj.weight": (8, 8)}, "Flux"),
        (original("conditioner.embedders.0.model.ln_final.weight"), "refiner"),
        (original(SD1_TEXT, channels=8), "8 channels"),
        ({**VAE, "decoder.conv_in.weight": (32, 16, 3, 3)}, "16 channels"),
    ],
)
def test_says_what_it_cannot_run(tmp_path: Path, shapes: Any, says: str) -> None:
    file = write(tmp_path / "x.safetensors", shapes)
    found = inspect(file)
    assert (found.state, found.family) == ("refused", "unknown")
    assert says in found.problem and str(file) in found.problem and has_one_sentence(found)
    assert names(list(scan(tmp_path))) == ["x"]


@pytest.mark.parametrize(
    "shapes",
    [
        {"lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight": (4, 8)},
        {"unet.down_blocks.0.attentions.0.to_q.lora_A.weight": (4, 8)},
        {"lora_te_text_model_encoder_layers_0_mlp_fc1.hada_w1_a": (4, 8)},
        {"control_model.input_blocks.0.0.weight": (8, 4, 3, 3)},
        {"controlnet_cond_embedding.conv_in.weight": (8, 3, 3, 3), "conv_in.weight": (8, 4, 3, 3)},
        {"emb_params": (4, 768)},
        {"clip_l": (4, 768), "clip_g": (4, 1280)},
        {"conv_first.weight": (64, 3, 3, 3), "body.0.rdb1.conv1.weight": (32, 64, 3, 3)},
        {"text_model.encoder.layers.0.mlp.fc1.weight": (8, 8)},
        {},
    ],
)
def test_leaves_out_what_is_no_model(tmp_path: Path, shapes: Any) -> None:
    file = write(tmp_path / "x.safetensors", shapes)
    assert inspect(file).state == "refused"
    assert list(scan(tmp_path)) == []


def test_says_which_part_a_file_lacks(tmp_path: Path) -> None:
    found = inspect(write(tmp_path / "x.safetensors", original(SD1_TEXT, vae=False)))
    assert (found.state, found.family) == ("incomplete", "stable-diffusion-1")
    assert "no vae" in found.problem.lower() and has_one_sentence(found)


def spoilt(kind: str, path: Path) -> None:
    whole = write(path, SD1).read_bytes()
    length = 8 + int.from_bytes(whole[:8], "little")
    contents = {
        "empty": b"",
        "truncated in the header": whole[: length // 2],
        "truncated in the weights": whole[: length + 10],
        "too long": whole + b"x",
        "header of random bytes": whole[:8] + os.urandom(length - 8) + whole[length:],
        "header that claims the world": (2**40).to_bytes(8, "little") + whole[8:],
        "LFS pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 42\n",
        "web page": b"<!DOCTYPE html><html><body>404</body></html>",
        "message": b"Access to this resource is denied",
    }
    path.write_bytes(contents[kind])


@pytest.mark.parametrize(
    "kind",
    [
        "empty",
        "truncated in the header",
        "truncated in the weights",
        "too long",
        "header of random bytes",
        "header that claims the world",
        "LFS pointer",
        "web page",
        "message",
    ],
)
def test_says_what_is_wrong_with_a_file(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "ภาพวาด 🍎.safetensors"
    spoilt(kind, file)
    found = inspect(file)
    assert found.state in ("damaged", "refused")
    assert str(file) in found.problem and has_one_sentence(found)
    assert names(list(scan(tmp_path))) == ["ภาพวาด 🍎"]


def test_refuses_pickles_by_their_content(tmp_path: Path) -> None:
    for name in ("old.ckpt", "disguised.safetensors"):
        (tmp_path / name).write_bytes(pickle.dumps({"state_dict": {}}, protocol=2))
    with zipfile.ZipFile(tmp_path / "new.ckpt", "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02}.")
    write(tmp_path / "honest.ckpt", SD1)  # tensors, whatever the name
    (tmp_path / "upscaler.pth").write_bytes(pickle.dumps({}, protocol=2))
    found = {each.name: each for each in scan(tmp_path)}
    assert found.keys() == {"old", "disguised", "new", "honest"}
    assert found.pop("honest").state == "ready"
    for each in found.values():
        assert each.state == "refused" and "pickle" in each.problem and has_one_sentence(each)


def test_names_that_are_no_text_do_no_harm(tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff\xfe.safetensors")
    try:
        write(tmp_path / name, SD1)
    except (OSError, UnicodeError):
        pytest.skip("this file system takes no such names")
    (found,) = scan(tmp_path)
    assert found.state == "ready" and Path(found.source).exists()
    found.name.encode()
    for path in (tmp_path / ("a" * 5000), tmp_path / "a\0b", tmp_path / "nothing"):
        assert inspect(path).state == "damaged"


@given(data=st.data())
def test_no_damage_makes_it_raise(data: st.DataObject, tmp_path_factory: Any) -> None:
    path = tmp_path_factory.mktemp("damage") / "x.safetensors"
    content = bytearray(write(path, SD1).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(content[: data.draw(st.integers(0, len(content)))]))
    found = inspect(path)
    assert (found.state == "ready") == (not found.problem)


# Folders


def test_says_which_files_a_folder_lacks(folder: Path) -> None:
    (folder / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    found = inspect(folder)
    assert (found.state, found.family) == ("incomplete", "stable-diffusion-1")
    assert found.problem == (
        f"{folder} lacks unet/diffusion_pytorch_model.safetensors: fetch this model again."
    )
    for name in ("vae", "text_encoder", "scheduler", "tokenizer"):
        shutil.rmtree(folder / name)
    found = inspect(folder)
    assert found.state == "incomplete" and " and 5 more:" in found.problem
    shutil.rmtree(folder / "unet")
    assert inspect(folder).state == "incomplete"


def test_a_link_to_nothing_is_a_missing_file(folder: Path) -> None:
    weights = folder / "vae" / "diffusion_pytorch_model.safetensors"
    weights.unlink()
    weights.symlink_to("../../blobs/nowhere")
    assert "lacks vae/diffusion_pytorch_model.safetensors" in inspect(folder).problem


def test_a_component_that_never_was_there_is_missing(folder: Path) -> None:
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps(index | {"vae": [None, None]}))
    found = inspect(folder)
    assert found.state == "incomplete" and "lacks vae" in found.problem


@pytest.mark.parametrize(
    ("file", "content", "state", "says"),
    [
        ("model_index.json", b"{", "damaged", "model_index.json"),
        ("model_index.json", b"[]", "damaged", "model_index.json"),
        ("model_index.json", b'{"_class_name": "FluxPipeline"}', "refused", "FluxPipeline"),
        ("unet/config.json", b"\xff", "damaged", "config.json"),
        ("scheduler/scheduler_config.json", b"<html>", "damaged", "scheduler_config.json"),
        ("vae/diffusion_pytorch_model.safetensors", b"<html>", "damaged", "web page"),
        ("text_encoder/model.safetensors", b"\x80\x02}.", "refused", "pickle"),
        ("unet/config.json", b'{"in_channels": {"a": [4]}}', "refused", "channels"),
    ],
)
def test_says_what_is_wrong_in_a_folder(
    folder: Path, file: str, content: bytes, state: str, says: str
) -> None:
    (folder / file).write_bytes(content)
    found = inspect(folder)
    assert found.state == state
    assert says in found.problem and str(folder) in found.problem and has_one_sentence(found)


def test_a_folder_with_pickles_alone_is_refused(folder: Path) -> None:
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    weights.rename(weights.with_suffix(".bin"))
    found = inspect(folder)
    assert found.state == "refused" and "pickle" in found.problem


def test_a_folder_needs_no_index_and_no_other_precision(folder: Path) -> None:
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    weights.rename(weights.with_name("diffusion_pytorch_model.fp16.safetensors"))
    (folder / "model_index.json").unlink()
    found = inspect(folder)
    assert (found.state, found.family, found.dtype) == ("ready", "stable-diffusion-1", "float16")


def test_what_is_ready_is_what_can_be_run() -> None:
    """Whatever the scan takes for a model is of a family that runs, or a part of one."""
    for family in families.FAMILIES:
        assert not family.classes or (family.runner is None) == family.is_part
