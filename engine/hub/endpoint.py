"""What huggingface_hub is told by the environment: where the Hub is, where the cache is. Called by
the rest of the package and by whoever reads the cache.
"""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit

from engine import foreign
from engine.errors import EngineError

PREFIX = "models--"
"""How the folder of a model in the cache begins; OWNER--NAME comes behind it."""
COMMIT = re.compile(r"[0-9a-f]{40}")
LONGEST_REF = 1000
"""Bytes."""


class UnusableSettings(EngineError):
    """Environment variables that huggingface_hub cannot work with; the message says which."""


def settings() -> ModuleType:
    """The constants of huggingface_hub, which reads its environment variables when it is imported.
    Raises UnusableSettings."""
    try:
        from huggingface_hub import constants
    except ValueError as error:
        raise UnusableSettings(
            "One of the environment variables that begin with HF_ has a value that huggingface_hub "
            f"cannot use ({error}): correct it, or unset it."
        ) from None
    return constants


def endpoint() -> str:
    """The Hub's address, which HF_ENDPOINT may have changed. Raises UnusableSettings where that is
    no address."""
    address = settings().ENDPOINT or "https://huggingface.co"
    try:
        parts = urlsplit(address)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address or any(letter.isspace() for letter in address):
        raise UnusableSettings(
            f"HF_ENDPOINT is {address!r}, which is no address of a Hub: set it to one such as "
            "https://huggingface.co, or unset it."
        )
    return address


def host() -> str:
    """The same for people. Raises UnusableSettings."""
    return endpoint().split("://")[-1]


def cache_folder() -> Path:
    """Where HF_HUB_CACHE and HF_HOME say that the cache is. Raises UnusableSettings."""
    return Path(settings().HF_HUB_CACHE).expanduser()


def repository_folder(repo_id: str) -> Path:
    """Where the cache has, or would have, the model OWNER/NAME. Raises UnusableSettings."""
    return cache_folder() / f"{PREFIX}{repo_id.replace('/', '--')}"


def repo_id_of(folder: str) -> str:
    """The OWNER/NAME that a folder of the cache is of, by its name; "" where it is of no model."""
    return folder.removeprefix(PREFIX).replace("--", "/") if folder.startswith(PREFIX) else ""


def commit_of_main(repository: Path) -> str:
    """The commit that OWNER/NAME stands for in this folder of the cache, "" if it tells none. A
    person may have written it, and an editor put the end of a line behind it."""
    try:
        commit = foreign.read_text(repository / "refs" / "main", LONGEST_REF).strip()
    except (OSError, EngineError):
        return ""
    return commit if COMMIT.fullmatch(commit) else ""
