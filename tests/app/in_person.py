"""What a person does with the application and sees of it. For the tests of it as a whole."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QLabel, QPlainTextEdit, QWidget
from pytestqt.qtbot import QtBot

from app.main import Application
from tests.app.conftest import told


def child(application: Application, kind: type[Any], name: str) -> Any:
    found = application.window.findChild(kind, name)
    assert found is not None, name
    return found


def type_prompt(qtbot: QtBot, application: Application, text: str) -> None:
    edit = child(application, QPlainTextEdit, "promptEdit")
    edit.clear()
    qtbot.keyClicks(edit, text)


def click(qtbot: QtBot, application: Application, name: str) -> None:
    button = child(application, QAbstractButton, name)
    assert button.isEnabled(), name
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def finish(qtbot: QtBot, application: Application) -> Any:
    heard = told(application)
    with qtbot.waitSignal(heard.finished) as finished, qtbot.waitSignal(heard.idle):
        click(qtbot, application, "generateButton")
    return finished.args[0]


def steps(application: Application, run: int | None = None) -> list[Any]:
    """Those of that run, or of the newest, which have been shown."""
    lines = application.history.runs
    return lines[run or max(lines)].steps if lines else []


def error(application: Application) -> str:
    """What the error bar says, "" while it is hidden."""
    bar = child(application, QWidget, "errorBar")
    return bar.findChild(QLabel).text() if bar.isVisibleTo(application.window) else ""


def status(application: Application) -> str:
    return child(application, QLabel, "statusLabel").text()
