"""Pipelines that are loaded once for all engine tests."""

from __future__ import annotations

import pytest

import engine
from tests import tiny


@pytest.fixture(scope="session")
def bundled():
    """The bundled model as a user gets it: auto device, auto dtype."""
    return engine.load("bundled")


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory):
    return tiny.save_stable_diffusion(tmp_path_factory.mktemp("tiny") / "sd1", tiny.SD1)


@pytest.fixture(scope="session")
def tiny_pipeline(tiny_folder):
    return engine.load(tiny_folder, device="cpu", dtype="float32")
