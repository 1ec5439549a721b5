"""The settings of a test's own file, for tests of the state."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.preferences import Preferences
from app.state.store.store_thread import StoreThread


@pytest.fixture
def open_preferences(qtbot: QtBot, tmp_path: Path) -> Iterator[Callable[[], Preferences]]:
    """Opens them once more, as each start of the program does."""
    stores: list[StoreThread] = []

    def open_once() -> Preferences:
        stores.append(StoreThread(tmp_path / "safelight.sqlite"))
        return Preferences(stores[-1])

    yield open_once
    for store in stores:
        store.close()


@pytest.fixture
def preferences(open_preferences: Callable[[], Preferences]) -> Preferences:
    return open_preferences()
