"""Models of each family in folders and in a cache of the Hub, for the tests of checkpoints."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests import tiny
from tests.original_models import save_original_model


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


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "hf" / "hub"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(place))
    return place
