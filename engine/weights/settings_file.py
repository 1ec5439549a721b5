"""A file of settings in a model folder, which a stranger wrote. Called by `ModelFolder`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine import foreign
from engine.errors import ConfigError, EngineError
from engine.weights.header import unreadable

LONGEST = 16_000_000
"""Bytes of settings. The longest are lists of shards, of some hundred kilobytes."""


def read_settings(path: Path) -> dict[str, Any]:
    """What a JSON file says by name. Raises ConfigError."""
    try:
        text = foreign.read_text(path, LONGEST)
        if text.startswith("version https://git-lfs"):
            raise ConfigError(f"{path} is only a Git LFS pointer: run git lfs pull.")
        content = foreign.parse_json(text, str(path))
    except FileNotFoundError:
        raise ConfigError(f"There is no file {path}: is this model complete?") from None
    except OSError as error:
        raise ConfigError(unreadable(path, error)) from None
    except ConfigError:
        raise
    except EngineError as error:
        reason = str(error).removesuffix(".")
        raise ConfigError(f"{reason}; take the one that its model has.") from None
    if not isinstance(content, dict):
        raise ConfigError(
            f"{path} holds {type(content).__name__}, not settings by name: take the file that "
            "its model has."
        )
    return content
