"""Where a commit of a repository lies in the local Hugging Face cache, laid out as huggingface_hub
does: content in blobs/, named by its digest; names that link to it in snapshots/COMMIT/; commits by
name in refs/. Called by `survey` and `fetch`.

Of large files huggingface_hub keeps one content for all repositories: there blobs/DIGEST is a link
to the cache's own blobs/ab/HASH.

A snapshot gets its links when every file is there, model_index.json at the end: what broke off is
never seen as a model.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from engine.hub.byte_text import byte_text
from engine.hub.endpoint import cache_folder, repository_folder, settings
from engine.hub.errors import DownloadError, NoRoom

MAKES_A_MODEL = ("config.json", "model_index.json")
"""The files at the top by which a folder is taken for a model."""


@dataclass(frozen=True)
class HubFile:
    """path: in the repository; size: bytes; digest: what the content is told by, and the name of
    its blob in the cache: a SHA-256 of large files, git's SHA-1 of small ones."""

    path: str
    size: int
    digest: str

    @property
    def sha256(self) -> str | None:
        return self.digest if len(self.digest) == 64 else None


class CachedCommit:
    """One commit of a repository in the cache, whether it is there or not yet. folder: of the
    repository; snapshot: of the commit."""

    def __init__(self, repo_id: str, commit: str) -> None:
        self.repo_id = repo_id
        self.commit = commit
        self.folder = repository_folder(repo_id)
        self.snapshot = self.folder / "snapshots" / commit
        self._lock = cache_folder() / ".locks" / self.folder.name / "safelight.lock"

    def path(self, file: str | None) -> Path:
        """The snapshot, or the one file in it."""
        return self.snapshot / file if file else self.snapshot

    def blob(self, file: HubFile) -> Path:
        return self.folder / "blobs" / file.digest

    def part(self, file: HubFile) -> Path:
        """What is there of a file that is not complete. The name is our own: a part of another
        program may be written to while we look."""
        return self.folder / "blobs" / f"{file.digest}.safelight.incomplete"

    def has(self, file: HubFile) -> bool:
        there = (self.blob(file), self.snapshot / file.path)
        return any(size_of(path) == file.size for path in there)

    def present(self, file: HubFile) -> int:
        """The bytes of a file that need not be fetched."""
        return file.size if self.has(file) else min(size_of(self.part(file)) or 0, file.size)

    def check_room(self, wanted: int) -> None:
        """Raises NoRoom if the disk has less than `wanted` bytes left."""
        there = next(folder for folder in (self.folder, *self.folder.parents) if folder.exists())
        free = shutil.disk_usage(there).free
        if wanted > free:
            raise NoRoom(
                f"{self.repo_id} needs {byte_text(wanted)} more, and the disk of "
                f"{self.folder.parent} has {byte_text(free)} free. Make room, or set HF_HOME to a "
                "folder on a larger disk."
            )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Two downloads of one repository would write into the same parts."""
        from filelock import Timeout
        from huggingface_hub.utils import WeakFileLock

        (self.folder / "blobs").mkdir(parents=True, exist_ok=True)
        self._lock.parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            try:
                stack.enter_context(WeakFileLock(self._lock, timeout=0.2))
            except Timeout:
                raise DownloadError(
                    f"{self.repo_id} is being fetched already, in another window or terminal. "
                    "Wait until that is done."
                ) from None
            yield

    def publish(self, files: Iterable[HubFile], revision: str | None) -> None:
        """Give the files their names, then the revision its commit."""
        for file in sorted(files, key=lambda file: file.path in MAKES_A_MODEL):
            self._link(file)
        name = revision or "main"
        if name != self.commit and is_relative(name):
            ref = self.folder / "refs" / name
            ref.parent.mkdir(parents=True, exist_ok=True)
            part = ref.with_name(f"{ref.name}.safelight.tmp")
            part.write_text(self.commit, encoding="ascii")
            part.replace(ref)

    def _link(self, file: HubFile) -> None:
        pointer, blob = self.snapshot / file.path, self.blob(file)
        if size_of(pointer) == file.size:
            return
        pointer.parent.mkdir(parents=True, exist_ok=True)
        pointer.unlink(missing_ok=True)
        try:
            if getattr(settings(), "HF_HUB_DISABLE_SYMLINKS", False):
                raise NotImplementedError
            pointer.symlink_to(os.path.relpath(blob, pointer.parent))
        except (OSError, NotImplementedError):
            self._lay(blob, pointer)  # a disk or a Windows without links

    def _lay(self, blob: Path, pointer: Path) -> None:
        """Put the content itself where a link would be: a copy where others have links to it."""
        links = (path for path in self.snapshot.parent.rglob("*") if path.is_symlink())
        if not blob.is_symlink() and not any(path.resolve() == blob.resolve() for path in links):
            blob.replace(pointer)
            return
        part = pointer.with_name(f"{pointer.name}.safelight.tmp")
        shutil.copyfile(blob, part)
        part.replace(pointer)


def size_of(path: Path) -> int | None:
    """The size of a file, through links; None where there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return None


def is_relative(path: str) -> bool:
    """Whether a path of the Hub stays within the folder that it is put into, on any system."""
    parts = PurePosixPath(path).parts
    outside = path.startswith("/") or ".." in parts or any(mark in path for mark in "\\:\0")
    return bool(parts) and not outside
