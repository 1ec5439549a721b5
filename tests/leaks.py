"""Fails a test that leaves something behind: a top-level window, a thread, an open file. Used for
every test by tests/conftest.py; costs half a millisecond where nothing is left.

What fixtures of a module or of the session hold is there before a test and after it, and is none.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Generator, Iterator
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from shiboken6 import getCppPointer

PATIENCE = 2.0
"""Seconds that a thread has to end, and a window to go, once its test is over."""
OPEN = Path("/proc/self/fd")
"""What is open, by number: Linux tells. Elsewhere files are not looked at."""

KEPT_FILES = ("anon_inode:", "/dev/shm/pym-")
"""What libraries keep open for the whole process once they have been used: what wakes an event
loop, since Qt's pools of threads, which draw large pictures, keep theirs (the loops that the
program starts are in threads that are seen), and what processes of `multiprocessing` share."""
KEPT_THREADS = ("tqdm_monitor",)
"""And the threads that they keep."""


class Held(NamedTuple):
    """What the process holds, by what is told of it: windows by their class and name, threads by
    their name, files by where they lie."""

    windows: dict[int, str]
    threads: dict[int, str]
    files: dict[str, str]


@pytest.fixture(autouse=True)
def nothing_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Set up before all other fixtures of a test, and so the last to look."""
    before = held()
    yield
    left = _left(before)
    if left:
        request.node.funcargs.clear()  # they are over, and pytest would hold them a little longer
        gc.collect()  # what only a circle of Python's holds is nobody's
        until = time.monotonic() + PATIENCE
        while (left := _left(before)) and time.monotonic() < until:
            _let_windows_go()
            time.sleep(0.02)
    assert not left, f"the test leaves behind: {', '.join(left)}"


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any]) -> Generator[None, Any, Any]:
    """A fixture of a module or of the session may be asked for in the middle of a test."""
    if fixturedef.scope == "function":
        return (yield)
    before = held()
    made = yield
    for was, now in zip(before, held(), strict=True):
        _lasting.update(now.keys() - was.keys())
    return made


_lasting: set[int | str] = set()
"""What such fixtures hold, by its key in Held."""


def held() -> Held:
    return Held(_windows(), _threads(), _files())


def _left(before: Held) -> list[str]:
    return [
        f"{kind} {now[key]}"
        for kind, was, now in zip(("window", "thread", "file"), before, held(), strict=True)
        for key in now.keys() - was.keys() - _lasting
    ]


def _windows() -> dict[int, str]:
    if (widgets := sys.modules.get("PySide6.QtWidgets")) is None:
        return {}
    return {
        getCppPointer(window)[0]: f"{type(window).__name__} {window.objectName()!r}"
        for window in widgets.QApplication.topLevelWidgets()
    }


def _threads() -> dict[int, str]:
    # What logs in a thread of Qt's has a stand-in in Python, which may outlive it.
    own = [one for one in threading.enumerate() if not isinstance(one, threading._DummyThread)]
    found = {id(thread): thread.name for thread in own if thread.name not in KEPT_THREADS}
    return found | {id(thread): _name_of(thread) for thread in [*_started] if _is_running(thread)}


def _files() -> dict[str, str]:
    if not OPEN.exists():
        return {}
    found = {}
    tracker = str(resource_tracker._resource_tracker._fd)  # multiprocessing's own pipe
    for number in os.listdir(OPEN):  # noqa: PTH208 -- a hundred times a second
        try:
            target = os.readlink(OPEN / number)  # noqa: PTH115
        except OSError:
            continue
        if number != tracker and not target.startswith(KEPT_FILES):
            found[f"{number} {target}"] = target
    return found


def _let_windows_go() -> None:
    if (core := sys.modules.get("PySide6.QtCore")) is not None and core.QCoreApplication.instance():
        core.QCoreApplication.sendPostedEvents(None, core.QEvent.Type.DeferredDelete)


_started: weakref.WeakSet[Any] = weakref.WeakSet()
"""Every QThread that was started from Python."""


def _watch_threads_of_qt() -> None:
    """Qt does not tell which threads there are, so each is noted when it starts."""
    from PySide6.QtCore import QThread

    start: Callable[..., None] = QThread.start

    def noted_start(thread: QThread, *arguments: Any) -> None:
        _started.add(thread)
        start(thread, *arguments)

    QThread.start = noted_start  # type: ignore[method-assign]


def _is_running(thread: Any) -> bool:
    try:
        return thread.isRunning()
    except RuntimeError:  # Qt has destroyed it, which it does to none that runs
        return False


def _name_of(thread: Any) -> str:
    return thread.objectName() or type(thread).__name__


_watch_threads_of_qt()
