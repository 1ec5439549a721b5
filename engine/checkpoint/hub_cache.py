"""The models in the local Hugging Face cache. Called by the library and by `safelight models`;
reads the folders as huggingface_hub lays them out, and never asks the Hub.

    models--OWNER--NAME/refs/main                          the commit that OWNER/NAME stands for
    models--OWNER--NAME/snapshots/COMMIT/unet/config.json  a name that links to
    models--OWNER--NAME/blobs/DIGEST                       the content, or a link to the next
    blobs/ab/HASH                                          content that repositories share
    models--OWNER--NAME/blobs/DIGEST….incomplete           what came before a download broke off
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from engine.checkpoint.inspection import shown
from engine.checkpoint.scanning import scan
from engine.checkpoint.value import Checkpoint
from engine.hub.byte_text import byte_text
from engine.hub.endpoint import cache_folder, commit_of_main, repo_id_of

OWN_PART = ".safelight.incomplete"
"""The ending of what `engine.hub` has of a file. Other programs' parts may be of anything."""


def hub_cache(folder: str | Path | None = None) -> Iterator[Checkpoint]:
    """Every model in the cache (`folder`, if it is not the usual one), in its newest revision that
    is whole or else in its newest. What is no image model is left out."""
    for repository in _inside(Path(folder).absolute() if folder else cache_folder()):
        if repo_id := repo_id_of(repository.name):
            yield from _of_repository(repository, repo_id)


def _of_repository(repository: Path, repo_id: str) -> Iterator[Checkpoint]:
    main = commit_of_main(repository)
    snapshots = _inside(repository / "snapshots")
    snapshots.sort(key=lambda path: (path.name == main, _changed(path)), reverse=True)
    newest: list[Checkpoint] = []
    for snapshot in snapshots:
        name = repo_id if snapshot.name == main and "/" in repo_id else ""
        found = [_renamed(each, snapshot, repo_id, name) for each in scan(snapshot)]
        if any(each.state == "ready" for each in found):
            yield from found
            return
        newest = newest or found
    yield from newest or _broken_off(repository, repo_id)


def _renamed(found: Checkpoint, snapshot: Path, repo_id: str, source: str) -> Checkpoint:
    """With the names that people know. source: what the whole snapshot is loaded by, "" if only
    its path will do."""
    repo_id = shown(repo_id)
    problem = found.problem.replace(shown(str(snapshot)), repo_id)
    if found.path != str(snapshot):
        inside = shown(str(Path(found.path).relative_to(snapshot)))
        return replace(found, name=f"{repo_id}/{inside}", problem=problem)
    return replace(found, name=repo_id, source=source or found.source, problem=problem)


def _broken_off(repository: Path, repo_id: str) -> Iterator[Checkpoint]:
    """A download of ours that has given no file its name yet."""
    blobs = _inside(repository / "blobs")
    if any(blob.name.endswith(OWN_PART) for blob in blobs):
        there = sum(blob.stat().st_size for blob in blobs if blob.is_file())
        yield Checkpoint(
            source=repo_id,
            name=shown(repo_id),
            path=str(repository),
            layout="folder",
            bytes=there,
            state="incomplete",
            problem=f"The download of {shown(repo_id)} broke off after {byte_text(there)}: start "
            "it again, and it goes on from there.",
        )


def _inside(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
