"""A library of models, opened and looked at as its tests do it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication, QEvent, QObject
from pytestqt.qtbot import QtBot

from app import paths
from app.preferences import Preferences
from app.state.models.library import Library
from app.state.store.store_thread import StoreThread
from engine import checkpoint
from tests.checkpoints import SD1_TEXT, SD2_TEXT, XL_TEXT, original

SD1, SD2, XL = original(SD1_TEXT), original(SD2_TEXT), original(*XL_TEXT)

BUNDLED = [(m.source, m.label, str(m.folder)) for m in paths.bundled_models()][:1]
"""One is enough for what a library does with it; the command line's own lists show both."""

Open = Callable[..., Library]


def models_folder(tmp_path: Path) -> Path:
    place = tmp_path / "models"
    place.mkdir()
    return place


@contextmanager
def libraries(qtbot: QtBot, tmp_path: Path, kept: list[Preferences]) -> Iterator[Open]:
    """Opens a library on the preferences of this test, as after a start of the program. engine:
    other functions than those of engine.checkpoint. kept: gets the preferences of each."""
    opened: list[Library] = []
    stores: list[StoreThread] = []
    owner = QObject()

    def open_one(announced: bool = True, **engine: Any) -> Library:
        for before in kept:
            before.flush()
        stores.append(StoreThread(tmp_path / "safelight.sqlite"))
        preferences = Preferences(stores[-1], owner)
        kept.append(preferences)
        functions: dict[str, Any] = {
            "inspect": checkpoint.inspect,
            "scan": checkpoint.scan,
            "hub_cache": lambda: checkpoint.hub_cache(tmp_path / "hub"),
            "hub_folder": lambda: tmp_path / "hub",
            "verify": checkpoint.verify,
        }
        library = Library(preferences, tuple(BUNDLED), **(functions | engine), parent=owner)
        opened.append(library)
        if announced:
            library.announce()
            wait(qtbot, library)
        return library

    yield open_one
    for library in opened:
        begun = time.monotonic()
        library.close()
        assert time.monotonic() - begun < 1, "closing waits for work that nobody wants"
    for store in stores:
        store.close()
    # Here and now: Python might do it in a thread of the next test, where Qt does not bear it.
    owner.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def wait(qtbot: QtBot, library: Library) -> None:
    """Until all places have been looked at."""
    qtbot.waitUntil(lambda: not library.is_scanning)


def shown(library: Library, column: int = 0) -> list[str]:
    model = library.model
    return [model.index(row, column).data() for row in range(model.rowCount())]


def role(library: Library, name: str, of: str) -> Any:
    """What the row of that name has under the role of that name."""
    model = library.model
    roles = {bytes(each.data()).decode(): number for number, each in model.roleNames().items()}
    return model.index(shown(library).index(of), 0).data(roles[name])


def heard(signal: Any) -> list[Any]:
    values: list[Any] = []
    signal.connect(lambda *told: values.append(told[0] if len(told) == 1 else told))
    return values


def add(qtbot: QtBot, library: Library, folder: Path) -> None:
    library.add_folder(str(folder))
    wait(qtbot, library)
