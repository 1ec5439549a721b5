"""Which folder or file a model source means: a bundled one, a path, or a Hub id in the local cache.
Called by `engine.load`. Never opens a network connection.
"""

from __future__ import annotations

import os
from importlib.resources import files
from itertools import islice
from pathlib import Path

from engine.errors import LoadError, did_you_mean, nearest
from engine.hub.endpoint import cache_folder, commit_of_main, repo_id_of, repository_folder
from engine.weights.header import unreadable

BUNDLED = {"bundled": "emoji", "bundled-ddpm": "emoji-ddpm"}
"""Sources that ship with the program, and their folder under resources/models."""

ENDING = ".safetensors"
MOST_ENTRIES = 2000
"""How much of a folder is looked at for a name that may have been meant."""
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
    raise LoadError(f"There is no model folder or file {text}: check the path.{_like(text)}")


def _like(text: str) -> str:
    """A question about what is there under a similar name, at that place or in the cache."""
    above, slash, name = text.rpartition("/")
    beside = _entries(Path(above + slash).expanduser())
    cached = _entries(cache_folder())
    # Names alone: whole paths are all alike where the folder's own is long.
    if meant := nearest(name, [entry.name for entry in beside if _may_be_a_model(entry)]):
        return did_you_mean(text, [above + slash + meant])
    repo_ids = (repo_id_of(entry.name) for entry in cached)
    return did_you_mean(text, [*BUNDLED, *filter(None, repo_ids)])


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(islice(entries, MOST_ENTRIES))
    except (OSError, ValueError, RuntimeError):
        return []


def _may_be_a_model(entry: os.DirEntry[str]) -> bool:
    return entry.name.endswith(ENDING) or entry.is_dir()


def _cached(repo_id: str, file: str) -> Path:
    """The snapshot of a repository in the cache; or the file in it, if one is asked for or if there
    is nothing else."""
    repository = repository_folder(repo_id)
    commit = commit_of_main(repository)
    folder = repository / "snapshots" / commit
    if not commit or not folder.is_dir():
        raise LoadError(
            f"There is no folder or file {'/'.join(filter(None, (repo_id, file)))} here, and no "
            "model of that name in the local Hugging Face cache: fetch it first, since loading "
            f"never downloads, or give a path.{_like(repo_id)}"
        )
    if file:
        return folder / file
    names = [entry.name for entry in folder.iterdir()]
    weights = [name for name in names if name.endswith(ENDING)]
    is_lone = len(weights) == 1 and not any(name in names for name in INDEXES)
    return folder / weights[0] if is_lone else folder
