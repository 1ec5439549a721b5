"""What fails a test although nothing in it raises: an error of a thread, of a destructor, of a slot
or a paint event of Qt's, and a warning of Qt's."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SILENT = """
import gc, threading
from PySide6.QtCore import QThread, QTimer, qWarning
from PySide6.QtWidgets import QWidget

def test_nothing():
    pass

def test_thread():
    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start()
    thread.join()

class Dying:
    def __del__(self):
        raise RuntimeError

def test_destructor():
    Dying()
    gc.collect()

def test_slot(qtbot):
    QTimer.singleShot(0, lambda: 1 / 0)
    qtbot.wait(20)

class Painted(QWidget):
    def paintEvent(self, event):
        raise RuntimeError

def test_paint(qtbot):
    shown = Painted()
    qtbot.addWidget(shown)
    shown.grab()

def test_slot_in_another_thread(qtbot):
    thread = QThread()
    thread.run = lambda: 1 / 0
    thread.start()
    thread.wait()

def test_warning():
    qWarning("out of order")
"""


def test_what_nobody_sees_fails_a_test(tmp_path: Path) -> None:
    silent = tmp_path / "test_silent.py"
    silent.write_text(SILENT, encoding="utf-8")
    settings = ["-c", str(ROOT / "pyproject.toml"), "-p", "no:cacheprovider"]
    finished = subprocess.run(
        [sys.executable, "-m", "pytest", *settings, "-rA", "--tb=no", str(silent)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    names = re.findall(r"def (test_\w+)", SILENT)
    told = re.findall(r"^(PASSED|FAILED) \S+::(\w+)", finished.stdout, re.MULTILINE)
    outcomes = {name: outcome for outcome, name in told}
    assert outcomes == {name: "PASSED" if name == "test_nothing" else "FAILED" for name in names}
