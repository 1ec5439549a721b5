"""Model folders as people have them: variants, shards, components that were never there, folders
without an index, the Hugging Face cache."""

from __future__ import annotations

import json
import shutil

import diffusers
import pytest
import torch
from safetensors.torch import load_file, save_file

import engine
from engine.errors import LoadError, WeightsError
from engine.weights.folder import ModelFolder
from engine.weights.header import read_header
from engine.weights.source import locate
from tests import tiny

UNET = "diffusion_pytorch_model"
NETWORKS = ("unet", "vae", "text_encoder", "text_encoder_2")


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return tiny.save_sdxl(tmp_path_factory.mktemp("sdxl") / "plain")


@pytest.fixture(scope="module")
def folders(plain):
    """The same model, as diffusers saves it in other forms; half precision differs a little."""
    root = plain.parent
    pipeline = diffusers.StableDiffusionXLPipeline.from_pretrained(plain)
    pipeline.save_pretrained(root / "sharded", max_shard_size="300KB")
    pipeline.to(torch.float16)
    pipeline.save_pretrained(root / "fp16", variant="fp16")
    pipeline.save_pretrained(root / "sharded-fp16", variant="fp16", max_shard_size="300KB")
    return {path.name: path for path in root.iterdir()}


@pytest.fixture
def copy(folders, tmp_path):
    return lambda name: shutil.copytree(folders[name], tmp_path / name)


def read(folder, component: str) -> dict[str, torch.Tensor]:
    tensors = ModelFolder(folder).tensors(component)
    return {key: tensor for key, tensor, _ in tensors.read(torch.device("cpu"), torch.float32)}


def assert_same(mine: dict, others: dict) -> None:
    assert mine.keys() == others.keys()
    for key, tensor in mine.items():
        assert torch.equal(tensor, others[key]), key


@pytest.mark.parametrize("component", NETWORKS)
def test_every_form_of_a_folder_holds_the_same(folders, component):
    assert len(list(folders["sharded"].glob("unet/*.safetensors"))) > 2
    whole = read(folders["plain"], component)
    assert_same(read(folders["sharded"], component), whole)
    rounded = {key: tensor.half().float() for key, tensor in whole.items()}
    for name in ("fp16", "sharded-fp16"):
        assert_same(read(folders[name], component), rounded)


def test_every_form_of_a_folder_loads(folders):
    for folder in folders.values():
        pipeline = engine.load(folder, device="cpu", dtype="float32")
        assert pipeline.family == "stable-diffusion-xl"
        assert len(pipeline.checkpoint_sha256()) == 64


def test_a_variant_is_taken_for_each_component_that_has_no_plain_file(copy, plain):
    folder = copy("fp16")
    weights = load_file(folder / "unet" / f"{UNET}.fp16.safetensors")
    zeros = {key: torch.zeros_like(tensor) for key, tensor in weights.items()}
    save_file(zeros, folder / "unet" / f"{UNET}.bf16.safetensors")
    assert_same(read(folder, "unet"), {key: t.float() for key, t in weights.items()})
    (folder / "unet" / f"{UNET}.fp16.safetensors").rename(folder / "unet/other")
    assert not read(folder, "unet")["conv_in.bias"].any()
    (folder / "unet" / f"{UNET}.bf16.safetensors").rename(
        folder / "unet" / f"{UNET}.non_ema.safetensors"
    )
    assert not read(folder, "unet")["conv_in.bias"].any()
    shutil.copy(plain / "unet" / f"{UNET}.safetensors", folder / "unet")
    assert_same(read(folder, "unet"), read(plain, "unet"))
    engine.load(folder, device="cpu")


def test_old_names_of_a_variants_shards_load(copy, folders):
    """diffusers once put the variant behind the number."""
    folder = copy("sharded-fp16") / "unet"
    path = folder / f"{UNET}.safetensors.index.fp16.json"
    index = json.loads(path.read_text())
    for key, name in index["weight_map"].items():
        number = name.removeprefix(f"{UNET}.fp16").removesuffix(".safetensors")
        index["weight_map"][key] = f"{UNET}{number}.fp16.safetensors"
        if (folder / name).exists():
            (folder / name).rename(folder / index["weight_map"][key])
    path.write_text(json.dumps(index))
    assert_same(read(folder.parent, "unet"), read(folders["fp16"], "unet"))


