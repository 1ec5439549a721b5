"""Reading models from end to end, and what they are compared with."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from engine.checkpoint import hub_cache, inspect, verify
from tests.checkpoints import (
    SD1,
    cached,
    write,
)


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
