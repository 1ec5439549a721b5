"""What comes of asking for a download, for the tests of `engine.hub`."""

from __future__ import annotations

import pytest

import engine

UNET = "unet/diffusion_pytorch_model.safetensors"


def refused(call, kind: type[Exception], *words: str) -> None:
    with pytest.raises(kind) as caught:
        call()
    assert isinstance(caught.value, engine.EngineError)
    message = str(caught.value)
    for word in words:
        assert word in message
    assert "\n" not in message and message.endswith(".")


def is_ready() -> bool:
    """Whether loading by name takes the model for complete."""
    try:
        engine.load("some/model", device="cpu").close()
    except engine.LoadError:
        return False
    return True
