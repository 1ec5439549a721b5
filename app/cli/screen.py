"""The QApplication, or one sentence and the end of the program: Qt aborts where there is no screen,
with lines of its own. Called by `app.cli.window`, before the window is built.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from app.cli.output import complain, tell

PLACES = ("QT_QPA_PLATFORM", "WAYLAND_DISPLAY", "DISPLAY")
"""The environment variables that say where the window opens."""
REMEDY = (
    "Set DISPLAY or WAYLAND_DISPLAY to a screen that is there, install what Qt draws with (the "
    "README names it), or use `safelight render`."
)


def open_screen(argv: Sequence[str]) -> QApplication:
    """The application on its screen, the one that is there already if there is. Where Qt can open
    none (there is no screen of that name, it lets nobody in, a library of the system is missing)
    this ends the program with exit code 1 and a sentence on standard error that has Qt's reason."""
    there = QApplication.instance()
    if isinstance(there, QApplication):
        return there
    told: list[str] = []

    def hear(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
        if kind == QtMsgType.QtFatalMsg:  # once this returns, Qt aborts
            _end([*told, message])
        told.append(message)

    before = qInstallMessageHandler(hear)
    try:
        qt = QApplication([*argv])
    finally:
        qInstallMessageHandler(before)
    if QGuiApplication.primaryScreen() is None:
        _end([*told, "there is no screen"])
    for message in told:
        tell(message)
    return qt


def _end(reasons: Sequence[str]) -> NoReturn:
    asked = [f"{name}={os.environ[name]}" for name in PLACES if os.environ.get(name)]
    place = f" on {' '.join(asked)}" if asked else ""
    complain(f"The window cannot open{place} ({reasons[0].strip().rstrip('.')}). {REMEDY}")
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    os._exit(1)  # out of the middle of Qt, which would abort
