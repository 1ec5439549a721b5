"""Every act that the window can ask for, where there is nothing that it could act on: no image, no
run, no model, nothing on the clipboard. It does nothing, or says so in a sentence; none raises."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import QMetaMethod, QObject
from PySide6.QtGui import QAction, QDesktopServices, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QDialog, QFileDialog, QWidget
from pytestqt.qtbot import QtBot

from app.main import Application
from app.widgets.runs.queue_view import QueueView
from app.windows.download_dialog import DownloadDialog
from app.windows.film_dialog import FilmDialog
from app.windows.library_dialog import LibraryDialog
from app.windows.queue_dialog import QueueDialog
from engine.errors import LoadError
from tests.app.fake_engine import FakeEngine

Start = Callable[..., Application]
VALUES = {"int": (-1, 0, 99), "double": (0.0,), "bool": (True, False), "QString": ("", "nowhere")}
LEFT_OUT = ("quitRequested", "dropRequested")


@pytest.fixture
def refuses(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Whoever asks for a file is told that the person thought better of it. What was opened."""
    opened: list[str] = []
    for name in "getSaveFileName", "getOpenFileName":
        monkeypatch.setattr(QFileDialog, name, lambda *_: ("", ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "")
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: bool(opened.append(url)))
    QGuiApplication.clipboard().clear()
    return opened


@pytest.fixture(params=["loading", "empty", "after a failed load", "after a failed run"])
def bare(
    request: pytest.FixtureRequest,
    start: Start,
    fake: FakeEngine,
    qtbot: QtBot,
    refuses: list[str],
) -> Iterator[Application]:
    match request.param:
        case "loading":
            fake.load_gate = threading.Event()
        case "after a failed load":
            fake.failures["load"] = LoadError("broken")
        case "after a failed run":
            fake.failures[0] = RuntimeError("lost")
    application = start(ready=request.param in ("empty", "after a failed run"))
    bar = application.window.findChild(QWidget, "errorBar")
    assert bar is not None
    match request.param:
        case "loading":
            qtbot.waitUntil(lambda: fake.loaded == ["bundled"])
        case "after a failed load":
            qtbot.waitUntil(bar.isVisible)
        case "after a failed run":
            application.session.generate()
            qtbot.waitUntil(bar.isVisible)
            qtbot.waitUntil(lambda: not application.run.running)
    yield application
    if fake.load_gate:
        fake.load_gate.set()


def asks(parts: list[QWidget]) -> Iterator[tuple[str, Callable[[], None]]]:
    """Every signal by which these widgets ask for something, with values that mean nothing."""
    for part in parts:
        meta = part.metaObject()
        for number in range(QObject.staticMetaObject.methodCount(), meta.methodCount()):
            method = meta.method(number)
            name = method.name().toStdString()
            is_asked = name.endswith("Requested") and name not in LEFT_OUT
            if method.methodType() != QMetaMethod.MethodType.Signal or not is_asked:
                continue
            signal = getattr(part, name)
            kinds = [kind.toStdString() for kind in method.parameterTypes()]
            for place in range(max((len(VALUES.get(kind, (0,))) for kind in kinds), default=1)):
                values = [VALUES[k][place % len(VALUES[k])] if k in VALUES else [] for k in kinds]
                yield f"{name}{values}", lambda signal=signal, values=values: signal.emit(*values)


def test_every_act_with_nothing_to_act_on(bare: Application, refuses: list[str]) -> None:
    window = bare.window
    actions = [act for act in window.findChildren(QAction) if not act.isSeparator()]
    # Generate makes a picture to act on; it is asked for last, by its signal.
    actions = [act for act in actions if act.text() not in ("&Quit", "&Generate")]
    assert len(actions) > 25
    for action in actions:
        action.trigger()
        QTest.qWait(1)
    parts = [window, window.menu, window.header, window.canvas, window.gallery, window.run]
    parts += [window.prompt, window.class_picker, window.seed, window.scheduler]
    for kind in (LibraryDialog, DownloadDialog, FilmDialog, QueueDialog, QueueView):
        parts += window.findChildren(kind)
    acts = dict(asks(parts))
    assert len(acts) > 40
    for act in acts.values():
        act()
        QTest.qWait(1)
    names = ("pauseButton", "stopButton", "stopMenuButton", "branchButton", "copyButton")
    for name in (*names, "saveButton", "galleryUndoButton", "galleryClearButton"):
        button = window.findChild(QAbstractButton, name)
        assert button is not None
        button.clicked.emit()
    for dialog in window.findChildren(QDialog):
        dialog.close()
    QTest.qWait(50)
    assert not refuses, "there is nothing to show in the file manager"
    assert window.isVisible()
