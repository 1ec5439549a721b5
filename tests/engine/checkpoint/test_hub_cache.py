"""The models in the local Hugging Face cache."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engine.checkpoint import hub_cache, verify
from engine.errors import LoadError
from engine.weights.source import locate
from tests.checkpoints import (
    COMMITS,
    SD1,
    cached,
    has_one_sentence,
    write,
)


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
