"""What a download would fetch: the Hub's lists, and the choice from them. Called through
`engine.hub`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, quote, unquote, urlsplit

from engine.hub.cached_commit import CachedCommit, HubFile, is_relative
from engine.hub.endpoint import endpoint, host
from engine.hub.errors import AGAIN, NotOnHub, WrongContent, plain_words
from engine.hub.files import needed
from engine.hub.session import ask, resolve
from engine.hub.waiting import wait_for

MOST_SHOWN = 300
"""Letters of what was asked for that a refusal tells."""
_HOSTS = ("huggingface.co", "www.huggingface.co", "hf.co")
_WITH_REVISION = frozenset({"tree", "blob", "resolve", "raw", "blame", "edit", "commits", "commit"})
"""The pages of a repository whose address names a revision, and then perhaps a file."""
_NO_MODELS = frozenset({"datasets", "spaces", "collections", "papers", "docs", "blog"})
_COMMIT = re.compile(r"[0-9a-f]{40}")
_DIGEST = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What a download would fetch, at one commit.

    revision: as asked for, None for the newest; file: the one file, where the model is no folder;
    cached: bytes of `total` that are on this computer already; variants: precisions besides the
    plain one that the repository has; licence: as its owner names it, "" if not at all; gated:
    whether terms have to be accepted."""

    repo_id: str
    commit: str
    files: tuple[HubFile, ...]
    cached: int = 0
    revision: str | None = None
    variant: str | None = None
    file: str | None = None
    variants: tuple[str, ...] = ()
    licence: str = ""
    gated: bool = False

    @property
    def total(self) -> int:
        """Bytes."""
        return sum(file.size for file in self.files)

    @property
    def source(self) -> str:
        """What `engine.load` takes when this has been fetched: a name, where that is enough."""
        named = self.revision is None and self.file is None
        cached = CachedCommit(self.repo_id, self.commit)
        return self.repo_id if named else str(cached.path(self.file))

    @property
    def page(self) -> str:
        """The address that says more."""
        return f"{endpoint()}/{self.repo_id}"


