"""For all tests of the application: its files in a folder of the test's own, a scripted engine, and
the whole application on it, closed again at the end.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from pathlib import Path

import huggingface_hub.constants
import pytest
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.main import Application, build
from app.worker.worker import Worker
from tests.app.fake_engine import FakeEngine


class Told(QObject):
    """What the worker tells, told again in the test's own thread: pytest-qt's waitSignal must not
    be woken from another one, where it can be before it has begun to wait."""

    loading = Signal(str, float)
    ready = Signal(object)
    loadFailed = Signal(str)
    started = Signal(object)
    encoded = Signal(int, int, str)
    planned = Signal(int, tuple)
    stepped = Signal(object)
    finished = Signal(object)
    cancelled = Signal(int, int)
    failed = Signal(int, str)
    refused = Signal(str)
    compared = Signal(object)
    idle = Signal()
    saved = Signal(str)
    saveFailed = Signal(str)
    previewFailed = Signal(str)

    def __init__(self, worker: Worker, parent: QObject | None = None) -> None:
        super().__init__(parent)
        worker.loading.connect(self.loading)
        worker.ready.connect(self.ready)
        worker.loadFailed.connect(self.loadFailed)
        worker.started.connect(self.started)
        worker.encoded.connect(self.encoded)
        worker.planned.connect(self.planned)
        worker.stepped.connect(self.stepped)
        worker.finished.connect(self.finished)
        worker.cancelled.connect(self.cancelled)
        worker.failed.connect(self.failed)
        worker.refused.connect(self.refused)
        worker.compared.connect(self.compared)
        worker.idle.connect(self.idle)
        worker.saved.connect(self.saved)
        worker.saveFailed.connect(self.saveFailed)
        worker.previewFailed.connect(self.previewFailed)


def told(application: Application) -> Told:
    """What this application's worker tells, after the application itself has heard it."""
    return application.findChild(Told) or Told(application.worker, application)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where settings and images of this test go."""
    home = tmp_path / "home"
    monkeypatch.setenv("SAFELIGHT_HOME", str(home))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(home / "hub"))
    return home


@pytest.fixture
def fake() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def start(qtbot: QtBot, fake: FakeEngine) -> Iterator[Callable[..., Application]]:
    """Opens the application; with ready=True it waits until the model is loaded."""
    opened: list[Application] = []

    def open_application(ready: bool = True) -> Application:
        application = build(fake)
        opened.append(application)
        told(application)
        application.show()
        if ready:  # and at rest, so that the next `idle` is that of the next run
            qtbot.waitUntil(lambda: application.models.card is not None)
            qtbot.waitUntil(lambda: application.queue._current is None)
        return application

    yield open_application
    for application in opened:
        assert application.close(), "the worker's thread has not ended"
        application.window.deleteLater()
    QApplication.processEvents()
    # Here, in the thread of the window, and not whenever some thread of the next test sets off the
    # collector: that would destroy Qt's objects under the loop that delivers to them.
    opened.clear()
    gc.collect()


@pytest.fixture(scope="session", autouse=True)
def whole_modules_outlive_every_test() -> None:
    """So that the collection after each test does not walk through all that torch has made."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def application(start: Callable[..., Application]) -> Application:
    return start()
