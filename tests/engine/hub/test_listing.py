"""What the Hub answers when it is asked what there is: that every refusal, every address and every
setting of this computer that stands in the way is told in plain words.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from huggingface_hub import close_session, constants

from engine import hub
from tests.engine.hub.outcomes import UNET, is_ready, refused
from tests.hub_server import Fault, HubServer

# What the Hub refuses

REFUSALS = {
    "login": (
        Fault("", status=401),
        hub.AccessDenied,
        "wants a login",
        "HF_TOKEN",
        "hf auth login",
    ),
    "forbidden": (Fault("", status=403), hub.AccessDenied, "403", "some/model"),
    "gated": (Fault("", status=403, code="GatedRepo"), hub.AccessDenied, "terms", "HF_TOKEN"),
    "gone": (Fault("", status=404), hub.NotOnHub, "no model some/model", "spelling"),
    "many": (Fault("", status=429, headers={"Retry-After": "7"}), hub.HubBusy, "429", "7 seconds"),
    "limit": (
        Fault("", status=429, headers={"RateLimit": '"api";r=0;t=55', "Retry-After": "7"}),
        hub.HubBusy,
        "55 seconds",
    ),
    "trouble": (Fault("", status=502), hub.HubBusy, "502", "trouble"),
    "login page": (Fault("", page=True), hub.WrongContent, "login page"),
    "silence": (Fault("", stall=2.0), hub.NoConnection, "does not answer"),
}


@pytest.mark.parametrize("name", REFUSALS)
@pytest.mark.parametrize("where", ["/api/", "/resolve/"])
def test_refusals_are_told_in_plain_words(offered: HubServer, monkeypatch, name: str, where: str):
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 0.5)
    fault, kind, *words = REFUSALS[name]
    found = hub.survey("some/model")
    offered.faults.append(Fault(**vars(fault) | {"where": where}))
    refused(lambda: hub.survey("some/model"), kind, *words)
    if where == "/resolve/":
        refused(lambda: hub.fetch(found), kind, *words)
        assert not is_ready()


def test_what_is_not_there(offered: HubServer, monkeypatch):
    for source, revision, *words in (
        ("nobody/nothing", None, "no model nobody/nothing"),
        ("some/model", "v9", "no revision 'v9'"),
        ("https://hf.co/some/model/tree/v9", None, "no revision 'v9'"),
        ("some", None, "some is no name", "OWNER/NAME"),
        ("../../etc", None, "no name"),
        ("", None, "empty name"),
    ):
        refused(lambda s=source, r=revision: hub.survey(s, r), hub.NotOnHub, *words)
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    offered.faults.append(Fault("", status=401))
    refused(lambda: hub.survey("some/model"), hub.AccessDenied, "does not know the token")


def test_no_network(offered: HubServer, monkeypatch):
    found = hub.survey("some/model")
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    refused(lambda: hub.survey("some/model"), hub.NoConnection, "127.0.0.1:9", "cannot be reached")
    refused(lambda: hub.fetch(found), hub.NoConnection, "cannot be reached", "kept")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    refused(lambda: hub.survey("some/model"), hub.NoConnection, "HF_HUB_OFFLINE")


PAGE = "https://huggingface.co/some"
THAI = "%E0%B9%82%E0%B8%A1%E0%B9%80%E0%B8%94%E0%B8%A5"
ADDRESSES = {
    f"{PAGE}/net/tree/main": ("main", None),
    f"{PAGE}/net/tree/main/unet": ("main", None),
    f"{PAGE}/net/tree/refs%2Fpr%2F1": ("refs/pr/1", None),
    f"{PAGE}/net/tree/refs/pr/1": ("refs/pr/1", None),
    f"{PAGE}/net/tree/feature%2Fx/": ("feature/x", None),
    f"{PAGE}/net/commits/feature%2Fx": ("feature/x", None),
    f"{PAGE}/net#usage": (None, None),
    f"{PAGE}/net/?library=diffusers#usage": (None, None),
    f"{PAGE}/net/discussions/3#6549": (None, None),
    "some/net#usage": (None, None),
    "hf.co/some/net": (None, None),
    "http://www.huggingface.co:80/some/net": (None, None),
    f"{PAGE}/single/blob/main/my%20model%20v1.safetensors": ("main", "my model v1.safetensors"),
    f"{PAGE}/single/resolve/main/my%20model%20v1.safetensors?download=true": (
        "main", "my model v1.safetensors",
    ),
    f"{PAGE}/single/blob/main/{THAI}.safetensors": ("main", "โมเดล.safetensors"),
    f"{PAGE}/single/blob/main/โมเดล.safetensors": ("main", "โมเดล.safetensors"),
    f"{PAGE}/single/blob/feature%2Fx/100%25%20%23.safetensors": (
        "feature/x", "100% #.safetensors",
    ),
    "some/single/100% #.safetensors": (None, "100% #.safetensors"),
}  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_is_read_as_a_browser_has_it(server: HubServer, address: str):
    network = {"config.json": b'{"_class_name": "UNet2DModel"}', UNET.split("/")[1]: b"x" * 99}
    named = ("my model v1", "โมเดล", "100% #")
    revisions = ("main", "refs/pr/1", "feature/x")
    server.add("some/net", network, revisions=revisions)
    files = {f"{name}.safetensors": b"q" * 30 for name in named}
    server.add("some/single", files, revisions=revisions)
    found = hub.survey(address)
    assert (found.revision, found.file) == ADDRESSES[address]
    assert found.repo_id == ("some/net" if "/net" in address else "some/single")


@pytest.mark.parametrize(
    "address", ["https://huggingface.co/datasets/some/net", "https://[huggingface.co/some/net"]
)
def test_an_address_of_no_model_is_told(server: HubServer, address: str):
    refused(lambda: hub.survey(address), hub.NotOnHub, address, "OWNER/NAME")


# What the settings of the computer are

ENDPOINTS = ["hf-mirror.com", "127.0.0.1:80", "ftp://x", "http://", "http://[::1", "https://a b"]


@pytest.mark.parametrize("address", ENDPOINTS)
def test_an_endpoint_that_is_no_address_is_named(server: HubServer, monkeypatch, address: str):
    monkeypatch.setattr(constants, "ENDPOINT", address)
    refused(lambda: hub.survey("some/model"), hub.NoConnection, repr(address), "HF_ENDPOINT")


@pytest.mark.parametrize("address", ["http://[::1", "https://x]"])
def test_an_endpoint_that_the_library_cannot_import_with_is_told(address: str):
    code = (
        "from engine import hub, checkpoint\n"
        "for work in (lambda: hub.survey('some/model'), checkpoint.cache_folder):\n"
        "    try: work()\n"
        "    except Exception as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "HF_ENDPOINT": address},
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    said = done.stdout.splitlines()
    assert len(said) == 2 and all("HF_" in line and "unset it" in line for line in said)


@pytest.mark.parametrize(
    ("proxy", "word"),
    [
        ("socks5://user:geheim@127.0.0.1:1080", "socks"),
        ("socks4://127.0.0.1:1080", "socks4://127.0.0.1:1080"),
        ("foo://127.0.0.1", "foo://127.0.0.1"),
        ("http://[::1", "http://[::1"),
        ("http://user:geheim@host:port", "http://host:port"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_named_without_its_password(
    offered: HubServer, monkeypatch, proxy: str, word: str
):
    found = hub.survey("some/model")
    close_session()
    monkeypatch.setenv("ALL_PROXY", proxy)
    monkeypatch.setenv("all_proxy", proxy)
    for work in (lambda: hub.survey("some/model"), lambda: hub.fetch(found)):
        refused(work, hub.NoConnection, word, "_PROXY")
        with pytest.raises(hub.NoConnection) as caught:
            work()
        assert "geheim" not in str(caught.value)


@pytest.mark.parametrize("token", ["hf_grüße", "hf_a b", "hf_\x1b[31m", "hf_\u200bx"])
def test_a_token_that_no_request_can_carry_is_told_and_not_shown(
    offered: HubServer, monkeypatch, token: str
):
    monkeypatch.setenv("HF_TOKEN", token)
    offered.requests.clear()
    refused(lambda: hub.survey("some/model"), hub.AccessDenied, "HF_TOKEN", "hf auth login")
    with pytest.raises(hub.AccessDenied) as caught:
        hub.survey("some/model")
    assert token not in str(caught.value) and offered.requests == []


def test_whatever_the_library_beneath_raises_is_told(offered: HubServer, monkeypatch):
    """It has kinds of errors of its own, which change from release to release."""
    found = hub.survey("some/model")
    for error in (RuntimeError("odd\nand more"), ImportError("brotli"), LookupError()):

        def fail(*arguments, error=error, **options):
            raise error

        monkeypatch.setattr("engine.hub.session.session", fail)
        monkeypatch.setattr("engine.hub.transfer.session", fail)
        for work in (lambda: hub.survey("some/model"), lambda: hub.fetch(found)):
            refused(work, hub.DownloadError, "some/model", str(error).partition("\n")[0])
