"""A small Hub on 127.0.0.1: the part of the Hugging Face Hub's HTTP API that a download of a model
uses, from a folder, with faults to switch on. Used by the tests of engine.hub and of the download.

    with HubServer() as hub:
        hub.add("owner/name", folder)
        hub.faults.append(Fault("unet/", status=429, headers={"Retry-After": "7"}))
        ...
        hub.requests    # what was asked for, in order

As on the real Hub, large files are answered with a redirect to another host (here: another name of
this one), which must not be told the token.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

LARGE = (".safetensors", ".bin", ".ckpt")
CHUNK = 4096


@dataclass
class Fault:
    """What goes wrong with requests whose path has `where` in it, `times` times.

    status, code, headers: refuse; break_after: cut the connection after so many bytes of the body;
    content: send this in place of the file; page: send a web page with status 200; stall: seconds
    of silence before the answer; whole: send the whole file, whatever part is asked for;
    bytes_a_second: send slowly."""

    where: str
    times: int = 1_000_000
    status: int = 0
    code: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    break_after: int | None = None
    content: bytes | None = None
    page: bool = False
    stall: float = 0.0
    whole: bool = False
    bytes_a_second: int = 0


@dataclass(frozen=True)
class Request:
    """path: without the query; start: where a Range began, None without one; token: what came."""

    method: str
    path: str
    start: int | None
    token: str | None


@dataclass(frozen=True)
class Repo:
    """What one repository has: content by path, at one commit, which has the given names."""

    files: dict[str, bytes]
    revisions: tuple[str, ...] = ("main",)
    licence: str = "mit"
    gated: str | bool = False

    @property
    def commit(self) -> str:
        whole = json.dumps({path: _sha256(content) for path, content in sorted(self.files.items())})
        return hashlib.sha1(whole.encode()).hexdigest()


class HubServer:
    """url: what HF_ENDPOINT is set to."""

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.faults: list[Fault] = []
        self.requests: list[Request] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._server.hub = self  # for the handlers
        self.closing = threading.Event()  # whoever stalls then goes on
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    def add(self, repo_id: str, source: Path | dict[str, bytes], **more: Any) -> Repo:
        """Offer the files of a folder, or of a dictionary, as a repository."""
        if isinstance(source, Path):
            found = (path for path in source.rglob("*") if path.is_file())
            source = {path.relative_to(source).as_posix(): path.read_bytes() for path in found}
        self.repos[repo_id] = repo = Repo(source, **more)
        return repo

    def fetched(self) -> list[str]:
        """The paths whose content was asked for, without the repository, in order."""
        return [
            request.path.split("/resolve/")[1].partition("/")[2]
            for request in self.requests
            if "/resolve/" in request.path
        ]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: HubServer

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _answer(self) -> None:
        self.hub = self.server.hub
        address = urlsplit(self.path)
        path = unquote(address.path)
        start = self.headers.get("Range", "").removeprefix("bytes=").removesuffix("-")
        token = self.headers.get("Authorization")
        self.hub.requests.append(Request(self.command, path, int(start) if start else None, token))
        fault = self._fault(path)
        self.hub.closing.wait(fault.stall if fault else 0)
        try:
            if fault and fault.status:
                self._refuse(fault.status, fault.code, fault.headers)
            elif fault and fault.page:
                self._send(200, b"<html>Please log in</html>", {"Content-Type": "text/html"})
            elif path.startswith("/api/models/"):
                self._tell(path.removeprefix("/api/models/"), parse_qs(address.query))
            elif path.startswith("/cdn/"):
                _, repo_id, file = path.removeprefix("/cdn/").split("|")
                self._send_file(self.hub.repos[repo_id].files[file], fault, {})
            else:
                self._resolve(path, fault)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _fault(self, path: str) -> Fault | None:
        for fault in self.hub.faults:
            if fault.where in path and fault.times > 0:
                redirects = path.endswith(LARGE) and not path.startswith("/cdn/")
                if redirects and not (fault.status or fault.page):
                    return None  # it is for what the redirect leads to
                fault.times -= 1
                return fault
        return None

    def _tell(self, rest: str, query: dict[str, list[str]]) -> None:
        """What the Hub says about a repository, or its list of files."""
        repo_id = "/".join(rest.split("/")[:2])
        what, _, revision = rest.removeprefix(repo_id).strip("/").partition("/")
        repo = self.hub.repos.get(repo_id)
        if repo is None:
            return self._refuse(
                401 if not self.headers.get("Authorization") else 404, "RepoNotFound"
            )
        if revision and revision not in (*repo.revisions, repo.commit):
            return self._refuse(404, "RevisionNotFound")
        if what == "tree":
            return self._send_json(
                [_in_tree(path, content) for path, content in repo.files.items()]
            )
        with_blobs = "blobs" in query
        self._send_json(
            {
                "id": repo_id,
                "sha": repo.commit,
                "gated": repo.gated,
                "private": False,
                "tags": ["diffusers", f"license:{repo.licence}"],
                "cardData": {"license": repo.licence},
                "siblings": [_sibling(*file, with_blobs) for file in repo.files.items()],
            }
        )

    def _resolve(self, path: str, fault: Fault | None) -> None:
        repo_id, _, rest = path.strip("/").partition("/resolve/")
        revision, _, file = rest.partition("/")
        repo = self.hub.repos.get(repo_id)
        if repo is None:
            return self._refuse(401, "RepoNotFound")
        if repo.gated and not self.headers.get("Authorization"):
            return self._refuse(401, "GatedRepo")
        if revision not in (*repo.revisions, repo.commit):
            return self._refuse(404, "RevisionNotFound")
        if file not in repo.files:
            return self._refuse(404, "EntryNotFound")
        content = repo.files[file]
        headers = {"X-Repo-Commit": repo.commit, "ETag": f'"{_git_sha1(content)}"'}
        if not file.endswith(LARGE):
            return self._send_file(content, fault, headers)
        headers |= {
            "X-Linked-Etag": f'"{_sha256(content)}"',
            "X-Linked-Size": str(len(content)),
            "Location": f"http://localhost:{self.hub.port}/cdn/{revision}|{repo_id}|{file}",
        }
        self._send(302, b"", headers)

    def _send_file(self, content: bytes, fault: Fault | None, headers: dict[str, str]) -> None:
        fault = fault or Fault("")
        content = content if fault.content is None else fault.content
        asked = "bytes=0-" if fault.whole else self.headers.get("Range", "bytes=0-")
        start = int(asked.removeprefix("bytes=").rstrip("-"))
        body = content[start:]
        status = 200
        if "Range" in self.headers and not fault.whole:
            status = 206
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        headers |= {"Accept-Ranges": "bytes", "Content-Type": "application/octet-stream"}
        self._send(status, body, headers, fault)

    def _send_json(self, answer: Any) -> None:
        body = json.dumps(answer).encode()
        self._send(200, body, {"Content-Type": "application/json"})

    def _refuse(self, status: int, code: str, headers: dict[str, str] | None = None) -> None:
        told = {"X-Error-Code": code} if code else {}
        self._send(status, b"", {**told, **(headers or {})})

    def _send(
        self, status: int, body: bytes, headers: dict[str, str], fault: Fault | None = None
    ) -> None:
        fault = fault or Fault("")
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if fault.break_after is not None:
            body = body[: fault.break_after]
            self.close_connection = True
        for start in range(0, len(body), CHUNK):
            self.wfile.write(body[start : start + CHUNK])
            if fault.bytes_a_second:
                self.wfile.flush()
                time.sleep(CHUNK / fault.bytes_a_second)


def _sibling(path: str, content: bytes, with_blobs: bool) -> dict[str, Any]:
    entry: dict[str, Any] = {"rfilename": path}
    if with_blobs:
        entry |= {"size": len(content), "blobId": _git_sha1(content)}
        if path.endswith(LARGE):
            entry["lfs"] = {"sha256": _sha256(content), "size": len(content), "pointerSize": 134}
    return entry


def _in_tree(path: str, content: bytes) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "type": "file",
        "path": path,
        "size": len(content),
        "oid": _git_sha1(content),
    }
    if path.endswith(LARGE):
        entry["lfs"] = {"oid": _sha256(content), "size": len(content), "pointerSize": 134}
    return entry


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _git_sha1(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
