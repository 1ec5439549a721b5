"""Preferences: what the program remembers between two starts. Built by `app.parts`, which hands
over the store that keeps it; the state objects read from it when they are made and write to it when
they change.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol, TypeVar, get_args, get_origin, overload

import msgspec
from PySide6.QtCore import QObject, QTimer

from engine.errors import EngineError
from engine.foreign import fitted, parse_json

T = TypeVar("T")

LATEST = 500
"""Milliseconds from a change until it is written, with all that have come meanwhile."""


class Remembered(msgspec.Struct, frozen=True):
    """All that is remembered: its name, its kind and what it is until somebody chooses."""

    # The recipe
    prompt: str = ""
    negative_prompt: str = ""
    draft: dict[str, Any] = {}  # the fields of the next request
    chosen: list[str] = []  # those that the person chose
    seed_locked: bool = False
    seed_spent: bool = True  # whether the seed has served its run
    guidance_preset: str = "constant"
    guidance_opened: bool = False  # whether its panel is

    # The models
    model: str = "bundled"  # the last one that was loaded
    abilities: list[str] = []  # of that model
    classes: int = 0  # that it can draw
    takes_prompt: bool = True  # earlier versions kept no more of its abilities
    recent_models: list[str] = []
    model_folders: list[str] = []  # that the person has added to the library
    prediction_types: list[dict[str, Any]] = []  # what the person said of files

    # The window and the folders
    theme: str = "dark"
    geometry: str = ""  # bytes of Qt, in base64
    panels: str = ""  # the same
    timeline_memory: int = 512  # MiB
    image_folder: str = ""  # "" for the usual one
    save_folder: str = ""  # the one where a picture was saved last


KINDS: Mapping[str, Any] = {field.name: field.type for field in msgspec.structs.fields(Remembered)}
USUAL = Remembered()


class SettingsStore(Protocol):
    """What keeps the preferences."""

    @property
    def settings(self) -> Mapping[str, str]:
        """The texts that were kept, by name."""
        ...

    def put_settings(self, texts: Mapping[str, Callable[[], str]]) -> None:
        """Have these written, all in one go and soon; each text is made just before."""
        ...

    def flush(self) -> None:
        """Return when all that was handed over is written, or has been tried."""
        ...


class Preferences(QObject):
    """Plain JSON values by name. A value that cannot be read, or is of another kind than it should
    be, means the usual one, and so does an item of a list. What changes is written soon, and no
    other value with it: another window may have changed that. What other versions keep under names
    that `Remembered` lacks stays as it is."""

    def __init__(self, store: SettingsStore, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self._values: dict[str, Any] = {}
        for name, text in store.settings.items():
            try:
                self._values[name] = _checked(name, parse_json(text, "What is kept there"))
            except EngineError:
                continue
        self._changed: set[str] = set()
        self._timer = QTimer(self, singleShot=True, interval=LATEST)
        self._timer.timeout.connect(self._hand_over)

    def __contains__(self, name: str) -> bool:
        return name in self._values

    @overload
    def get(self, name: str) -> Any: ...
    @overload
    def get(self, name: str, default: T) -> T: ...

    def get(self, name: str, default: object = None) -> object:
        """The value of that name; where there is none, the default, or the usual one. A value of
        another kind than the default is none."""
        if default is None:
            default = getattr(USUAL, name)
        value = self._values.get(name)
        return value if type(value) is type(default) else default

    def set(self, name: str, value: object) -> None:
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
            self._store.put_settings(
                {name: partial(json.dumps, self._values[name]) for name in sorted(changed)}
            )


def _checked(name: str, value: object) -> object:
    """The value, if it is of its kind; of a list what is of its items' kind. Raises EngineError."""
    kind = KINDS.get(name, Any)
    if get_origin(kind) is list and isinstance(value, list):
        (of,) = get_args(kind)
        return [item for item in value if _is_fitting(item, of)]
    return fitted(value, kind, name)


def _is_fitting(value: object, kind: type) -> bool:
    try:
        fitted(value, kind, "")
    except EngineError:
        return False
    return True
