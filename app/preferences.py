"""Preferences: what the program remembers between two starts, a row each in the store. Built by
`app.main`; the state objects read from it when they are made and write to it when they change.
"""

from __future__ import annotations

import json
from functools import partial
from typing import Any, TypeVar

from PySide6.QtCore import QObject, QTimer

from app.state.store.former_files import SETTING
from app.state.store.store import value_of
from app.state.store.store_thread import RowDraft, StoreThread
from engine.errors import EngineError

T = TypeVar("T")

LATEST = 500
"""Milliseconds from a change until it is written, with all that have come meanwhile."""


class Preferences(QObject):
    """Plain JSON values by name. A value that cannot be read means the default. What changes is
    written soon, and no other value with it: another window may have changed that."""

    def __init__(self, store: StoreThread, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self._values: dict[str, Any] = {}
        for name, row in store.settings.items():
            try:
                self._values[name] = value_of(row)
            except EngineError:
                continue
        self._changed: set[str] = set()
        self._timer = QTimer(self, singleShot=True, interval=LATEST)
        self._timer.timeout.connect(self._hand_over)

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def get(self, name: str, default: T) -> T:
        """The value of that name, or the default if there is none of the default's type."""
        value = self._values.get(name)
        return value if type(value) is type(default) else default

    def set(self, name: str, value: Any) -> None:
        if name not in self._values or self._values[name] != value:
            self._values[name] = value
            self._changed.add(name)
            if not self._timer.isActive():  # who types on and on does not put it off
                self._timer.start()

    def flush(self) -> None:
        """Return when all that has changed is written, or has been tried."""
        self._timer.stop()
        self._hand_over()
        self._store.flush()

    def _hand_over(self) -> None:
        changed, self._changed = self._changed, set()
        if changed:
            self._store.put(
                {
                    (SETTING, name): RowDraft(partial(json.dumps, self._values[name]))
                    for name in sorted(changed)
                }
            )
