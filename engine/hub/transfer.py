"""Fetching files one after the other. Called by `fetch`, which does it in a thread of its own, so
that no server that keeps us waiting delays a cancel.

A file is fetched beside its place, compared with the digest that the Hub gave, and then put in
place. What broke off stays beside it, and the next attempt asks for the rest.
"""

from __future__ import annotations

import hashlib
import threading
from typing import Any

from engine.hub.byte_text import byte_text
from engine.hub.cached_commit import CachedCommit, HubFile, size_of
from engine.hub.errors import BrokeOff, WrongContent, is_passing
from engine.hub.session import headers, resolve, session, timeout

RETRY_WAITS = (1.0, 2.0, 4.0, 8.0)
"""Seconds before a broken connection is tried again; from the first again after new bytes came."""


class Transfer:
    """After `stop`, from any thread, nothing is written any more, though `run` may end later."""

    def __init__(self, cached: CachedCommit, files: list[HubFile]) -> None:
        self._cached = cached
        self._files = files
        self._wanted = sum(file.size for file in files)
        self._complete = 0  # bytes of the files that are done
        self._done = 0  # and of the file that is under way
        self._stopped = threading.Event()
        self._writing = threading.Lock()

    @property
    def left(self) -> int:
        """Bytes that are still to come."""
        return self._wanted - self._done

    def run(self) -> bool:
        """Fetch all files; whether it came to the end."""
        try:
            for file in self._files:
                self._fetch(file)
                self._complete = self._done
        except _Stopped:
            return False
        return True

    def stop(self) -> None:
        with self._writing:
            self._stopped.set()

    def _fetch(self, file: HubFile) -> None:
        """One file, over as many connections as it takes."""
        waits = iter(RETRY_WAITS)
        while True:
            before = size_of(self._cached.part(file))
            try:
                return self._attempt(file)
            except Exception as error:
                if not is_passing(error):
                    raise
                if size_of(self._cached.part(file)) != before:
                    waits = iter(RETRY_WAITS)
                wait = next(waits, None)
                if wait is None:
                    raise
                if self._stopped.wait(wait):
                    raise _Stopped from None

    def _attempt(self, file: HubFile) -> None:
        part = self._cached.part(file)
        digest, size = self._take_up(file)
        if size < file.size or not part.exists():
            digest, size = self._receive(file, digest, size)
        if size < file.size:
            raise BrokeOff(f"{file.path} ended after {byte_text(size)} of {byte_text(file.size)}")
        with self._writing:
            if self._stopped.is_set():
                raise _Stopped
            if digest.hexdigest() != file.digest:
                part.unlink()
                raise WrongContent(
                    f"{self._cached.repo_id}/{file.path} came damaged: its {digest.name} is "
                    f"{digest.hexdigest()}, the Hub says {file.digest}. Start the download again; "
                    "if this comes back, something on the way to the Hub changes files."
                )
            part.replace(self._cached.blob(file))

    def _take_up(self, file: HubFile) -> tuple[hashlib._Hash, int]:
        """What an earlier attempt left: its digest and its size."""
        digest, part = _new_digest(file), self._cached.part(file)
        size = size_of(part) or 0
        if size > file.size:
            part.unlink()
            size = 0
        elif size:
            with part.open("rb") as there:
                while chunk := there.read(1 << 20):
                    if self._stopped.is_set():
                        raise _Stopped
                    digest.update(chunk)
        self._done = self._complete + size
        return digest, size

    def _receive(
        self, file: HubFile, digest: hashlib._Hash, size: int
    ) -> tuple[hashlib._Hash, int]:
        """Write what is to come of the file behind the `size` bytes that are there. Returns digest
        and size of it all."""
        from huggingface_hub.utils import hf_raise_for_status

        # Compressed on the way, the length would tell nothing and a part could not be gone on from.
        asked = headers() | {"Accept-Encoding": "identity"}
        if size:
            asked["Range"] = f"bytes={size}-"
        with session().stream(
            "GET",
            resolve(self._cached.repo_id, self._cached.commit, file.path),
            headers=asked,
            timeout=timeout(),
            follow_redirects=True,
        ) as response:
            hf_raise_for_status(response)
            goes_on = response.status_code == 206
            if goes_on and not _begins_at(response, size):
                raise BrokeOff(f"the server sent another part of {file.path} than was asked for")
            if not goes_on:  # the whole file, whether or not that was asked for
                digest, size = _new_digest(file), 0
            _check_answer(response, self._cached.repo_id, file, size)
            with self._cached.part(file).open("ab" if goes_on else "wb") as part:
                for chunk in response.iter_bytes():
                    size += len(chunk)
                    if size > file.size:
                        break
                    with self._writing:
                        if self._stopped.is_set():
                            raise _Stopped
                        part.write(chunk)
                        part.flush()
                    digest.update(chunk)
                    self._done = self._complete + size
        if size > file.size:
            self._cached.part(file).unlink()
            raise WrongContent(_wrong_size(self._cached.repo_id, file, "more"))
        return digest, size


class _Stopped(Exception):
    """The person does not want the rest."""


def _new_digest(file: HubFile) -> hashlib._Hash:
    """What tells a file's content; git puts the length before it."""
    if file.sha256:
        return hashlib.sha256()
    return hashlib.sha1(b"blob %d\0" % file.size, usedforsecurity=False)


def _begins_at(response: Any, offset: int) -> bool:
    return response.headers.get("Content-Range", "").startswith(f"bytes {offset}-")


def _check_answer(response: Any, repo_id: str, file: HubFile, offset: int) -> None:
    """Refuse an answer that cannot be the file before a byte of it is written."""
    told = response.headers
    length = told.get("Content-Length", "")
    encoded = told.get("Content-Encoding", "identity") != "identity"
    if length.isdigit() and not encoded and offset + int(length) != file.size:
        raise WrongContent(_wrong_size(repo_id, file, byte_text(offset + int(length))))
    if told.get("Content-Type", "").startswith("text/html"):
        raise WrongContent(_wrong_size(repo_id, file, "a web page"))


def _wrong_size(repo_id: str, file: HubFile, came: str) -> str:
    return (
        f"{repo_id}/{file.path} should be {byte_text(file.size)}, and {came} came. Is there a "
        "login page of the network in between? Open a web page, then start the download again."
    )
