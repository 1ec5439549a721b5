"""A worker on its thread, with the scripted engine, and small requests for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from PySide6.QtCore import QThread
from pytestqt.qtbot import QtBot

from app.state.runs.plan import Plan
from app.state.runs.run_memory import RunMemory
from app.worker.worker import Worker
from engine.request.request import Request
from tests.app.conftest import Told
from tests.app.fake_engine import FakeEngine


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


REQUEST = Request(prompt="an owl", steps=3, seed=40, width=64, height=64)


@pytest.fixture
def worker(qtbot: QtBot, fake: FakeEngine) -> Iterator[Worker]:
    worker = Worker(fake, RunMemory())
    thread = QThread()
    worker.moveToThread(thread)
    thread.start()
    yield worker
    worker.close()
    thread.quit()
    assert thread.wait(3000)


@pytest.fixture
def told(worker: Worker) -> Told:
    return Told(worker)


@pytest.fixture
def loaded(qtbot: QtBot, worker: Worker, told: Told) -> Worker:
    with qtbot.waitSignals([told.ready, told.idle]):
        worker.load("bundled")
    return worker


def plan(request: Request = REQUEST, **more: Any) -> Plan:
    return Plan((request,), **more)
