"""Which folder a model source means: a bundled one, a path, or a Hub id in the local cache. Called
by `engine.load`. Never opens a network connection.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from engine.errors import LoadError

BUNDLED = {"bundled": "emoji"}
"""Sources that ship with the program, and their folder under resources/models."""


def locate(source: str | Path) -> Path:
    """The folder of a model source. Raises LoadError that says what was looked for and where."""
    text = str(source)
    if text in BUNDLED:
        return Path(str(files("resources"))) / "models" / BUNDLED[text]
    if text == "bundled-ddpm":
        raise LoadError("The bundled model bundled-ddpm does not ship with this version yet.")
    path = Path(text).expanduser()
    if path.is_dir():
        return path
    if path.is_file():
        raise LoadError(
            f"{path} is a single file. This version reads model folders in diffusers layout."
        )
    if text.count("/") == 1 and not text.startswith((".", "~", "/")):
        return _cached(text)
    raise LoadError(f"There is no model folder {text}. Check the path.")


def _cached(repo_id: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(repo_id, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError):
        raise LoadError(
            f"There is no folder {repo_id} here, and no model of that name in the local Hugging "
            "Face cache. Loading never downloads: fetch it first, or give the path of a folder."
        ) from None
