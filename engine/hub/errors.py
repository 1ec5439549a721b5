"""What can go wrong with a download, by kind, and how it is told: every error of the network, of
the Hub and of the disk becomes one of these. Called by the rest of the package.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from engine.errors import EngineError
from engine.hub.endpoint import UnusableSettings, cache_folder, endpoint, host, settings

AGAIN = "Then try again."
KEPT = "What is there already is kept: start the download again and it goes on from there."
LOG_IN = "log in with `hf auth login`, or set HF_TOKEN to a token of your account"


class DownloadError(EngineError):
    """A model cannot be fetched; the message says why and what to do."""


class NoConnection(DownloadError):
    """The Hub cannot be reached, does not answer, or connections are switched off."""


class AccessDenied(DownloadError):
    """The Hub wants a login, another token, or terms to be accepted first."""


class NotOnHub(DownloadError):
    """There is no repository, revision or file of that name on the Hub."""


class HubBusy(DownloadError):
    """The Hub wants fewer requests, or has trouble of its own."""


class WrongContent(DownloadError):
    """What came is not what the Hub says the file is."""


class NoRoom(DownloadError):
    """The disk is full, or the cache cannot be written to."""


class BrokeOff(Exception):
    """A transfer ended too early, without an error of its own."""


@contextmanager
def plain_words(repo_id: str, revision: str | None, advice: str) -> Iterator[None]:
    """Whatever goes wrong inside is raised as a DownloadError. advice: what to do when the trouble
    is over, AGAIN or KEPT."""
    try:
        settings()
        yield
    except UnusableSettings as error:
        raise NoConnection(str(error)) from None
    except EngineError:
        raise
    except Exception as error:
        raise _told(error, repo_id, revision, advice) from error


def _told(error: Exception, repo_id: str, revision: str | None, advice: str) -> DownloadError:
    """What a person is told of it."""
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    if isinstance(error, OfflineModeIsEnabled):
        return NoConnection(
            "Connections to the Hub are switched off by HF_HUB_OFFLINE. Unset it to download."
        )
    if isinstance(error, HfHubHTTPError):
        return _refusal(error, repo_id, revision, advice)
    if isinstance(error, ConnectionError | TimeoutError):
        return NoConnection(f"{host()} cannot be reached ({error}). {advice}")
    if isinstance(error, OSError):
        return _trouble_with_disk(error, advice)
    if _is_a(error, "TimeoutException"):
        return NoConnection(f"{host()} does not answer. Check the network. {advice}")
    if _is_a(error, "ConnectError") or _is_a(error, "ProxyError"):
        return NoConnection(
            f"{host()} cannot be reached ({error}). Check the network and its proxy. {advice}"
        )
    if isinstance(error, BrokeOff) or _is_a(error, "RequestError"):
        return NoConnection(f"The connection to {host()} broke off ({error}). {advice}")
    # An address that a redirect leads to, a proxy's password, an answer in a strange encoding: the
    # library beneath has an error of its own for each, and more to come.
    reason = str(error).partition("\n")[0] or type(error).__name__
    return DownloadError(
        f"{host()} cannot be asked for {repo_id} ({reason}). Check HF_ENDPOINT and the network's "
        f"proxy. {advice}"
    )


def is_passing(error: Exception) -> bool:
    """Whether to try again by itself: the connection, or a server that is overloaded."""
    from huggingface_hub.errors import HfHubHTTPError

    if isinstance(error, HfHubHTTPError):
        return error.response.status_code in (408, 500, 502, 503, 504)
    if _is_a(error, "UnsupportedProtocol") or _is_a(error, "LocalProtocolError"):
        return False  # of what we ask, not of the way
    return isinstance(error, BrokeOff) or _is_a(error, "TransportError")


def _refusal(error: Any, repo_id: str, revision: str | None, advice: str) -> DownloadError:
    """What the Hub's answer means. error: a HfHubHTTPError."""
    from huggingface_hub import errors, get_token

    page, status = f"{endpoint()}/{repo_id}", error.response.status_code
    has_token = bool(get_token())
    if isinstance(error, errors.GatedRepoError):
        whose = "with the account of your token" if has_token else f"and {LOG_IN}"
        return AccessDenied(
            f"The owner of {repo_id} wants terms to be accepted first ({status}): open {page}, "
            f"accept them {whose}, and try again."
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return NotOnHub(
            f"{repo_id} has no revision {revision or 'main'!r}. {page}/tree/main lists those that "
            "there are."
        )
    if isinstance(error, errors.RemoteEntryNotFoundError):
        return NotOnHub(f"{error.request.url} is not there any more. Start the download again.")
    if isinstance(error, errors.DisabledRepoError):
        return AccessDenied(f"The Hub has closed {repo_id} ({page}). Take another model.")
    if status == 404 or isinstance(error, errors.RepositoryNotFoundError):
        return NotOnHub(
            f"There is no model {repo_id} on {host()}, or it is private. Check the spelling; for "
            f"a private one {LOG_IN}."
        )
    if status == 401:
        why = "does not know the token that was sent" if has_token else "wants a login"
        return AccessDenied(f"The Hub {why} for {repo_id} (401): {LOG_IN}.")
    if status == 403:
        return AccessDenied(
            f"The Hub does not let this account have {repo_id} (403). {page} says who may have it."
        )
    if status == 429:
        seconds = _seconds_to_wait(error.response.headers)
        time = f"{seconds} seconds" if seconds else "some minutes"
        return HubBusy(f"The Hub wants fewer requests (429). Wait {time}. {advice}")
    if status >= 500 or status == 408:
        return HubBusy(f"The Hub has trouble of its own ({status}). Wait a while. {advice}")
    return DownloadError(f"The Hub refused {repo_id} (status {status}). See {page}.")


def _seconds_to_wait(headers: Any) -> int | None:
    """How long a 429 says to wait: as `RateLimit: "api";r=0;t=55`, or as `Retry-After: 55`."""
    if match := re.search(r"\br\s*=\s*0\s*;\s*t\s*=\s*(\d+)", headers.get("RateLimit", "")):
        return int(match[1])
    after = headers.get("Retry-After", "").strip()
    return int(after) if after.isdigit() else None


def _trouble_with_disk(error: OSError, advice: str) -> DownloadError:
    place = error.filename or cache_folder()
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", None)):
        return NoRoom(f"The disk of {place} is full. Make room. {advice}")
    return NoRoom(
        f"{place} cannot be written to ({error.strerror or error}). Check who may write there, or "
        "set HF_HOME to another folder."
    )


def _is_a(error: Exception, name: str) -> bool:
    """By name: which library the session is of depends on the version of huggingface_hub."""
    return any(kind.__name__ == name for kind in type(error).__mro__)
