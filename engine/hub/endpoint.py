"""Where the Hub is. Called by the rest of the package."""

from __future__ import annotations


def endpoint() -> str:
    """The Hub's address, which HF_ENDPOINT may have changed."""
    from huggingface_hub import constants

    return constants.ENDPOINT


def host() -> str:
    """The same for people."""
    return endpoint().split("://")[-1]
