"""Models from the Hugging Face Hub: `survey` says what would be fetched, `fetch` fetches it into
the local Hugging Face cache. Called by `safelight models get` and the download dialog, only when a
person asks: nothing else opens a connection. Importing this package is light and opens none.

    found = hub.survey("CompVis/stable-diffusion-v1-4", variant="fp16")
    folder = hub.fetch(found, progress=lambda done, total, rate: ..., cancelled=lambda: False)

The session with its proxies and certificates, the token, the places of the cache and the reading of
the Hub's refusals are huggingface_hub's. Its `hf_hub_download` is not used, since it throws away
what is there of a file that broke off.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from engine.hub.byte_text import byte_text
from engine.hub.errors import (
    AccessDenied,
    DownloadError,
    HubBusy,
    NoConnection,
    NoRoom,
    NotOnHub,
    WrongContent,
)
from engine.hub.files import NoSuchVariant, UnfitRepository, missing_files

if TYPE_CHECKING:
    from engine.hub.cached_commit import HubFile
    from engine.hub.download import fetch
    from engine.hub.listing import Survey, survey

__all__ = [
    "AccessDenied",
    "DownloadError",
    "HubBusy",
    "HubFile",
    "NoConnection",
    "NoRoom",
    "NoSuchVariant",
    "NotOnHub",
    "Survey",
    "UnfitRepository",
    "WrongContent",
    "byte_text",
    "fetch",
    "missing_files",
    "survey",
]

_MODULES = {
    "HubFile": "cached_commit",
    "Survey": "listing",
    "fetch": "download",
    "survey": "listing",
}
"""What talks to the Hub is imported when somebody asks for it."""


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f"engine.hub.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
