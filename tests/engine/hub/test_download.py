"""Downloads, over HTTP from a small Hub on this computer: what is fetched, what goes on after a
break, and that every trouble is told in plain words and leaves nothing half-done that looks ready.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from huggingface_hub import constants

import engine
from engine import hub
from engine.hub import transfer
from tests.engine.hub.outcomes import UNET, is_ready, refused
from tests.hub_server import Fault, HubServer

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
