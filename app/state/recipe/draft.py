"""Draft: the fields of the next request, and which of them the person chose, kept over restarts.
The session edits it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from app import wording
from app.i18n import tr
from app.state.recipe import economies
from engine.errors import RequestError
from engine.request.forms import TEXT
from engine.request.request import SETTINGS, Request

if TYPE_CHECKING:
    from app.preferences import Preferences

FIELDS = tuple(SETTINGS)
WORDS = tuple(one.name for one in SETTINGS.values() if one.form is TEXT)
EXTRAS = tuple(name for name in FIELDS if not wording.has_control(name))
"""What comes with settings from a file and has no control of its own: it is told in words, and can
be taken away."""


class Draft:
    """A value for each of FIELDS, read as `draft[name]`. schedulers: the names that there are."""

    def __init__(self, preferences: Preferences, schedulers: tuple[str, ...]) -> None:
        self._preferences = preferences
        words = {name: preferences.get(name) for name in WORDS if name in preferences}
        self._values: dict[str, Any] = _usable(preferences.get("draft") | words)
        self._chosen = {name for name in preferences.get("chosen") if name in FIELDS}
        if self._values["scheduler"] not in schedulers:
            self._values["scheduler"] = None

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    @property
    def values(self) -> Mapping[str, Any]:
        return self._values

    @property
    def request(self) -> Request:
        """The draft as it is. Raises RequestError."""
        return Request(**self._values)

    @property
    def extras(self) -> str:
        """What acts besides the controls, in words; "" for nothing."""
        words = [
            wording.beside(name, self[name])
            for name in EXTRAS
            if self[name] != SETTINGS[name].default
        ]
        return tr("Also: {settings}", settings=", ".join(words)) if words else ""

    def is_chosen(self, name: str) -> bool:
        """Whether the person chose the value of that field."""
        return name in self._chosen

    def choose(self, names: Iterable[str]) -> None:
        """Note that the person chose the values of these fields."""
        self._chosen.update(names)
        self._preferences.set("chosen", sorted(self._chosen))

    def keep(self, values: dict[str, Any]) -> bool:
        """Take these values. Whether anything has changed."""
        if self._values | values == self._values:
            return False
        self._values = self._values | values
        for name in WORDS:  # by themselves, so that another window that moves a slider leaves them
            if name in values:
                self._preferences.set(name, values[name])
        if values.keys() - set(WORDS):
            self._preferences.set("draft", self._values)
        return True


def _usable(stored: dict[str, Any]) -> dict[str, Any]:
    """The stored draft, with a request's own value for each field that is missing or no good."""
    default = Request()
    draft = {name: getattr(default, name) for name in FIELDS}
    for name in draft.keys() & stored.keys():
        with contextlib.suppress(RequestError):
            draft[name] = SETTINGS[name].form.check(name, stored[name])
    draft["guidance_scale"] = float(draft["guidance_scale"])
    return draft | economies.fields(economies.level(draft))