def test_a_missing_shard_is_named(copy):
    folder = copy("sharded")
    shard = sorted((folder / "unet").glob("*.safetensors"))[1]
    shard.unlink()
    with pytest.raises(WeightsError, match=shard.name):
        engine.load(folder, device="cpu")


def test_a_damaged_shard_is_named(copy):
    folder = copy("sharded")
    shard = sorted((folder / "unet").glob("*.safetensors"))[1]
    shard.write_bytes(shard.read_bytes()[:-1])
    with pytest.raises(WeightsError, match=shard.name):
        engine.load(folder, device="cpu")


def test_a_tensor_of_a_shard_that_the_index_does_not_list_is_left_alone(copy):
    folder = copy("sharded")
    shard = sorted((folder / "unet").glob("*.safetensors"))[0]
    save_file(load_file(shard) | {"stray.weight": torch.zeros(1)}, shard)
    assert_same(read(folder, "unet"), read(folder.parent / "sharded", "unet"))
    engine.load(folder, device="cpu")


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("{", "JSON"),
        ("{}", "shards"),
        ('{"weight_map": {"conv_in.bias": 7}}', "shards"),
        ('{"weight_map": {"conv_in.bias": "../../vae/config.json"}}', "config.json"),
        ('{"weight_map": {}}', "missing"),
    ],
)
def test_a_damaged_index_of_shards_is_named(copy, content, word):
    folder = copy("sharded")
    path = folder / "unet" / f"{UNET}.safetensors.index.json"
    path.write_text(content)
    with pytest.raises(LoadError, match=word) as caught:
        engine.load(folder, device="cpu")
    assert str(path) in str(caught.value)


def test_a_component_that_was_never_there_is_absent(copy):
    folder = copy("plain")
    files = ModelFolder(folder)
    assert not any(map(files.has, ("feature_extractor", "image_encoder", "safety_checker")))
    assert all(map(files.has, (*NETWORKS, "scheduler", "tokenizer", "tokenizer_2")))
    path = folder / "model_index.json"
    index = json.loads(path.read_text()) | {"vae": [None, None]}
    path.write_text(json.dumps(index))
    assert not ModelFolder(folder).has("vae")
    with pytest.raises(LoadError, match="vae"):
        engine.load(folder, device="cpu")
    vae = folder / "vae"
    assert engine.load(folder, device="cpu", vae=vae).vae.scaling_factor == 0.13025


def test_a_folder_without_an_index_is_told_by_its_unet(copy, tiny_folder, tmp_path):
    folder = copy("plain")
    (folder / "model_index.json").unlink()
    assert ModelFolder(folder).kind == "StableDiffusionXLPipeline"
    assert engine.load(folder, device="cpu").family == "stable-diffusion-xl"
    folder = shutil.copytree(tiny_folder, tmp_path / "sd")
    (folder / "model_index.json").unlink()
    assert engine.load(folder, device="cpu").family == "stable-diffusion"
    path = folder / "unet/config.json"
    config = json.loads(path.read_text())
    for change, kind in (
        ({"in_channels": 9}, "StableDiffusionInpaintPipeline"),
        ({"time_cond_proj_dim": 8}, "LatentConsistencyModelPipeline"),
    ):
        path.write_text(json.dumps(config | change))
        assert ModelFolder(folder).kind == kind


def test_a_pixel_model_without_an_index_loads(tmp_path):
    folder = tiny.save_ddpm(tmp_path / "ddpm", tiny.DDPM_CIFAR)
    (folder / "model_index.json").unlink()
    assert engine.load(folder, device="cpu").family == "ddpm"


@pytest.mark.parametrize("nested", [True, False])
def test_text_encoders_load_nested_and_flat_and_with_what_older_programs_left(copy, nested):
    folder = copy("plain")
    first, second = (folder / name / "model.safetensors" for name in NETWORKS[2:])
    own = {name: read(folder, name) for name in NETWORKS[2:]}
    for path in (first, second):
        weights = {key.removeprefix("text_model."): t for key, t in load_file(path).items()}
        weights["embeddings.position_ids"] = torch.arange(32)[None]
        projection = weights.pop("text_projection.weight", torch.eye(32))
        prefix = "text_model." if nested else ""
        weights = {prefix + key: tensor for key, tensor in weights.items()}
        weights |= {"text_projection.weight": projection, "logit_scale": torch.zeros(())}
        save_file(weights, path)
    for name in NETWORKS[2:]:
        assert_same(read(folder, name), own[name])


