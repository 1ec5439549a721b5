"""Which folder or file a model source means: a bundled one, a path, or a Hub id in the local cache.
Called by `engine.load`. Never opens a network connection.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from engine.errors import LoadError
from engine.hub.endpoint import cache_folder, commit_of_main
from engine.weights.header import unreadable

BUNDLED = {"bundled": "emoji", "bundled-ddpm": "emoji-ddpm"}
"""Sources that ship with the program, and their folder under resources/models."""

ENDING = ".safetensors"
INDEXES = ("model_index.json", "config.json", "unet")
"""One of them is in every folder that is a model itself."""


def locate(source: str | Path) -> Path:
    """The folder or file of a model source. Raises LoadError that says what was looked for and
    where."""
    text = str(source)
    if text in BUNDLED:
        return Path(str(files("resources"))) / "models" / BUNDLED[text]
    path = Path(text)
    try:
        path = path.expanduser()
        path.stat()
        return path.absolute()
    except FileNotFoundError:
        if path.is_symlink():
            raise LoadError(
                f"{path} is a link to something that is not there: fetch this model again."
            ) from None
    except NotADirectoryError:
        pass
    except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: no home folder of ~name
        raise LoadError(unreadable(text, error)) from None
    if not text.startswith((".", "~", "/")):
        owner, slash, name = text.partition("/")
        name, _, file = name.partition("/")
        if slash and (not file or file.endswith(ENDING)):
            return _cached(f"{owner}/{name}", file)
    raise LoadError(f"There is no model folder or file {text}: check the path.")


def _cached(repo_id: str, file: str) -> Path:
    """The snapshot of a repository in the cache; or the file in it, if one is asked for or if there
    is nothing else."""
    repository = cache_folder() / f"models--{repo_id.replace('/', '--')}"
    commit = commit_of_main(repository)
    folder = repository / "snapshots" / commit
    if not commit or not folder.is_dir():
        raise LoadError(
            f"There is no folder or file {'/'.join(filter(None, (repo_id, file)))} here, and no "
            "model of that name in the local Hugging Face cache: fetch it first, since loading "
            "never downloads, or give a path."
        )
    if file:
        return folder / file
    names = [entry.name for entry in folder.iterdir()]
    weights = [name for name in names if name.endswith(ENDING)]
    is_lone = len(weights) == 1 and not any(name in names for name in INDEXES)
    return folder / weights[0] if is_lone else folder
