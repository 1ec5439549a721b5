"""The pictures in the README, made by the program itself with the bundled model:

python tests/screenshots.py [FOLDER] [--theme dark] [--size 1440x900]
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROMPT = "a blue heart, 3d"
BRANCH_PROMPT = "a red heart, 3d"
SEED = 1
GALLERY = [
    ("a red apple, 3d", 7),
    ("an owl on a purple background", 3),
    ("a rocket, flat style", 2),
    ("a green apple on a navy background", 2),
    ("a smiling face with sunglasses, 3d", 4),
    ("แมว", 2),
    ("a hamburger on a black background", 4),
    ("a yellow star, 3d", 1),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "resources/screenshots")
    parser.add_argument("--theme", default="dark")
    parser.add_argument("--size", default="1440x900")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("QT_QPA_PLATFORM", f"offscreen:configfile={ROOT}/tests/screen.json")
    with tempfile.TemporaryDirectory() as home:
        os.environ["SAFELIGHT_HOME"] = home
        shoot(arguments.folder, arguments.theme, arguments.size)


def shoot(folder: Path, theme: str, size: str) -> None:
    from PySide6.QtCore import QEventLoop
    from PySide6.QtWidgets import QApplication, QComboBox, QLineEdit

    from app.main import build

    qt = QApplication([])
    application = build()
    session, run, window = application.session, application.run, application.window
    history = application.history

    def wait(condition: Callable[[], bool]) -> None:
        while not condition():
            qt.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)

    def start(prompt: str, seed: int) -> None:
        session.set_prompt(prompt)
        session.set_seed(seed)
        session.generate()
        wait(lambda: run.running)

    window.themeChosen.emit(theme)
    window.resize(*map(int, size.split("x")))
    application.show()
    ready: list[bool] = []
    application.models.readyChanged.connect(ready.append)
    wait(lambda: True in ready)
    for prompt, seed in GALLERY:
        start(prompt, seed)
        wait(lambda: not run.running)

    def shot(name: str) -> None:
        settle(qt)
        window.grab().save(str(folder / f"{name}.png"))

    start(PROMPT, SEED)
    wait(lambda: run.done >= 6)
    window.guidance.scaleChanged.emit(4.0)
    wait(lambda: run.done >= 11)
    window.run.pauseToggled.emit(True)
    settle(qt)
    shot("developing")
    window.run.pauseToggled.emit(False)
    wait(lambda: not run.running)
    shot("finished")

    parent = run.numbers[0]
    history.select(parent, 5)
    session.set_prompt(BRANCH_PROMPT)
    window.branchRequested.emit()
    wait(lambda: run.numbers != (parent,) and not run.running)
    history.select(parent, 8)
    session.set_prompt(PROMPT)
    window.vary.varyRequested.emit(0.5, 2)
    wait(lambda: len(run.numbers) == 2 and not run.running)
    history.select(parent, 6)
    window.guidance.set_opened(True)
    session.set_preset("bell")
    retouched: list[float] = []
    application.retoucher.retouched.connect(lambda *told: retouched.append(told[2]))
    window.guidance.scaleChanged.emit(6.0)
    wait(lambda: 6.0 in retouched)
    shot("steering")

    session.set_preset("constant")
    window.guidance.set_opened(False)
    window.guidance.scaleChanged.emit(4.0)
    window.header.compareToggled.emit(True)
    fields = window.compare.findChild(QComboBox, "compareSecondField")
    assert fields is not None
    fields.setCurrentIndex(fields.findData("seed"))
    for name, values in ("compareFirstValues", "1.5, 3, 5, 8"), ("compareSecondValues", "1..3"):
        line = window.compare.findChild(QLineEdit, name)
        assert line is not None
        line.setText(values)
        line.textEdited.emit(values)
    window.compare.compareRequested.emit()
    wait(lambda: len(run.numbers) == 12 and run.done >= 12 * 9)
    window.run.pauseToggled.emit(True)
    settle(qt)
    shot("comparing")
    application.close()


def settle(qt) -> None:
    """Let what is still on its way arrive: signals of the worker, thumbnails, layouts."""
    from PySide6.QtTest import QTest

    QTest.qWait(600)
    qt.processEvents()


if __name__ == "__main__":
    main()