def test_a_snapshot_in_the_hub_cache_is_called_by_its_repository(plain, tmp_path, monkeypatch):
    """The files of a snapshot are links, and its folder is named by a hash."""
    repository = tmp_path / "models--somebody--tiny-xl"
    snapshot = repository / "snapshots" / ("0" * 40)
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(snapshot.name)
    (repository / "blobs").mkdir()
    for number, path in enumerate(path for path in plain.rglob("*") if path.is_file()):
        blob = repository / "blobs" / str(number)
        shutil.copy(path, blob)
        link = snapshot / path.relative_to(plain)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(blob)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    for source in (snapshot, "somebody/tiny-xl"):
        assert engine.load(source, device="cpu").name == "somebody/tiny-xl"
    index = snapshot / "model_index.json"
    index.rename(snapshot / "aside")
    (snapshot / "unet").rename(snapshot / "no")
    (snapshot / "xl.safetensors").symlink_to(snapshot / "vae" / f"{UNET}.safetensors")
    for source in ("somebody/tiny-xl", "somebody/tiny-xl/xl.safetensors"):
        assert locate(source) == snapshot / "xl.safetensors"
    (snapshot / "aside").rename(index)
    (snapshot / "no").rename(snapshot / "unet")
    (snapshot / "vae" / f"{UNET}.safetensors").resolve().unlink()
    with pytest.raises(WeightsError, match="not complete"):
        engine.load(snapshot, device="cpu")


def test_a_header_tells_what_a_file_holds(tmp_path):
    path = tmp_path / "some.safetensors"
    weights = {
        "a": torch.zeros(2, 3, dtype=torch.float16),
        "b": torch.zeros(5, dtype=torch.bfloat16),
        "c": torch.tensor(7),
        "d": torch.zeros(0, 4),
        "e": torch.zeros(3, dtype=torch.float8_e4m3fn),
    }
    save_file(weights, path, {"format": "pt", "author": "กอล์ฟ"})
    header = read_header(path)
    assert header.metadata == {"format": "pt", "author": "กอล์ฟ"}
    told = {key: (one.dtype, one.shape, one.bytes) for key, one in header.tensors.items()}
    assert told == {
        "a": ("F16", (2, 3), 12),
        "b": ("BF16", (5,), 10),
        "c": ("I64", (), 8),
        "d": ("F32", (0, 4), 0),
        "e": ("F8_E4M3", (3,), 3),
    }


def test_tensors_of_every_kind_are_read_as_safetensors_reads_them(tmp_path):
    """Also one at an odd address, as old files have them."""
    folder = tmp_path / "vae"
    folder.mkdir()
    (folder / "config.json").write_text('{"_class_name": "AutoencoderTiny"}')
    torch.manual_seed(0)
    numbers = torch.randn(5, 3)
    weights = {
        "half": numbers.half(),
        "bfloat": numbers.bfloat16(),
        "double": numbers.double(),
        "eighth": numbers.to(torch.float8_e5m2),
        "count": torch.arange(4),
        "flag": torch.tensor([True, False]),
        "none": torch.zeros(0),
        "one": torch.tensor(3.0),
    }
    path = folder / "model.safetensors"
    save_file(weights, path)
    content = path.read_bytes()
    header = int.from_bytes(content[:8], "little")
    odd = (
        (header + 1).to_bytes(8, "little") + content[8 : 8 + header] + b" " + content[8 + header :]
    )
    for body in (content, odd):
        path.write_bytes(body)
        expected = load_file(path) if body is content else weights
        found = ModelFolder(folder).tensors("tiny").read(torch.device("cpu"))
        found = {key: tensor for key, tensor, _ in found}
        assert found.keys() == expected.keys()
        for key, tensor in found.items():
            assert tensor.dtype == expected[key].dtype
            assert torch.equal(tensor.double(), expected[key].double()), key
