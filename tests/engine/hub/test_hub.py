"""Downloads, over HTTP from a small Hub on this computer: what is chosen, what is fetched, what
goes on after a break, and that every trouble is told in plain words and leaves nothing half-done
that looks ready.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import close_session, constants

import engine
from engine import hub
from engine.hub import transfer, waiting
from engine.hub.files import needed
from tests.hub_server import Fault, HubServer

UNET = "unet/diffusion_pytorch_model.safetensors"
INDEX = {
    "_class_name": "StableDiffusionPipeline",
    "unet": ["diffusers", "UNet2DConditionModel"],
    "vae": ["diffusers", "AutoencoderKL"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "scheduler": ["diffusers", "PNDMScheduler"],
    "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"],
    "feature_extractor": ["transformers", "CLIPImageProcessor"],
    "image_encoder": [None, None],
}
TEXTS = {
    "model_index.json",
    "unet/config.json",
    "vae/config.json",
    "text_encoder/config.json",
    "tokenizer/vocab.json",
    "tokenizer/merges.txt",
    "scheduler/scheduler_config.json",
}
OTHERS = {
    ".gitattributes",
    "README.md",
    "v1-4.ckpt",
    "v1-4.safetensors",
    "unet/diffusion_pytorch_model.bin",
    "unet/diffusion_flax_model.msgpack",
    "unet/model.onnx",
    "unet/openvino_model.xml",
    "text_encoder/pytorch_model.bin",
    "text_encoder/flax_model.msgpack",
    "vae_1_0/diffusion_pytorch_model.safetensors",
    "safety_checker/config.json",
    "safety_checker/model.safetensors",
    "feature_extractor/preprocessor_config.json",
}
PLAIN = {UNET, "vae/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors"}
HALF = {name.replace(".safetensors", ".fp16.safetensors") for name in PLAIN}


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A Hub, and this process's Hugging Face cache in a folder of the test."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with HubServer() as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(transfer, "RETRY_WAITS", ())
        monkeypatch.setattr(waiting, "POLL", 0.02)
        close_session()
        yield server
        close_session()


@pytest.fixture
def offered(server: HubServer, tiny_folder: Path) -> HubServer:
    """The same, with a tiny Stable Diffusion under the name some/model."""
    server.add("some/model", tiny_folder, licence="openrail")
    return server


def refused(call, kind: type[Exception], *words: str) -> None:
    with pytest.raises(kind) as caught:
        call()
    assert isinstance(caught.value, engine.EngineError)
    message = str(caught.value)
    for word in words:
        assert word in message
    assert "\n" not in message and message.endswith(".")


def is_ready() -> bool:
    """Whether loading by name takes the model for complete."""
    try:
        engine.load("some/model", device="cpu").close()
    except engine.LoadError:
        return False
    return True


# What is chosen


def test_one_precision_of_each_component_and_nothing_else():
    paths = TEXTS | OTHERS | PLAIN | HALF
    plain = needed("a/b", paths, INDEX)
    assert set(plain.paths) == TEXTS | PLAIN
    assert plain.variants == ("fp16",)
    assert set(needed("a/b", paths, INDEX, variant="fp16").paths) == TEXTS | HALF

    lacks_one = paths - {"vae/diffusion_pytorch_model.fp16.safetensors"}
    mixed = needed("a/b", lacks_one, INDEX, variant="fp16").paths
    assert "vae/diffusion_pytorch_model.safetensors" in mixed
    assert UNET not in mixed

    only_half = needed("a/b", TEXTS | HALF, INDEX)
    assert set(only_half.paths) == TEXTS | HALF

    refused(
        lambda: needed("a/b", TEXTS | PLAIN, INDEX, variant="bf16"),
        hub.NoSuchVariant, "a/b", "'bf16'", "plain weights only",
    )  # fmt: skip
    refused(
        lambda: needed("a/b", TEXTS | OTHERS, INDEX),
        hub.UnfitRepository, "a/b", "only as", ".bin, a pickle",
    )  # fmt: skip


def test_shards_come_with_their_own_index():
    shards = {f"unet/diffusion_pytorch_model-0000{n}-of-00002.safetensors" for n in (1, 2)}
    half = {name.replace("model-", "model.fp16-") for name in shards}
    index = "unet/diffusion_pytorch_model.safetensors.index.json"
    half_index = index.replace(".json", ".fp16.json")
    paths = TEXTS | PLAIN - {UNET} | shards | half | {index, half_index}
    paths |= {"unet/diffusion_pytorch_model.bin.index.json"}
    assert set(needed("a/b", paths, INDEX).paths) == TEXTS | PLAIN - {UNET} | shards | {index}
    chosen = set(needed("a/b", paths, INDEX, variant="fp16").paths)
    assert chosen == TEXTS | PLAIN - {UNET} | half | {half_index}
    assert UNET in needed("a/b", paths | {UNET}, INDEX).paths


@pytest.mark.parametrize("index", [None, {"unet": ["diffusers", "UNet2DModel"]}])
def test_a_lone_network_has_its_files_at_the_top(index):
    paths = {"config.json", "diffusion_pytorch_model.safetensors", "README.md", "train.json"}
    paths |= {"scheduler_config.json", "diffusion_pytorch_model.bin", "taesd_encoder.safetensors"}
    chosen = set(needed("a/b", paths, index).paths)
    assert chosen == {
        "config.json", "scheduler_config.json", "diffusion_pytorch_model.safetensors"
    }  # fmt: skip


def test_single_files():
    assert needed("a/b", {"x.safetensors", "x.ckpt", "README.md"}).paths == ("x.safetensors",)
    two = {"sub/x.safetensors", "y.safetensors"}
    assert needed("a/b", two, file="sub/x.safetensors").paths == ("sub/x.safetensors",)
    for paths, file, *words in (
        (two, None, "several", "a/b/sub/x.safetensors"),
        (two, "z.safetensors", "z.safetensors", "y.safetensors"),
        (two | {"z.ckpt"}, "z.ckpt", "a/b/z.ckpt", "pickle"),
        ({"x.ckpt"}, None, "only x.ckpt", "pickle", "safetensors only"),
        ({"README.md"}, None, "no safetensors"),
    ):
        refused(lambda p=paths, f=file: needed("a/b", p, file=f), hub.UnfitRepository, *words)


def test_what_a_folder_lacks(tmp_path: Path, tiny_folder: Path):
    assert hub.missing_files(tiny_folder) == []
    every = [path for path in tiny_folder.rglob("*") if path.is_file()]
    wanted = {path.relative_to(tiny_folder).as_posix() for path in every}
    wanted -= {name for name in wanted if name.startswith("tokenizer/") and "vocab" not in name}
    for name in wanted:
        folder = tmp_path / name.replace("/", "-")
        for path in every:
            link = folder / path.relative_to(tiny_folder)
            link.parent.mkdir(parents=True, exist_ok=True)
            broken = name == path.relative_to(tiny_folder).as_posix()
            link.symlink_to(tmp_path / "nothing" if broken else path)
        assert name in hub.missing_files(folder), name
    (folder := tmp_path / "shards" / "unet").mkdir(parents=True)
    (folder.parent / "model_index.json").write_text('{"unet": ["diffusers", "UNet2DModel"]}')
    for name in ("config.json", "diffusion_pytorch_model-00002-of-00003.safetensors"):
        (folder / name).touch()
    assert hub.missing_files(folder.parent) == [
        "unet/diffusion_pytorch_model-00001-of-00003.safetensors",
        "unet/diffusion_pytorch_model-00003-of-00003.safetensors",
        "unet/diffusion_pytorch_model.safetensors.index.json",
    ]


# What is fetched


def test_a_whole_download(offered: HubServer, tiny_folder: Path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    found = hub.survey(" https://huggingface.co/some/model/ ")
    assert (found.repo_id, found.licence, found.cached) == ("some/model", "openrail", 0)
    assert found.total == sum((tiny_folder / file.path).stat().st_size for file in found.files)
    assert not is_ready()

    seen = []
    folder = hub.fetch(found, lambda *told: seen.append(told))
    assert folder is not None and hub.missing_files(folder) == []
    assert [done for done, _, _ in seen] == sorted(done for done, _, _ in seen)
    assert seen[-1][:2] == (found.total, found.total)
    for file in found.files:
        assert (folder / file.path).read_bytes() == (tiny_folder / file.path).read_bytes()
    for source in (folder, "some/model"):
        engine.load(source, device="cpu").close()
    for request in offered.requests:
        assert request.token == (None if request.path.startswith("/cdn/") else "Bearer hf_secret")

    before = len(offered.requests)
    assert hub.fetch(found) == folder
    assert len(offered.requests) == before, "what is there was asked for again"
    assert hub.survey("some/model").cached == found.total


def test_huggingface_hub_finds_it_there_and_takes_the_small_hub_for_the_real_one(
    offered: HubServer,
):
    folder = hub.fetch(hub.survey("some/model"))
    offered.requests.clear()
    code = "import huggingface_hub as h; print(h.snapshot_download('some/model'))"
    cache = dict.fromkeys(("HF_HOME", "HF_HUB_CACHE"), constants.HF_HUB_CACHE)
    finished = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | cache | {"HF_ENDPOINT": offered.url},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert finished.stdout.strip() == str(folder)
    assert not any(request.path.startswith("/cdn/") for request in offered.requests)


def test_a_single_file_of_a_branch(offered: HubServer):
    half = {"sub/half.safetensors": b"h" * 3000, "README.md": b"r"}
    offered.add("some/files", half, revisions=("main", "refs/pr/1"))
    found = hub.survey("some/files/sub/half.safetensors", revision="refs/pr/1")
    path = hub.fetch(found)
    assert path is not None and path.read_bytes() == b"h" * 3000
    assert path.name == "half.safetensors"
    refs = Path(constants.HF_HUB_CACHE) / "models--some--files" / "refs"
    assert (refs / "refs/pr/1").read_text() == found.commit
    assert not (refs / "main").exists()


def test_a_disk_without_links(offered: HubServer, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_SYMLINKS", True)
    found = hub.survey("some/model")
    folder = hub.fetch(found)
    assert folder is not None and not any(path.is_symlink() for path in folder.rglob("*"))
    assert hub.survey("some/model").cached == found.total
    before = len(offered.requests)
    assert hub.fetch(found) == folder and len(offered.requests) == before
    assert is_ready()


# What breaks off


def test_a_break_is_gone_on_from(offered: HubServer):
    offered.faults.append(Fault(UNET, break_after=50_000))
    found = hub.survey("some/model")
    refused(lambda: hub.fetch(found), hub.NoConnection, "broke off", "kept", "goes on")
    assert not is_ready()
    assert not (Path(constants.HF_HUB_CACHE) / "models--some--model" / "snapshots").exists()
    assert hub.survey("some/model").cached > 50_000

    done = set(offered.fetched()) - {UNET, "model_index.json"}
    offered.faults.clear()
    offered.requests.clear()
    folder = hub.fetch(found)
    assert folder is not None and hub.missing_files(folder) == []
    assert not done & set(offered.fetched()), "a finished file was fetched again"
    parts = [request.start for request in offered.requests if UNET in request.path]
    assert set(parts) == {50_000}
    assert is_ready()


def test_short_breaks_are_bridged(offered: HubServer, monkeypatch):
    monkeypatch.setattr(transfer, "RETRY_WAITS", (0.0,))
    offered.faults += [
        Fault(UNET, times=3, break_after=20_000),
        Fault("vae/config.json", times=1, status=503),
        Fault("text_encoder/model", times=1, break_after=9_000),
        Fault("text_encoder/model", times=1, whole=True),
    ]
    assert hub.fetch(hub.survey("some/model"))
    parts = [request.start for request in offered.requests if UNET in request.path]
    assert parts[1::2] == [None, 20_000, 40_000, 60_000]
    assert is_ready()


@pytest.mark.parametrize(
    "fault", [Fault(UNET, bytes_a_second=40_000), Fault(UNET, stall=5)], ids=["slow", "silent"]
)
def test_a_cancel_acts_within_a_second(offered: HubServer, fault: Fault):
    offered.faults.append(fault)
    found = hub.survey("some/model")
    pressed = threading.Event()
    clock = []

    def cancelled() -> bool:
        if any(UNET in request.path for request in offered.requests):
            if pressed.is_set():
                clock.append(time.monotonic())
                return True
            threading.Timer(0.3, pressed.set).start()
        return pressed.is_set()

    assert hub.fetch(found, cancelled=cancelled) is None
    assert time.monotonic() - clock[0] < 1.0
    assert not is_ready()
    parts = list(Path(constants.HF_HUB_CACHE).rglob("*.safelight.incomplete"))
    sizes = [part.stat().st_size for part in parts]
    time.sleep(0.3)
    assert [part.stat().st_size for part in parts] == sizes, "it went on behind the cancel"
    offered.faults.clear()
    assert hub.fetch(found) and is_ready()


def test_two_downloads_do_not_get_into_each_other(offered: HubServer):
    offered.faults.append(Fault(UNET, times=1, bytes_a_second=600_000))
    found = hub.survey("some/model")
    results: list[Path | None] = []
    first = threading.Thread(target=lambda: results.append(hub.fetch(found)))
    first.start()
    while not any(UNET in request.path for request in offered.requests):
        time.sleep(0.01)
    refused(lambda: hub.fetch(found), hub.DownloadError, "some/model", "already", "Wait")
    first.join()
    assert results == [hub.fetch(found)] and is_ready()


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


# What comes wrong


@pytest.mark.parametrize("name", [UNET, "vae/config.json"])
@pytest.mark.parametrize("change", ["other bytes", "shorter", "longer"])
def test_wrong_content_is_not_kept(offered: HubServer, name: str, change: str):
    found = hub.survey("some/model")
    content = offered.repos["some/model"].files[name]
    wrong = {
        "other bytes": content[:-1] + bytes([content[-1] ^ 1]),
        "shorter": content[:-1],
        "longer": content + b"x",
    }[change]
    offered.faults.append(Fault(name, content=wrong))
    words = ("damaged",) if change == "other bytes" else ("should be",)
    refused(lambda: hub.fetch(found), hub.WrongContent, f"some/model/{name}", *words)
    assert not is_ready()
    digest = next(file.digest for file in found.files if file.path == name)
    assert not list(Path(constants.HF_HUB_CACHE).rglob(f"*{digest}*"))
    offered.faults.clear()
    assert hub.fetch(found) and is_ready()


def test_a_part_that_went_bad_is_found_out(offered: HubServer):
    found = hub.survey("some/model")
    digest = next(file.digest for file in found.files if file.path == UNET)
    blobs = Path(constants.HF_HUB_CACHE) / "models--some--model" / "blobs"
    blobs.mkdir(parents=True)
    (blobs / f"{digest}.safelight.incomplete").write_bytes(b"not what it began with")
    refused(lambda: hub.fetch(found), hub.WrongContent, UNET, "damaged", "again")
    assert hub.fetch(found) and is_ready()


@pytest.mark.parametrize("path", ["../../evil", "/etc/evil", "unet/..\\evil", "C:evil"])
def test_names_that_lead_elsewhere_are_refused(server: HubServer, path: str):
    server.add("some/model", {path: b"x", "a.safetensors": b"y"})
    refused(lambda: hub.survey("some/model"), hub.WrongContent, path, "HF_ENDPOINT")


# What the disk refuses


def test_no_room_is_told_before_anything_is_fetched(offered: HubServer, monkeypatch):
    found = hub.survey("some/model")
    offered.requests.clear()
    usage = type("Usage", (), {"free": 1000})()
    monkeypatch.setattr("shutil.disk_usage", lambda place: usage)
    total = hub.byte_text(found.total)
    refused(lambda: hub.fetch(found), hub.NoRoom, "some/model", total, "1.0 kB free", "HF_HOME")
    assert offered.requests == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full, which is always full")
def test_a_disk_that_fills_up_on_the_way(offered: HubServer):
    found = hub.survey("some/model")
    digest = next(file.digest for file in found.files if file.path == UNET)
    part = Path(
        constants.HF_HUB_CACHE, "models--some--model/blobs", f"{digest}.safelight.incomplete"
    )
    part.parent.mkdir(parents=True)
    part.symlink_to("/dev/full")
    refused(lambda: hub.fetch(found), hub.NoRoom, "is full", "Make room", "goes on")
    assert not is_ready()
    part.unlink()
    assert hub.fetch(found) and is_ready()


def test_a_cache_that_cannot_be_written_to(offered: HubServer, tmp_path: Path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "file" / "cache"))
    found = hub.survey("some/model")
    refused(lambda: hub.fetch(found), hub.NoRoom, "cannot be written to", "file", "HF_HOME")


@pytest.mark.parametrize("lies", ["in a store that repositories share", "in an older revision"])
def test_without_links_nothing_is_taken_away_from_others(offered: HubServer, monkeypatch, lies):
    """huggingface_hub 2.4 keeps one content for all repositories, over two links."""
    found = hub.survey("some/model")
    hub.fetch(found)
    weights = next(file for file in found.files if file.path == UNET)
    repository = Path(constants.HF_HUB_CACHE) / "models--some--model"
    blob, content = repository / "blobs" / weights.digest, offered.repos["some/model"].files[UNET]
    other = repository / "snapshots" / found.commit / UNET
    if lies.endswith("share"):
        shared = Path(constants.HF_HUB_CACHE) / "blobs" / "ab" / ("ab" * 32)
        shared.parent.mkdir(parents=True)
        blob.replace(shared)
        blob.symlink_to(os.path.relpath(shared, blob.parent))
        other = shared
    files = offered.repos["some/model"].files
    offered.add("some/model", {**files, "unet/config.json": files["unet/config.json"] + b" "})
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_SYMLINKS", True, raising=False)
    newer = hub.survey("some/model")
    fetched = hub.fetch(newer)
    assert fetched is not None
    pointer = fetched / UNET
    assert pointer.read_bytes() == content and not pointer.is_symlink()
    assert other.read_bytes() == content and is_ready()


def test_importing_is_light_and_opens_nothing():
    code = "import sys, engine.hub; print(*sys.modules)"
    finished = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert not {"torch", "huggingface_hub", "PySide6"} & set(finished.stdout.split())