def survey(
    source: str,
    revision: str | None = None,
    variant: str | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Survey | None:
    """Ask the Hub what of `source` would be fetched; None when it was cancelled meanwhile. source:
    OWNER/NAME, OWNER/NAME/FILE or the address of either; revision: branch, tag or commit; variant:
    such as "fp16". Opens a connection, and fetches nothing but lists. Raises DownloadError,
    UnfitRepository."""
    with plain_words(source, revision, AGAIN):
        repo_id, file, named = _parse(source)
    revision = revision or named
    with plain_words(repo_id, revision, AGAIN):
        return wait_for(
            lambda: _survey(repo_id, file, revision, variant), go_on=lambda: not cancelled()
        )


def _survey(repo_id: str, file: str | None, revision: str | None, variant: str | None) -> Survey:
    named = quote(revision or "main", safe="")
    about = ask(f"{endpoint()}/api/models/{repo_id}/revision/{named}?blobs=true")
    commit, listed = _listed(about)
    index = None
    if file is None and "model_index.json" in listed:
        index = ask(resolve(repo_id, commit, "model_index.json"))
    choice = needed(repo_id, listed, index, file, variant)
    files = tuple(_hub_file(path, listed[path]) for path in choice.paths)
    in_cache = CachedCommit(repo_id, commit)
    return Survey(
        repo_id=repo_id,
        commit=commit,
        files=files,
        cached=sum(in_cache.present(each) for each in files),
        revision=revision,
        variant=variant,
        file=files[0].path if index is None and len(files) == 1 else None,
        variants=choice.variants,
        licence=_licence(about),
        gated=bool(about.get("gated")),
    )


def _parse(source: str) -> tuple[str, str | None, str | None]:
    """The repository, the file in it and the revision that OWNER/NAME, OWNER/NAME/FILE or the
    address of a page on the Hub names."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    text = source.strip()
    if address := _address(text):
        owner, name, file, revision = _of_page(address)
    else:  # percent signs and # are letters of a file's name here
        owner, _, rest = text.split("?")[0].rstrip("/").partition("/")
        name, _, file = rest.partition("/")
        name, revision = name.split("#")[0], None
    try:
        validate_repo_id(f"{owner}/{name}")
        understood = bool(owner and name) and (not file or is_relative(file))
    except HFValidationError:
        understood = False
    if not understood:
        raise NotOnHub(
            f"{_begun(text) or 'An empty name'} is no name of a model on the Hub. Write "
            "OWNER/NAME, such as CompVis/stable-diffusion-v1-4, or OWNER/NAME/FILE."
        )
    return f"{owner}/{name}", file or None, revision


def _begun(text: str) -> str:
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"


def _address(text: str) -> SplitResult | None:
    """The parts of an address on the Hub, with or without https:// before it; None for a name."""
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        ours = (*_HOSTS, urlsplit(endpoint()).hostname)
        return parts if parts.hostname in ours else None
    except ValueError:
        return None


def _of_page(address: SplitResult) -> tuple[str, str, str, str | None]:
    """Owner, name, file ("" for none) and revision of a page's address. What stands in it as %2F is
    no slash between its parts: a branch may be called feature/x."""
    parts = [unquote(part) for part in address.path.split("/") if part]
    if parts[:1] == ["models"]:
        parts = parts[1:]
    if len(parts) < 2 or parts[0] in _NO_MODELS:
        return "", "", "", None
    owner, name, *rest = parts
    if not rest or (rest[0] not in _WITH_REVISION and not rest[-1].endswith(".safetensors")):
        return owner, name, "", None
    if rest[0] not in _WITH_REVISION:
        return owner, name, "/".join(rest), None
    page, rest = rest[0], rest[1:]
    if rest[:1] == ["refs"] and len(rest) >= 3:  # as some write refs%2Fpr%2F1
        rest = ["/".join(rest[:3]), *rest[3:]]
    file = "" if page in ("tree", "commit", "commits") else "/".join(rest[1:])
    return owner, name, file, rest[0] if rest else None


def _listed(about: dict[str, Any]) -> tuple[str, dict[str, dict[str, Any]]]:
    """The commit, and what the Hub says of each file by its path. Paths become paths on this
    computer, so what leads out of the folder is refused."""
    commit = str(about.get("sha"))
    siblings = about.get("siblings") or []
    listed = {str(entry.get("rfilename")): entry for entry in siblings if isinstance(entry, dict)}
    strange = next((path for path in listed if not is_relative(path)), None)
    if strange or not _COMMIT.fullmatch(commit):
        raise WrongContent(
            f"{host()} lists {strange or 'a commit ' + commit}, which is no name that the Hub "
            "gives. Check what HF_ENDPOINT is set to."
        )
    return commit, listed


def _hub_file(path: str, entry: dict[str, Any]) -> HubFile:
    large = entry.get("lfs") or {}
    digest = str(large.get("sha256") or entry.get("blobId"))
    size = large.get("size", entry.get("size"))
    if not _DIGEST.fullmatch(digest) or not isinstance(size, int) or size < 0:
        raise WrongContent(
            f"{host()} does not say what {path} must be (size {size}, digest {digest}), so it "
            "could not be checked. Check what HF_ENDPOINT is set to."
        )
    return HubFile(path, size, digest)


def _licence(about: dict[str, Any]) -> str:
    card = about.get("cardData")
    card = card if isinstance(card, dict) else {}
    named = card.get("license_name") or card.get("license")
    if isinstance(named, str):
        return named
    tags = [tag for tag in about.get("tags") or [] if isinstance(tag, str)]
    return next((tag.removeprefix("license:") for tag in tags if tag.startswith("license:")), "")
