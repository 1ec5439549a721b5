"""Whatever a person has set is there again at the next start, whether the window was closed or its
process killed, and though the settings are older than a day: with the real window.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from app.main import Application
from engine.request.request import Request
from tests.app.fake_engine import FakeEngine

START = """
import os, signal, sys, time
from PySide6.QtWidgets import QApplication
from app.main import build
from tests.app import test_settings_outlive
from tests.app.fake_engine import FakeEngine
qt = QApplication([])
application = build(FakeEngine())
application.show()
def pump(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        qt.processEvents()
        time.sleep(0.005)
while application.models.card is None:
    pump(0.02)
test_settings_outlive.change(application, sys.argv[1])
if sys.argv[2] == "killed":
    pump(2)
    os.kill(os.getpid(), signal.SIGKILL)
application.window.close()
os._exit(0)
"""

WANTED: dict[str, Any] = {
    "prompt": "แมว, a cat “in rain”",
    "negative_prompt": "snow",
    "width": 128,
    "height": 64,
    "steps": 7,
    "guidance_scale": 4.5,
    "guidance_rescale": 0.25,
    "guidance_curve": ((0.0, 1.0), (1.0, 6.0)),
    "guidance_easing": "cosine",
    "guidance_interval": (0.25, 0.75),
    "scheduler": "euler",
    "scheduler_options": {"use_karras_sigmas": True},
    "eta": 0.5,
    "clip_skip": 2,
    "seed": 123,
    "count": 3,
    "feature_reuse": 2,
}


def change(application: Application, what: str) -> None:
    """As a person would, by hand and with the settings of a file."""
    if what == "little":
        application.session.set_prompt("a week ago")
        return
    session = application.session
    session.apply({name: value for name, value in WANTED.items() if name != "count"})
    session.set_count(WANTED["count"])
    session.set_economy(1)
    session.set_seed(WANTED["seed"])
    session.set_seed_locked(what == "locked")
    application.window.themeChosen.emit("light")
    application.window.timelineMemoryChosen.emit(256)
    application.window.guidance.openedChanged.emit(True)
    application.preferences.set("save_folder", "/pictures")


@pytest.mark.parametrize(("what", "end"), [("locked", "closed"), ("open", "killed")])
def test_all_that_was_set_is_back(
    qtbot: QtBot,
    start: Callable[..., Application],
    fake: FakeEngine,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
    end: str,
) -> None:
    live("little", "closed")
    live(what, end)
    application = start()
    session = application.session
    request = session.request()
    told = {name: getattr(request, name) for name in WANTED}
    assert told == WANTED | {"feature_reuse": request.feature_reuse}
    assert session.economy == 1
    assert request != Request()
    assert session.seed_locked == (what == "locked")
    assert session.release().seed == 123, "a seed that was typed serves the next run"
    kept = application.preferences
    assert kept.get("theme", "dark") == "light"
    assert kept.get("timeline_memory", 0) == 256
    assert kept.get("guidance_opened", False)
    assert kept.get("save_folder", "") == "/pictures"
    assert kept.get("model", "") == "bundled"


def live(what: str, end: str) -> None:
    """A window from its start to its end."""
    root = Path(__file__).parents[2]
    process = subprocess.run(
        [sys.executable, "-c", START, what, end], cwd=root, capture_output=True, text=True
    )
    assert process.returncode in (0, -9), process.stderr
