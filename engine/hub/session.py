"""Talking to the Hub: who asks, and questions with a JSON answer. Called by the rest of the
package.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Any
from urllib.parse import quote

from engine.hub.endpoint import endpoint, host
from engine.hub.errors import WrongContent


def timeout() -> float:
    """Seconds to wait for an answer or the next bytes of one."""
    from huggingface_hub import constants

    return constants.HF_HUB_DOWNLOAD_TIMEOUT


def resolve(repo_id: str, commit: str, path: str) -> str:
    """The address of a file's content."""
    return f"{endpoint()}/{repo_id}/resolve/{commit}/{quote(path)}"


def headers() -> dict[str, str]:
    """Who asks. huggingface_hub's own headers would ask the Hub for more first, to tell it more."""
    from huggingface_hub import get_token

    own = {"User-Agent": f"safelight/{_version()}"}
    if token := get_token():
        own["Authorization"] = f"Bearer {token}"
    return own


def ask(address: str) -> dict[str, Any]:
    """The JSON object that the Hub answers with."""
    from huggingface_hub import get_session
    from huggingface_hub.utils import hf_raise_for_status

    response = get_session().get(
        address, headers=headers(), timeout=timeout(), follow_redirects=True
    )
    hf_raise_for_status(response)
    try:
        answer = response.json()
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise WrongContent(
            f"{host()} answered with something else than the Hub does ({address}). Is there a "
            "login page of the network in between? Open a web page, then try again."
        )
    return answer


def _version() -> str:
    try:
        return version("safelight")
    except PackageNotFoundError:
        return "0"
