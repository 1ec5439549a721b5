"""Preferences: what the program remembers between two starts, in one JSON file. Built by
`app.main`; the state objects read from it when they are made and write to it when they change.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

from PySide6.QtCore import QObject, QTimer, Signal

from app.atomic import write_text
from app.i18n import tr

T = TypeVar("T")


class Preferences(QObject):
    """Plain JSON values by name. A file that is damaged or cannot be read means defaults; it is
    kept beside the new one as `preferences.damaged.json`, and `warning` says so in a sentence.
    Changes are written together, half a second after the last one; `flush` writes at once."""

    troubled = Signal(str)

    def __init__(self, path: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._path = path
        self._reported = False
        self._unwritten: set[str] = set()  # names of what has changed since the last writing
        self._values, self.warning = _read(path)
        self._timer = QTimer(self, singleShot=True, interval=500)
        self._timer.timeout.connect(self.flush)

    def get(self, name: str, default: T) -> T:
        """The value of that name, or the default if there is none of the default's type."""
        value = self._values.get(name)
        return value if type(value) is type(default) else default

    def set(self, name: str, value: Any) -> None:
        if name not in self._values or self._values[name] != value:
            self._values[name] = value
            self._unwritten.add(name)
            self._timer.start()

    def flush(self) -> None:
        """Write now what has changed, and leave the rest as another window may have written it. A
        failure is reported once and the program goes on."""
        self._timer.stop()
        if not self._unwritten:
            return
        changed = {name: self._values[name] for name in self._unwritten}
        try:
            write_text(self._path, json.dumps(_read(self._path)[0] | changed, indent=1))
            self._unwritten.clear()
        except OSError as error:
            if not self._reported:
                self._reported = True
                self.troubled.emit(
                    tr(
                        "The settings cannot be written to {path} ({reason}); they last until you "
                        "quit.",
                        path=self._path,
                        reason=error.strerror or error,
                    )
                )


def _read(path: Path) -> tuple[dict[str, Any], str]:
    """The values in the file, and a sentence for the person if they could not be read."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(values, dict):
            raise ValueError("not an object")
        return values, ""
    except FileNotFoundError:
        return {}, ""
    except (OSError, ValueError, RecursionError):
        kept = path.with_name("preferences.damaged.json")
        try:
            path.replace(kept)
        except OSError:
            kept = path
        return {}, tr(
            "The settings could not be read, so Safelight starts with its own; the old file is "
            "kept as {path}.",
            path=kept,
        )
