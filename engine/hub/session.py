"""Talking to the Hub: who asks, and questions with a JSON answer. Called by the rest of the
package.
"""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from urllib.parse import quote

from engine.hub.endpoint import endpoint, host, settings
from engine.hub.errors import AccessDenied, NoConnection, WrongContent

_PASSWORD = re.compile(r"//[^/@]*@")


def timeout() -> float:
    """Seconds to wait for an answer or the next bytes of one."""
    return settings().HF_HUB_DOWNLOAD_TIMEOUT


def session() -> Any:
    """huggingface_hub's, with the proxies and certificates that the environment names. Raises
    NoConnection where there is no talking with these."""
    from huggingface_hub import get_session

    try:
        return get_session()
    except Exception as error:  # of the library beneath, which looks at them when it begins
        raise NoConnection(_unusable(error)) from error


def resolve(repo_id: str, commit: str, path: str) -> str:
    """The address of a file's content."""
    return f"{endpoint()}/{repo_id}/resolve/{commit}/{quote(path)}"


def headers() -> dict[str, str]:
    """Who asks. huggingface_hub's own headers would ask the Hub for more first, to tell it more."""
    own = {"User-Agent": f"safelight/{_version()}"}
    if token := _token():
        own["Authorization"] = f"Bearer {token}"
    return own


def ask(address: str) -> dict[str, Any]:
    """The JSON object that the Hub answers with."""
    from huggingface_hub.utils import hf_raise_for_status

    response = session().get(address, headers=headers(), timeout=timeout(), follow_redirects=True)
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


def _token() -> str | None:
    """Raises AccessDenied for one that no request could carry."""
    from huggingface_hub import get_token

    try:
        token = get_token()
    except Exception as error:
        raise AccessDenied(
            f"The token for the Hub cannot be read ({error}): set HF_TOKEN, or log in again with "
            "`hf auth login`."
        ) from error
    if token and not (token.isascii() and token.isprintable() and " " not in token):
        raise AccessDenied(
            "The token for the Hub has letters in it that no token has: copy it again from your "
            "account into HF_TOKEN, or log in again with `hf auth login`."
        )
    return token


def _unusable(error: Exception) -> str:
    """Why there is no session, and what to change."""
    from urllib.request import getproxies  # with http and ssl, which no start needs

    proxies = {scheme: _PASSWORD.sub("//", address) for scheme, address in getproxies().items()}
    if isinstance(error, ImportError) and (
        socks := next((each for each in proxies.values() if each.startswith("socks")), "")
    ):
        return (
            f"The proxy {socks} speaks SOCKS, for which the Python package socksio is needed: "
            "install it, or set HTTPS_PROXY to an http proxy."
        )
    if isinstance(error, OSError):
        return (
            f"The certificates for secure connections cannot be read ({error}): correct "
            "SSL_CERT_FILE or SSL_CERT_DIR, or unset them."
        )
    named = ", ".join(f"{scheme}: {address}" for scheme, address in proxies.items() if address)
    return (
        f"The proxies that are set ({named or 'none'}) cannot be used "
        f"({_PASSWORD.sub('//', str(error))}): give each as http://HOST:PORT in HTTPS_PROXY, "
        "HTTP_PROXY or ALL_PROXY."
    )


def _version() -> str:
    try:
        return version("safelight")
    except PackageNotFoundError:
        return "0"
