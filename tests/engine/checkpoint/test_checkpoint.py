"""What the library of models is told of the files and folders that people have: the family of each,
whether it can be used, and what is wrong with it."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import checkpoint, families
from engine.checkpoint import Checkpoint, hub_cache, inspect, scan, verify
from engine.errors import LoadError
from engine.weights.source import locate
from tests import tiny
from tests.checkpoints import (
    SD1_TEXT,
    SD2_TEXT,
    TINY_DECODER,
    UNET,
    VAE,
    XL_TEXT,
    original,
    write,
)
from tests.original_layout import save_original
from tests.original_models import save_original_model

SD1 = original(SD1_TEXT)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tiny models of each family in diffusers layout, with weights as real ones have them."""
    place = tmp_path_factory.mktemp("folders")
    for family in ("sd1", "sd2", "sdxl", "lcm"):
        save_original_model(place / family, family)
    tiny.save_ddpm(place / "ddpm", tiny.DDPM_CIFAR)
    return place


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model folder to spoil."""
    place = tmp_path / "Apfel 🍎"
    shutil.copytree(tiny.BUNDLED, place)
    return place


def told(found: Checkpoint) -> tuple[str, str | None, bool, str, str]:
    return found.family, found.prediction_type, "mask" in found.abilities, found.dtype, found.state


def names(found: list[Checkpoint]) -> list[str]:
    return [each.name for each in found]


def has_one_sentence(found: Checkpoint) -> bool:
    """That says what is wrong and, after the colon, what to do, and names the place."""
    problem = found.problem
    return problem.endswith(".") and ": " in problem and "\n" not in problem


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


# Scanning


def test_finds_models_however_they_are_kept(tmp_path: Path) -> None:
    write(tmp_path / "webui/models/Stable-diffusion/sd/v1-5.safetensors", SD1)
    write(tmp_path / "webui/models/VAE/ft-mse.safetensors", VAE)
    write(tmp_path / "webui/models/Lora/x.safetensors", {"lora_unet_x.lora_down.weight": (1, 1)})
    write(tmp_path / "webui/venv/lib/python/x.safetensors", SD1)
    write(tmp_path / "webui/models/Stable-diffusion/._v1-5.safetensors", SD1)
    write(tmp_path / "comfy/models/checkpoints/XL.SAFETENSORS", original(*XL_TEXT))
    write(tmp_path / "comfy/models/vae_approx/taesd.safetensors", TINY_DECODER)
    write(tmp_path / "comfy/models/unet/flux.sft", {"double_blocks.0.img_attn.proj.weight": (1,)})
    invoke = tmp_path / "invoke/models/sd-1/main/Emoji"
    shutil.copytree(tiny.BUNDLED, invoke)
    write(invoke / "whole.safetensors", SD1)
    assert names(list(scan(tmp_path))) == [
        "XL", "flux", "taesd", "Emoji", "whole", "v1-5", "ft-mse",
    ]  # fmt: skip


def test_comes_through_loops_and_closed_doors(tmp_path: Path) -> None:
    write(tmp_path / "a/x.safetensors", SD1)
    (tmp_path / "a/again").symlink_to(tmp_path)
    (tmp_path / "a/y.safetensors").symlink_to("x.safetensors")
    (tmp_path / "a/loop.safetensors").symlink_to("loop.safetensors")
    (tmp_path / "a/gone.safetensors").symlink_to("nowhere")
    closed = write(tmp_path / "closed/z.safetensors", SD1).parent
    unread = write(tmp_path / "a/unread.safetensors", SD1)
    closed.chmod(0)
    unread.chmod(0)
    try:
        found = {each.name: each for each in scan(tmp_path)}
    finally:
        closed.chmod(0o700)
    expected = {"x", "loop", "gone", "unread"}
    assert found.keys() == expected | ({"z"} if os.geteuid() == 0 else set())
    for name in ("loop", "gone"):
        assert found[name].state == "damaged" and has_one_sentence(found[name])
    assert list(scan(tmp_path / "nowhere")) == list(scan(closed / "z.safetensors")) == []


def test_a_thousand_files_take_a_second_or_two(tmp_path: Path) -> None:
    many = {f"lora_unet_block_{n}.lora_down.weight": (1, 1) for n in range(800)}
    whole = {f"{UNET}output_blocks.{n}.0.in_layers.2.weight": (1, 1) for n in range(1000)}
    for number in range(300):
        shapes = {**SD1, **whole} if number % 10 == 0 else many
        write(tmp_path / f"{number % 7}" / f"{number}.safetensors", shapes)
    before = time.process_time()
    assert len(list(scan(tmp_path))) == 30
    took = time.process_time() - before
    assert took < 2.0, f"300 files took {took:.2f} s of a processor"
    before = time.process_time()
    assert len(list(scan(tmp_path))) == 30
    again = time.process_time() - before
    assert again < took / 5, "what has not changed is not read again, though it cannot be run"


# The Hugging Face cache

COMMITS = ("1" * 40, "2" * 40)


def cached(cache: Path, repo_id: str, content: Path, commit: str = COMMITS[0]) -> Path:
    """Put a folder or a file into the cache as huggingface_hub does. Returns the snapshot."""
    repository = cache / f"models--{repo_id.replace('/', '--')}"
    snapshot = repository / "snapshots" / commit
    (repository / "blobs").mkdir(parents=True, exist_ok=True)
    files = [content] if content.is_file() else [p for p in content.rglob("*") if p.is_file()]
    for file in files:
        data = file.read_bytes()
        if file.suffix == ".safetensors":
            digest = hashlib.sha256(data).hexdigest()
        else:
            digest = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
        (repository / "blobs" / digest).write_bytes(data)
        pointer = snapshot / (file.name if content.is_file() else file.relative_to(content))
        pointer.parent.mkdir(parents=True, exist_ok=True)
        pointer.symlink_to(os.path.relpath(repository / "blobs" / digest, pointer.parent))
    (repository / "refs").mkdir(exist_ok=True)
    (repository / "refs" / "main").write_text(commit)
    return snapshot


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "hf" / "hub"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(place))
    return place


def test_lists_the_models_in_the_cache(cache: Path, tmp_path: Path, folder: Path) -> None:
    assert list(hub_cache()) == []
    cached(cache, "owner/emoji", folder)
    file = write(tmp_path / "v1.safetensors", SD1)
    snapshot = cached(cache, "owner/single", file)
    write(tmp_path / "llm" / "model.safetensors", {"model.layers.0.mlp.weight": (1,)})
    (tmp_path / "llm" / "config.json").write_text('{"model_type": "llama"}')
    cached(cache, "owner/llm", tmp_path / "llm")
    emoji, single = hub_cache()
    assert (emoji.source, emoji.name, emoji.state) == ("owner/emoji", "owner/emoji", "ready")
    assert emoji.path == str(cache / "models--owner--emoji" / "snapshots" / COMMITS[0])
    assert (single.source, single.name, single.state) == (
        str(snapshot / "v1.safetensors"), "owner/single/v1.safetensors", "ready",
    )  # fmt: skip


def test_a_ref_that_was_written_by_hand_counts(cache: Path, folder: Path) -> None:
    """What is listed by its name is loaded by its name."""
    snapshot = cached(cache, "owner/emoji", folder)
    ref = snapshot.parents[1] / "refs" / "main"
    for text in (f"{COMMITS[0]}\n", f"\ufeff{COMMITS[0]}\r\n"):
        ref.write_text(text, encoding="utf-8", newline="")
        (found,) = hub_cache()
        assert (found.source, found.state) == ("owner/emoji", "ready")
        assert locate(found.source) == snapshot
    for text in ("", "main", "..", "../../..", "x" * 5000):
        ref.write_text(text)
        (found,) = hub_cache()
        assert (found.source, found.state) == (str(snapshot), "ready")
        with pytest.raises(LoadError, match="owner/emoji here"):
            locate("owner/emoji")


def test_nothing_half_done_is_ready(cache: Path, folder: Path) -> None:
    snapshot = cached(cache, "owner/emoji", folder)
    weights = snapshot / "unet" / "diffusion_pytorch_model.safetensors"
    blob = weights.resolve()
    blob.rename(blob.with_name(f"{blob.name}.incomplete"))
    (found,) = hub_cache()
    assert found.state == "incomplete"
    assert found.problem == (
        "owner/emoji lacks unet/diffusion_pytorch_model.safetensors: fetch this model again."
    )
    shutil.rmtree(snapshot)
    assert list(hub_cache()) == []  # of another program's part nobody knows what it is of
    (blob.parent / f"{blob.name}.safelight.incomplete").write_bytes(b"x" * 1000)
    (found,) = hub_cache()
    assert (found.state, found.source) == ("incomplete", "owner/emoji")
    assert "broke off" in found.problem and has_one_sentence(found)
    assert verify(found).problems == (found.problem,)


def test_an_older_revision_that_is_whole_counts(cache: Path, folder: Path) -> None:
    old = cached(cache, "owner/emoji", folder, COMMITS[0])
    new = cached(cache, "owner/emoji", folder, COMMITS[1])
    assert [each.source for each in hub_cache()] == ["owner/emoji"]
    (new / "vae" / "config.json").unlink()
    assert [(each.source, each.state) for each in hub_cache()] == [(str(old), "ready")]
    shutil.rmtree(old)
    assert [(each.source, each.state) for each in hub_cache()] == [("owner/emoji", "incomplete")]


# Verifying


def test_verifies_against_the_hubs_digests(cache: Path, folder: Path) -> None:
    snapshot = cached(cache, "owner/emoji", folder)
    (found,) = hub_cache()
    reports: list[tuple[int, int]] = []
    verdict = verify(found, lambda done, total: reports.append((done, total)))
    assert verdict.problems == () and verdict.compared == len(found.files) > 8
    assert reports[0] == (0, found.bytes) and reports[-1] == (found.bytes, found.bytes)
    for name in ("vae/diffusion_pytorch_model.safetensors", "scheduler/scheduler_config.json"):
        blob = (snapshot / name).resolve()
        data = blob.read_bytes()
        blob.write_bytes(data[:-2] + bytes([data[-2] ^ 32]) + data[-1:])
        assert any("is not what the Hub says" in problem for problem in verify(found).problems)
        blob.write_bytes(data)

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verify(found, stop)


def test_verifies_what_repositories_share(cache: Path, folder: Path) -> None:
    """As huggingface_hub 2.4 lays large files: its blob is a link to a store of the whole cache."""
    snapshot = cached(cache, "owner/emoji", folder)
    shared = cache
    for number, weights in enumerate(sorted(snapshot.rglob("*.safetensors"))):
        blob, shared = weights.resolve(), cache / "blobs" / "ab" / f"ab{number:062x}"
        shared.parent.mkdir(parents=True, exist_ok=True)
        blob.replace(shared)
        blob.symlink_to(os.path.relpath(shared, blob.parent))
    (found,) = hub_cache()
    verdict = verify(found)
    assert verdict.problems == () and verdict.compared == len(found.files)
    data = bytearray(shared.read_bytes())
    data[-1] ^= 1
    shared.write_bytes(data)
    (problem,) = verify(found).problems
    assert "is not what the Hub says" in problem


@pytest.mark.parametrize("note", ["x.safetensors.sha256", "x.sha256", "x.civitai.info"])
def test_verifies_against_a_note_beside_the_file(tmp_path: Path, note: str) -> None:
    file = write(tmp_path / "x.safetensors", SD1)
    right = hashlib.sha256(file.read_bytes()).hexdigest()
    assert verify(inspect(file)).sha256 == right and verify(inspect(file)).compared == 0
    for digest in (right, "0" * 64):
        text = f"{digest.upper()}  x.safetensors\n"
        if note.endswith(".info"):
            files = [{"hashes": {"SHA256": other.upper()}} for other in ("1" * 64, digest)]
            text = json.dumps({"files": files})
        (tmp_path / note).write_text(text)
        verdict = verify(inspect(file))
        assert verdict.compared == 1 and bool(verdict.problems) == (digest != right)
    (tmp_path / note).write_bytes(b"\xff[")
    assert verify(inspect(file)).compared == 0


def test_verifying_finds_what_has_gone_wrong_since(tmp_path: Path) -> None:
    file = write(tmp_path / "x.safetensors", SD1)
    found = inspect(file)
    file.write_bytes(file.read_bytes()[:-1])
    assert "ends after" in verify(found).problems[0]
    file.unlink()
    assert "no file" in verify(found).problems[0]


def test_needs_no_torch() -> None:
    code = (
        f"import sys, engine.checkpoint as c; c.inspect({str(tiny.BUNDLED)!r}); print(*sys.modules)"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert not {"torch", "transformers", "PySide6", "safetensors"} & set(finished.stdout.split())
    assert checkpoint.inspect(tiny.BUNDLED).state == "ready"
