"""What waits, as the tests of it ask for it, look at it and find it in the store."""

from __future__ import annotations

import functools
import gc
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app import paths
from app.main import Application
from app.state.runs.plan import Plan
from app.state.store.store import WAL, Store, StoredRow
from engine.record.record import read_record
from engine.request.request import Request

Start = Callable[..., Application]


def ask(application: Application, *prompts: str) -> None:
    for prompt in prompts:
        application.session.set_prompt(prompt)
        application.session.generate()


def notice(application: Application) -> str:
    bar = application.window.findChild(QWidget, "resumeBar")
    text = application.window.findChild(QWidget, "resumeText")
    return text.text() if bar.isVisible() else ""


def press(qtbot: QtBot, window: QWidget, name: str) -> None:
    qtbot.mouseClick(window.findChild(QPushButton, name), Qt.MouseButton.LeftButton)


def made(application: Application) -> list[str]:
    """The prompts of the files, sorted."""
    files = Path(application.image_folder.path).glob("[!.]*.png")
    return sorted(read_record(path).request.prompt for path in files)


def at_rest(application: Application) -> bool:
    return application.queue.current is None and not len(application.queue)


class Watch:
    """Milliseconds of the window's own thread in each call of the methods of these kinds, without
    those of Python's collector, which may fall into any of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *kinds: type) -> None:
        self._spent: dict[str, list[float]] = {}
        self._collecting = self._begun = 0.0
        gc.callbacks.append(self._collect)
        for kind in kinds:
            for name, method in list(vars(kind).items()):
                if isinstance(method, FunctionType) and not name.startswith("__"):
                    watched = self._watched(f"{kind.__name__}.{name}", method)
                    monkeypatch.setattr(kind, name, watched)

    @property
    def longest(self) -> dict[str, float]:
        """Of each method, without a single call that a busy machine has held up: what is slow is
        slow again."""
        return {name: round(sorted(spent)[-2:][0], 1) for name, spent in self._spent.items()}

    def close(self) -> None:
        gc.callbacks.remove(self._collect)

    def _collect(self, phase: str, _: object) -> None:
        if phase == "start":
            self._begun = time.thread_time()
        else:
            self._collecting += time.thread_time() - self._begun

    def _watched(self, name: str, method: Any) -> Any:
        @functools.wraps(method)
        def call(*arguments: Any, **named: Any) -> Any:
            begun, before = time.thread_time(), self._collecting
            try:
                return method(*arguments, **named)
            finally:
                spent = time.thread_time() - begun - (self._collecting - before)
                self._spent.setdefault(name, []).append(1000 * spent)

        return call


def refuse(*_: object) -> Any:
    raise sqlite3.OperationalError("database or disk is full")


def old_queue(text: str) -> Path:
    file = paths.session_folder() / "queue-1.json"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    return file


def entry(prompt: str, **fields: Any) -> dict[str, Any]:
    """As it is written, of a plan whose job is told by its prompt."""
    seed = {"one": 1, "two": 2}.get(prompt, 3)
    request = Request(prompt, width=64, height=64, steps=3, scheduler="unipc", seed=seed)
    plan = Plan((request,), job=f"job of {prompt}").to_dict()
    plan["requests"] = [plan["requests"][0] | fields]
    return {"plan": plan, "folders": [], "since": 1e9, "begun": False}


def job_of(plain: dict[str, Any]) -> str:
    return plain["plan"]["job"]


def rows(kind: str = "plan/1") -> dict[str, StoredRow]:
    return Store(paths.store_file(), WAL).rows(kind)
