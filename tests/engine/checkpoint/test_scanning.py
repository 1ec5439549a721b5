"""The models that a scan finds in folders, however they are kept."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from engine import checkpoint
from engine.checkpoint import scan
from tests import tiny
from tests.checkpoints import (
    SD1,
    TINY_DECODER,
    UNET,
    VAE,
    XL_TEXT,
    has_one_sentence,
    names,
    original,
    write,
)


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


def test_needs_no_torch() -> None:
    code = (
        f"import sys, engine.checkpoint as c; c.inspect({str(tiny.BUNDLED)!r}); print(*sys.modules)"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert not {"torch", "transformers", "PySide6", "safetensors"} & set(finished.stdout.split())
    assert checkpoint.inspect(tiny.BUNDLED).state == "ready"
