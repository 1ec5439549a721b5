"""The window and its dialogs on small screens, and where a monitor was taken away: on real screens,
which the offscreen platform takes from a file, each in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QRect

from app.widgets.basic.on_screen import fitted

LOOK = """
import json, sys
from PySide6.QtCore import QRect
from PySide6.QtWidgets import QApplication, QDialog, QWidget
qt = QApplication([])
from PySide6.QtTest import QTest
from app.main import build
from app.windows.compare_dialog import CompareDialog
from app.windows.film_dialog import FilmDialog
from tests.app.fake_engine import FakeEngine

application = build(FakeEngine())
window = application.window
if move := json.loads(sys.argv[1]):  # once it is shown, an older Qt without a screen cannot
    window.setGeometry(QRect(*move))
application.show()
while application.models.card is None:
    QTest.qWait(10)
window.guidance.set_opened(True)
for number in range(3):
    window.errors.show_error("A sentence that says what was wrong and what can be done. " * 3)
window.size_fields.findChild(QWidget, "sizeNote").show()
window.libraryRequested.emit(), window.downloadRequested.emit(), window.queueRequested.emit()
window.findChild(FilmDialog).open_up("a film", 12, "film"), window.findChild(CompareDialog).show()
QTest.qWait(100)

def whole(widget, outer):
    place = widget.mapTo(outer, widget.rect().topLeft())
    return outer.rect().contains(QRect(place, widget.size()))

areas = [screen.availableGeometry() for screen in qt.screens()]
seen = {"": any(area.contains(window.frameGeometry()) for area in areas)}
for name in ("generateButton", "pauseButton", "stopButton", "guidanceSpin", "statusLabel"):
    control = window.findChild(QWidget, name)
    seen[name] = control.isVisible() and whole(control, window)
room = window.findChild(QWidget, "recipeScroll")
seen["recipe"] = room.height() >= 100 and whole(room, window)
for dialog in window.findChildren(QDialog):
    fits = any(area.contains(dialog.frameGeometry()) for area in areas)
    seen[dialog.objectName()] = dialog.isVisible() and fits
print(json.dumps([list(window.geometry().getRect()), seen]))
sys.stdout.flush()
assert application.close()
"""


def look(
    folder: Path, screens: list[tuple[int, int, int, int]], move: tuple[int, ...] = ()
) -> tuple[list[int], dict[str, bool]]:
    """Start the program on those screens; where its window is, and of what it is whole."""
    config = folder / "screens.json"
    names = ("x", "y", "width", "height")
    usual = {"logicalDpi": 96, "logicalBaseDpi": 96, "dpr": 1}
    said = [
        {"name": str(number), **usual, **dict(zip(names, screen, strict=True))}
        for number, screen in enumerate(screens)
    ]
    config.write_text(json.dumps({"screens": said}))
    done = subprocess.run(
        [sys.executable, "-c", LOOK, json.dumps(move)],
        env=os.environ | {"QT_QPA_PLATFORM": f"offscreen:configfile={config}"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    place, seen = json.loads(done.stdout.splitlines()[-1])
    return place, seen


@pytest.mark.parametrize("size", [(1366, 768), (1024, 640), (960, 500)])
def test_first_window_fits(tmp_path: Path, size: tuple[int, int]) -> None:
    _, seen = look(tmp_path, [(0, 0, *size)])
    assert len(seen) >= 12
    assert [name for name, whole in seen.items() if not whole] == []


def test_window_comes_back_from_a_monitor_that_is_gone(tmp_path: Path) -> None:
    both = [(0, 0, 1920, 1080), (1920, 0, 2560, 1440)]
    place, _ = look(tmp_path, both, (2300, 150, 1700, 1100))
    assert place == [2300, 150, 1700, 1100]
    assert look(tmp_path, both)[0] == place, "it stays where it was"
    place, seen = look(tmp_path, [(0, 0, 1366, 768)])
    assert [name for name, whole in seen.items() if not whole] == [], place


LAPTOP, DESK = QRect(0, 0, 1366, 768), QRect(1366, 0, 1920, 1080)


@pytest.mark.parametrize(
    ("frame", "areas", "wanted"),
    [
        (QRect(50, 40, 900, 600), [LAPTOP], QRect(50, 40, 900, 600)),
        (QRect(0, 0, 1440, 900), [LAPTOP], LAPTOP),
        (QRect(1000, 400, 900, 600), [LAPTOP], QRect(466, 168, 900, 600)),
        (QRect(-300, -40, 900, 600), [LAPTOP], QRect(0, 0, 900, 600)),
        (QRect(5000, 5000, 900, 600), [LAPTOP, DESK], QRect(466, 168, 900, 600)),
        (QRect(1000, 100, 900, 600), [LAPTOP, DESK], QRect(1000, 100, 900, 600)),  # over both
        (QRect(1300, 600, 900, 600), [LAPTOP, DESK], QRect(1366, 480, 900, 600)),
        (QRect(0, 0, 800, 600), [QRect(0, 40, 960, 500)], QRect(0, 40, 800, 500)),  # a panel on top
    ],
)
def test_where_a_frame_goes(frame: QRect, areas: list[QRect], wanted: QRect) -> None:
    assert fitted(frame, areas) == wanted
