"""`models` on the command line: it lists and verifies what the library has."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from app import paths
from app.cli import program as cli
from tests.app.library_desk import (
    BUNDLED,
    SD1,
    SD2,
    models_folder,
)
from tests.checkpoints import write


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return models_folder(tmp_path)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "hub"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(place))
    return place


def test_the_command_line_lists_the_same(
    cache: Path, models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(models / "x.safetensors", SD2)
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "bad\nname.safetensors").write_bytes(b"<html>")
    snapshot = cache / "models--owner--name" / "snapshots" / ("0" * 40)
    shutil.copytree(BUNDLED[0][2], snapshot)
    paths.preferences_file().parent.mkdir(parents=True)
    paths.preferences_file().write_text(f'{{"model_folders": ["{models}"]}}')
    assert cli.main(["models", "--folder", str(tmp_path / "more")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines] == [
        "bundled", "bundled-ddpm", str(snapshot), str(models / "x.safetensors"),
        str(tmp_path / "more" / "bad\\nname.safetensors"),
    ]  # fmt: skip
    facts = ("Stable Diffusion 1", "76.9 MB", "float16", "v_prediction", "ready")
    assert all(f"  {fact}" in lines[0] or f", {fact}" in lines[0] for fact in facts)
    assert lines[3].split()[-3:] == ["float16", "-", "ready"]
    assert "  damaged: " in lines[4] and "web page" in lines[4]
    paths.preferences_file().write_text("{")
    assert cli.main(["models", "--folder", str(tmp_path / "nowhere")]) == 1
    assert "nowhere" in capsys.readouterr().err


def test_the_command_line_verifies(
    cache: Path, models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(models / "x.safetensors", SD1)
    assert cli.main(["models", "verify", "--folder", str(models)]) == 0
    *bundled, line = capsys.readouterr().out.splitlines()
    assert [told.split()[0] for told in bundled] == ["bundled", "bundled-ddpm"]
    assert hashlib.sha256(file.read_bytes()).hexdigest() in line
    (models / "x.sha256").write_text("0" * 64)
    assert cli.main(["models", "verify", str(file)]) == 1
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"{file}  ") and "x.sha256" in line
    assert cli.main(["models", "--folder", str(models), "verify", "bundled", "no/such"]) == 1
    assert "no/such  is neither a path" in capsys.readouterr().out
