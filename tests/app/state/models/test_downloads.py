"""Downloading, as a person does it: `safelight models get` over HTTP from a small Hub on this
computer, and the dialog with a scripted one.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import close_session, constants
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.cli import program as cli
from app.state.models.downloads import Downloads, StartingPoints
from app.widgets.basic.plain_label import PlainLabel
from app.windows.download_dialog import DownloadDialog
from engine import hub as real_hub
from tests.hub_server import Fault, HubServer

ROOT = Path(__file__).parents[4]
MODEL = {
    "model_index.json": b'{"unet": ["diffusers", "UNet2DModel"]}',
    "unet/config.json": b"{}",
    "unet/diffusion_pytorch_model.safetensors": b"p" * 200_000,
    "unet/diffusion_pytorch_model.fp16.safetensors": b"h" * 100_000,
    "unet/diffusion_pytorch_model.bin": b"pickle",
}


# The command line


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with HubServer() as server:
        server.add("some/model", MODEL, licence="openrail")
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        close_session()
        yield server
        close_session()


def test_get_tells_what_comes_and_prints_where_it_is(
    server: HubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["models", "get", "some/model", "--variant", "fp16"]) == 0
    out, err = capsys.readouterr()
    folder = Path(out.removesuffix("\n"))
    names = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert names == set(MODEL) - {
        "unet/diffusion_pytorch_model.safetensors", "unet/diffusion_pytorch_model.bin"
    }  # fmt: skip
    for said in (*names, "100 kB", "in 3 files", "openrail"):
        assert said in err
    assert cli.main(["models", "get", "some/model"]) == 0
    out, err = capsys.readouterr()
    assert Path(out.strip()) == folder
    assert "40 bytes of it here already" in err and "--variant fp16" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nobody/nothing"], "no model nobody/nothing"),
        (["some/model", "--variant", "fp8"], "no variant 'fp8' (it has fp16)"),
        (["some/model", "--revision", "v9"], "no revision 'v9'"),
        (["some/model/x.ckpt"], "pickle"),
    ],
)
def test_what_cannot_be_got_is_one_line(
    server: HubServer, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert cli.main(["models", "get", *arguments]) == 1
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and words in err


def test_models_alone_still_lists(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["models"]) == 0
    assert capsys.readouterr().out.startswith("bundled")
    assert cli.main(["models", "get"]) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl+C is not sent to a process there")
def test_ctrl_c_keeps_what_is_there(server: HubServer, tmp_path: Path) -> None:
    server.faults.append(Fault("diffusion_pytorch_model.safetensors", bytes_a_second=20_000))
    cache = dict.fromkeys(("HF_HOME", "HF_HUB_CACHE"), str(tmp_path / "cache"))
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "models", "get", "some/model"],
        cwd=ROOT,
        env=os.environ | cache | {"HF_ENDPOINT": server.url, "HF_HUB_OFFLINE": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    parts: list[Path] = []
    while not any(part.stat().st_size > 8000 for part in parts):
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
        parts = list((tmp_path / "cache").rglob("*.safelight.incomplete"))
    process.send_signal(signal.SIGINT)
    begun = time.monotonic()
    out, err = process.communicate(timeout=30)
    assert time.monotonic() - begun < 2.0
    assert (process.returncode, out) == (130, "")
    assert "kept" in err.splitlines()[-1] and "Traceback" not in err
    assert not (tmp_path / "cache" / "models--some--model" / "snapshots").exists()

    server.faults.clear()
    server.requests.clear()
    assert cli.main(["models", "get", "some/model"]) == 0
    starts = [request.start for request in server.requests if "pytorch_model" in request.path]
    assert starts and all(start and start >= 8000 for start in starts)


# The dialog


@dataclass(frozen=True)
class FakeFile:
    path: str
    size: int


@dataclass(frozen=True)
class FakeSurvey:
    repo_id: str
    variant: str | None = None
    files: tuple[FakeFile, ...] = (
        FakeFile("config.json", 700),
        FakeFile("big", 3_000_000_000),
    )
    cached: int = 0
    licence: str = "mit"
    gated: bool = False

    @property
    def total(self) -> int:
        return sum(file.size for file in self.files)

    @property
    def source(self) -> str:
        return self.repo_id


class FakeHub:
    """Finds every model, except those that are called missing; fetches when it is let go on."""

    NoSuchVariant = real_hub.NoSuchVariant
    byte_text = staticmethod(real_hub.byte_text)

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []
        self.go_on = threading.Event()
        self.change: Callable[[FakeSurvey], FakeSurvey] = lambda survey: survey
        self.fetched: list[str] = []

    def survey(self, source: str, variant: str | None = None, cancelled: Any = None) -> Any:
        self.asked.append((source, variant))
        if "slow" in source:
            _wait(lambda: cancelled() or self.go_on.is_set())
            if cancelled():
                return None
        if "missing" in source:
            raise real_hub.NotOnHub(f"There is no model {source}.")
        if "plain" in source and variant:
            raise real_hub.NoSuchVariant(f"{source} has no variant {variant}.")
        return self.change(FakeSurvey(source, variant))

    def fetch(self, survey: FakeSurvey, progress: Any, cancelled: Any) -> Path | None:
        progress(1_000_000_000, survey.total, 20_000_000.0)
        _wait(lambda: cancelled() or self.go_on.is_set())
        if cancelled():
            return None
        if "full" in survey.repo_id:
            raise real_hub.NoRoom("The disk is full.")
        self.fetched.append(survey.repo_id)
        return Path("/cache")


def _wait(over: Callable[[], bool]) -> None:
    while not over():
        time.sleep(0.005)


class Desk:
    """The dialog, connected as app.main does it."""

    def __init__(self, qtbot: QtBot, hub: FakeHub) -> None:
        self.qtbot = qtbot
        self.hub = hub
        self.downloads = Downloads(hub)
        self.dialog = DownloadDialog()
        self.done: list[tuple[str, str]] = []
        qtbot.addWidget(self.dialog)
        self.dialog.set_starting_points(StartingPoints(self.dialog))
        self.dialog.lookRequested.connect(self.downloads.look)
        self.dialog.downloadRequested.connect(self.downloads.fetch)
        self.dialog.cancelRequested.connect(self.downloads.cancel)
        self.downloads.stateChanged.connect(self.dialog.set_state)
        self.downloads.found.connect(self.dialog.set_found)
        self.downloads.progressed.connect(self.dialog.set_progress)
        self.downloads.done.connect(self.dialog.show_done)
        self.downloads.stopped.connect(self.dialog.show_stopped)
        self.downloads.failed.connect(self.dialog.show_failure)
        self.downloads.done.connect(lambda *what: self.done.append(what))
        self.dialog.open_up()
        qtbot.waitExposed(self.dialog)

    def get(self, kind: type[Any], name: str) -> Any:
        return self.dialog.findChild(kind, name)

    def press(self, name: str) -> None:
        button = self.get(QPushButton, name)
        assert button.isEnabled(), name
        self.qtbot.mouseClick(button, Qt.MouseButton.LeftButton)

    def look(self, source: str) -> None:
        self.get(QLineEdit, "downloadField").setText(source)
        self.press("downloadLookButton")

    def reach(self, state: str) -> None:
        self.qtbot.waitUntil(lambda: self.downloads.state == state)

    @property
    def line(self) -> str:
        return self.get(PlainLabel, "downloadStatusLabel").text()

    def usable(self) -> set[str]:
        names = ("downloadLookButton", "downloadCancelButton", "downloadButton")
        return {name for name in names if self.get(QPushButton, name).isEnabled()}


@pytest.fixture
def desk(qtbot: QtBot) -> Iterator[Desk]:
    desk = Desk(qtbot, FakeHub())
    yield desk
    desk.downloads.close()


def test_nothing_is_asked_before_look(desk: Desk) -> None:
    table = desk.dialog.findChild(QWidget, "downloadStarts")
    for row in range(table.model().rowCount()):
        table.selectRow(row)
        name = desk.get(QLineEdit, "downloadField").text()
        assert name.count("/") == 1 and name == table.model().index(row, 0).data()
        assert all(table.model().index(row, column).data() for column in range(4))
    assert desk.hub.asked == []
    assert desk.usable() == {"downloadLookButton"}
    desk.get(QLineEdit, "downloadField").setText("  ")
    assert desk.usable() == set()


def test_look_then_download(desk: Desk) -> None:
    desk.hub.change = lambda survey: replace(survey, cached=500_000_000)
    desk.look("some/model")
    desk.reach("found")
    assert desk.hub.asked == [("some/model", "fp16")]
    assert desk.hub.fetched == []
    files = desk.get(QPlainTextEdit, "downloadFiles").toPlainText()
    assert files == "700 bytes\tconfig.json\n3.00 GB\tbig"
    said = " ".join(label.text() for label in desk.dialog.findChildren(PlainLabel))
    for word in ("3.00 GB, files: 2", "500 MB are on this computer", "licence mit", "half"):
        assert word in said
    assert desk.usable() == {"downloadLookButton", "downloadButton"}

    desk.press("downloadButton")
    desk.qtbot.waitUntil(lambda: "GB" in desk.line)
    assert desk.line == "1.00 GB of 3.00 GB · 20.0 MB a second · 2 min left"
    assert desk.get(QProgressBar, "downloadProgressBar").value() == 333
    assert desk.usable() == {"downloadCancelButton"}
    desk.hub.go_on.set()
    desk.reach("idle")
    assert desk.done == [("some/model", "some/model")]
    assert "some/model is here" in desk.line
    assert desk.usable() == {"downloadLookButton"}


def test_the_plain_precision_where_there_is_no_other_or_it_is_wanted(desk: Desk) -> None:
    desk.look("plain/model")
    desk.reach("found")
    assert desk.hub.asked == [("plain/model", "fp16"), ("plain/model", None)]
    desk.get(QComboBox, "downloadPrecisionPicker").setCurrentIndex(1)
    desk.look("some/model")
    desk.qtbot.waitUntil(lambda: desk.hub.asked[-1] == ("some/model", None))
    desk.reach("found")


def test_a_cancel_is_heard_at_once_and_can_be_gone_on_from(desk: Desk) -> None:
    desk.look("some/model")
    desk.reach("found")
    desk.press("downloadButton")
    desk.qtbot.waitUntil(lambda: "GB" in desk.line)
    desk.press("downloadCancelButton")
    assert desk.downloads.state == "found"
    assert "kept" in desk.line
    desk.press("downloadButton")
    desk.hub.go_on.set()
    desk.reach("idle")
    assert desk.done == [("some/model", "some/model")]
    assert desk.hub.fetched == ["some/model"]


def test_a_look_that_takes_long_can_be_left(desk: Desk) -> None:
    desk.look("slow/model")
    assert desk.downloads.state == "looking"
    desk.press("downloadCancelButton")
    assert desk.usable() == {"downloadLookButton"}
    desk.look("slow/model")
    desk.look("other/model")
    desk.reach("found")
    desk.hub.go_on.set()
    desk.qtbot.wait(50)
    said = [label.text() for label in desk.dialog.findChildren(PlainLabel)]
    assert "other/model" in said and "slow/model" not in said


def test_what_fails_is_told_as_it_stands(desk: Desk) -> None:
    desk.hub.go_on.set()
    desk.look("missing/<b>model</b>")
    desk.reach("idle")
    assert desk.line == "There is no model missing/<b>model</b>."
    assert desk.get(PlainLabel, "downloadStatusLabel").property("role") == "alarm"
    desk.look("full/model")
    desk.reach("found")
    desk.press("downloadButton")
    desk.qtbot.waitUntil(lambda: desk.line == "The disk is full.")
    assert desk.usable() == {"downloadLookButton", "downloadButton"}
    assert desk.done == []


def test_closing_ends_a_download(desk: Desk) -> None:
    desk.look("some/model")
    desk.reach("found")
    desk.press("downloadButton")
    desk.qtbot.waitUntil(lambda: "GB" in desk.line)
    begun = time.monotonic()
    desk.downloads.close()
    assert time.monotonic() - begun < 1.0
    assert desk.done == [] and desk.hub.fetched == []


def test_every_control_says_what_it_does(desk: Desk) -> None:
    for name in (
        "downloadStarts", "downloadField", "downloadPrecisionPicker", "downloadLookButton",
        "downloadFiles", "downloadProgressBar", "downloadCancelButton", "downloadButton",
    ):  # fmt: skip
        control = desk.dialog.findChild(QWidget, name)
        assert control.accessibleName() and control.toolTip(), name
