"""Tiny models of each family, in folders and in single files of the original layout."""

from __future__ import annotations

import pytest

from tests import original_layout, original_models
from tests.original_layout import save
from tests.original_models import FAMILIES


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("folders")
    return {name: original_models.save_original_model(root / name, name) for name in FAMILIES}


@pytest.fixture(scope="module")
def originals(folders):
    return {name: original_layout.original(folder) for name, folder in folders.items()}


@pytest.fixture(scope="module")
def paths(originals, tmp_path_factory):
    root = tmp_path_factory.mktemp("files")
    return {name: save(root / f"{name}.safetensors", originals[name]) for name in FAMILIES}
