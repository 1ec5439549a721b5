"""Without a download act no connection is opened, by anything: a process in which every socket that
leads away from this computer is refused, and every attempt is written down, loads models, makes
images, lists, and opens the window.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import tiny

ROOT = Path(__file__).parents[1]

# Python imports a module of this name before anything else.
GUARD = """
import os, socket

def guarded(name):
    original = getattr(socket.socket, name)
    def call(self, *arguments):
        address = arguments[-1]
        if self.family in (socket.AF_INET, socket.AF_INET6) and not is_here(address[0]):
            refuse(f"{name} {address[0]}")
        return original(self, *arguments)
    setattr(socket.socket, name, call)

def is_here(host):
    host = host.decode() if isinstance(host, bytes) else host
    return host in (None, "", "localhost", "::1") or host.startswith("127.")

def refuse(what):
    with open(os.environ["ATTEMPTS"], "a") as file:
        file.write(what + "\\n")
    raise OSError(101, "Network is unreachable")

for name in ("connect", "connect_ex", "sendto"):
    guarded(name)

look_up = socket.getaddrinfo
def getaddrinfo(host, *arguments, **named):
    if not is_here(host):
        refuse(f"getaddrinfo {host}")
    return look_up(host, *arguments, **named)
socket.getaddrinfo = getaddrinfo
"""

ACTS = """
import sys
from pathlib import Path
import engine
from app import cli
from engine import hub

folder, home = sys.argv[1:]
def attempts():
    file = Path(home, "attempts")
    return file.read_text() if file.exists() else ""
def none_after(what):
    assert not attempts(), f"{what}: {attempts()}"

for line in ("schedulers", "models", f"render owl --steps 2 --size 64x64 -o {home}/owl.png"):
    assert cli.main(line.split()) == 0, line
    none_after(line)
for source in (folder, "some/model"):
    pipeline = engine.load(source, device="cpu")
    list(engine.generate(pipeline, engine.Request("owl", steps=2, width=32, height=32)))
    none_after(f"load {source}")
try:
    engine.load("nobody/nothing")
except engine.LoadError:
    none_after("a model that is not there")

from PySide6.QtWidgets import QApplication
from app.main import build
from app.state.models.downloads import Downloads, StartingPoints
from app.windows.download_dialog import DownloadDialog
from tests.app.fake_engine import FakeEngine

qt = QApplication([])
application = build(FakeEngine())
application.show()
dialog, downloads = DownloadDialog(), Downloads(hub)
dialog.set_starting_points(StartingPoints(dialog))
dialog.open_up()
while application.models.card is None:
    qt.processEvents()
application.session.generate()
while not application.gallery.rowCount():
    qt.processEvents()
downloads.close()
assert application.close()
none_after("the window")
assert "PySide6.QtNetwork" not in sys.modules

try:  # an act: without it the guard would not be known to see anything
    hub.survey("some/model")
except hub.NoConnection:
    assert "getaddrinfo huggingface.co" in attempts(), attempts()
    print("all done")
"""


def test_nothing_but_a_download_opens_a_connection(tmp_path: Path) -> None:
    folder = tiny.save_stable_diffusion(tmp_path / "sd1", tiny.SD1)
    cached = tmp_path / "hf" / "hub" / "models--some--model"
    shutil.copytree(folder, cached / "snapshots" / ("0" * 40))
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text("0" * 40)
    (tmp_path / "guard").mkdir()
    (tmp_path / "guard" / "sitecustomize.py").write_text(GUARD)

    # What would keep the libraries quiet is taken away.
    silencers = ("HF_", "HUGGING", "TRANSFORMERS_", "DISABLE_TELEMETRY", "DO_NOT_TRACK")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(silencers)}
    kept = {name: value for name, value in kept.items() if not name.lower().endswith("_proxy")}
    finished = subprocess.run(
        [sys.executable, "-c", ACTS, str(folder), str(tmp_path)],
        cwd=ROOT,
        env=kept
        | {
            "PYTHONPATH": f"{tmp_path / 'guard'}{os.pathsep}{ROOT}",
            "ATTEMPTS": str(tmp_path / "attempts"),
            "HF_HOME": str(tmp_path / "hf"),
            "SAFELIGHT_HOME": str(tmp_path / "home"),
            "QT_QPA_PLATFORM": "offscreen",
            "OMP_NUM_THREADS": "1",
        },
        capture_output=True,
        text=True,
        timeout=150,
    )
    if finished.stdout.splitlines()[-1:] != ["all done"]:
        pytest.fail(finished.stdout + finished.stderr)
