"""A small Hub on this computer, for the tests of `engine.hub`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import close_session, constants

from engine.hub import transfer, waiting
from tests.hub_server import HubServer


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A Hub, and this process's Hugging Face cache in a folder of the test."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with HubServer() as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(transfer, "RETRY_WAITS", ())
        monkeypatch.setattr(waiting, "POLL", 0.02)
        close_session()
        yield server
        close_session()


@pytest.fixture
def offered(server: HubServer, tiny_folder: Path) -> HubServer:
    """The same, with a tiny Stable Diffusion under the name some/model."""
    server.add("some/model", tiny_folder, licence="openrail")
    return server
