"""Which files of a repository make a model, and which of them a folder lacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import hub
from engine.hub.files import needed
from tests.engine.hub.outcomes import UNET, refused

INDEX = {
    "_class_name": "StableDiffusionPipeline",
    "unet": ["diffusers", "UNet2DConditionModel"],
    "vae": ["diffusers", "AutoencoderKL"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "scheduler": ["diffusers", "PNDMScheduler"],
    "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"],
    "feature_extractor": ["transformers", "CLIPImageProcessor"],
    "image_encoder": [None, None],
}
TEXTS = {
    "model_index.json",
    "unet/config.json",
    "vae/config.json",
    "text_encoder/config.json",
    "tokenizer/vocab.json",
    "tokenizer/merges.txt",
    "scheduler/scheduler_config.json",
}
OTHERS = {
    ".gitattributes",
    "README.md",
    "v1-4.ckpt",
    "v1-4.safetensors",
    "unet/diffusion_pytorch_model.bin",
    "unet/diffusion_flax_model.msgpack",
    "unet/model.onnx",
    "unet/openvino_model.xml",
    "text_encoder/pytorch_model.bin",
    "text_encoder/flax_model.msgpack",
    "vae_1_0/diffusion_pytorch_model.safetensors",
    "safety_checker/config.json",
    "safety_checker/model.safetensors",
    "feature_extractor/preprocessor_config.json",
}
PLAIN = {UNET, "vae/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors"}
HALF = {name.replace(".safetensors", ".fp16.safetensors") for name in PLAIN}


def test_one_precision_of_each_component_and_nothing_else():
    paths = TEXTS | OTHERS | PLAIN | HALF
    plain = needed("a/b", paths, INDEX)
    assert set(plain.paths) == TEXTS | PLAIN
    assert plain.variants == ("fp16",)
    assert set(needed("a/b", paths, INDEX, variant="fp16").paths) == TEXTS | HALF

    lacks_one = paths - {"vae/diffusion_pytorch_model.fp16.safetensors"}
    mixed = needed("a/b", lacks_one, INDEX, variant="fp16").paths
    assert "vae/diffusion_pytorch_model.safetensors" in mixed
    assert UNET not in mixed

    only_half = needed("a/b", TEXTS | HALF, INDEX)
    assert set(only_half.paths) == TEXTS | HALF

    refused(
        lambda: needed("a/b", TEXTS | PLAIN, INDEX, variant="bf16"),
        hub.NoSuchVariant, "a/b", "'bf16'", "plain weights only",
    )  # fmt: skip
    refused(
        lambda: needed("a/b", TEXTS | OTHERS, INDEX),
        hub.UnfitRepository, "a/b", "only as", ".bin, a pickle",
    )  # fmt: skip


def test_shards_come_with_their_own_index():
    shards = {f"unet/diffusion_pytorch_model-0000{n}-of-00002.safetensors" for n in (1, 2)}
    half = {name.replace("model-", "model.fp16-") for name in shards}
    index = "unet/diffusion_pytorch_model.safetensors.index.json"
    half_index = index.replace(".json", ".fp16.json")
    paths = TEXTS | PLAIN - {UNET} | shards | half | {index, half_index}
    paths |= {"unet/diffusion_pytorch_model.bin.index.json"}
    assert set(needed("a/b", paths, INDEX).paths) == TEXTS | PLAIN - {UNET} | shards | {index}
    chosen = set(needed("a/b", paths, INDEX, variant="fp16").paths)
    assert chosen == TEXTS | PLAIN - {UNET} | half | {half_index}
    assert UNET in needed("a/b", paths | {UNET}, INDEX).paths


@pytest.mark.parametrize("index", [None, {"unet": ["diffusers", "UNet2DModel"]}])
def test_a_lone_network_has_its_files_at_the_top(index):
    paths = {"config.json", "diffusion_pytorch_model.safetensors", "README.md", "train.json"}
    paths |= {"scheduler_config.json", "diffusion_pytorch_model.bin", "taesd_encoder.safetensors"}
    chosen = set(needed("a/b", paths, index).paths)
    assert chosen == {
        "config.json", "scheduler_config.json", "diffusion_pytorch_model.safetensors"
    }  # fmt: skip


def test_single_files():
    assert needed("a/b", {"x.safetensors", "x.ckpt", "README.md"}).paths == ("x.safetensors",)
    two = {"sub/x.safetensors", "y.safetensors"}
    assert needed("a/b", two, file="sub/x.safetensors").paths == ("sub/x.safetensors",)
    for paths, file, *words in (
        (two, None, "several", "a/b/sub/x.safetensors"),
        (two, "z.safetensors", "z.safetensors", "y.safetensors"),
        (two | {"z.ckpt"}, "z.ckpt", "a/b/z.ckpt", "pickle"),
        ({"x.ckpt"}, None, "only x.ckpt", "pickle", "safetensors only"),
        ({"README.md"}, None, "no safetensors"),
    ):
        refused(lambda p=paths, f=file: needed("a/b", p, file=f), hub.UnfitRepository, *words)


def test_what_a_folder_lacks(tmp_path: Path, tiny_folder: Path):
    assert hub.missing_files(tiny_folder) == []
    every = [path for path in tiny_folder.rglob("*") if path.is_file()]
    wanted = {path.relative_to(tiny_folder).as_posix() for path in every}
    wanted -= {name for name in wanted if name.startswith("tokenizer/") and "vocab" not in name}
    for name in wanted:
        folder = tmp_path / name.replace("/", "-")
        for path in every:
            link = folder / path.relative_to(tiny_folder)
            link.parent.mkdir(parents=True, exist_ok=True)
            broken = name == path.relative_to(tiny_folder).as_posix()
            link.symlink_to(tmp_path / "nothing" if broken else path)
        assert name in hub.missing_files(folder), name
    (folder := tmp_path / "shards" / "unet").mkdir(parents=True)
    (folder.parent / "model_index.json").write_text('{"unet": ["diffusers", "UNet2DModel"]}')
    for name in ("config.json", "diffusion_pytorch_model-00002-of-00003.safetensors"):
        (folder / name).touch()
    assert hub.missing_files(folder.parent) == [
        "unet/diffusion_pytorch_model-00001-of-00003.safetensors",
        "unet/diffusion_pytorch_model-00003-of-00003.safetensors",
        "unet/diffusion_pytorch_model.safetensors.index.json",
    ]
