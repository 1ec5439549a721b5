"""ConfigReader: takes a config.json apart key by key. Used by the config of every network.

What it does not understand it refuses: a setting that is silently passed over makes another image.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NoReturn, TypeGuard

from engine.errors import ConfigError, told

LARGEST = 1e38
MOST = 2**20
"""No network has anything as often, or as wide."""
MOST_LAYERS, MOST_LEVELS = 100, 20
"""What they are counted with is made before a file of weights says that they are not there."""


class ConfigReader:
    """The content of one config.json; `owner` is the network's name, for the messages.

    Every method that reads a key raises ConfigError, which names the key and the value, if the
    value is of the wrong kind. Where a default may be None, None means that the key must be there.
    Keys that begin with "_" are notes of the program that wrote the file.
    """

    def __init__(self, config: Mapping[str, Any], owner: str) -> None:
        if not isinstance(config, Mapping):
            raise ConfigError(
                f"{owner}: the config is {told(config)}, not a table of keys and values."
            )
        self._owner = owner
        self._left = {key: value for key, value in config.items() if not str(key).startswith("_")}

    def has(self, key: str) -> bool:
        """Whether the key is there, null or not, and was not read yet."""
        return key in self._left

    def is_null(self, key: str) -> bool:
        """Whether the key is null or not there; if so, it counts as read."""
        if self._left.get(key) is not None:
            return False
        self._left.pop(key, None)
        return True

    def integer(self, key: str, default: int | None = None, most: int = MOST) -> int:
        """A whole number from 1 to `most`."""
        value = self._take(key, default)
        if not _is_integer(value, 1, most):
            self.refuse(key, value, f"a whole number from 1 to {most}")
        return value

    def optional_integer(self, key: str, required: bool = False) -> int | None:
        """A whole number from 1 up, or None if the key is null or not there and not required."""
        return None if not required and self.is_null(key) else self.integer(key)

    def token(self, key: str, default: int) -> int:
        """A whole number from 0 to MOST."""
        value = self._take(key, default)
        if not _is_integer(value, 0):
            self.refuse(key, value, f"a whole number from 0 to {MOST}")
        return value

    def number(self, key: str, default: float) -> float:
        """A finite number."""
        value = self._take(key, default)
        if not _is_number(value):
            self.refuse(key, value, "a finite number")
        return float(value)

    def positive(self, key: str, default: float) -> float:
        """A finite number above 0."""
        value = self.number(key, default)
        if value <= 0:
            self.refuse(key, value, "a number above 0")
        return value

    def optional_number(self, key: str) -> float | None:
        """A finite number, or None if the key is null or not there."""
        return None if self.is_null(key) else self.number(key, 0.0)

    def flag(self, key: str, default: bool) -> bool:
        """True or false."""
        value = self._take(key, default)
        if not isinstance(value, bool):
            self.refuse(key, value, "true or false")
        return value

    def choice(self, key: str, known: Collection[str], default: str) -> str:
        """One of the names in `known`."""
        value = self._take(key, default)
        if not isinstance(value, str) or value not in known:
            self.refuse(key, value, _listed(known))
        return value

    def optional_choice(self, key: str, known: Collection[str]) -> str | None:
        """One of the names in `known`, or None if the key is null or not there."""
        return None if self.is_null(key) else self.choice(key, known, "")

    def choices(self, key: str, known: Collection[str], length: int) -> tuple[str, ...]:
        """A list of `length` names from `known`; the key must be there."""
        value = self._take(key, None)
        if not _is_list(value) or len(value) != length:
            self.refuse(key, value, f"a list with one name for each of {length} levels")
        for name in value:
            if not isinstance(name, str) or name not in known:
                self.refuse(key, name, _listed(known))
        return tuple(value)

    def integers(self, key: str) -> tuple[int, ...]:
        """A list of whole numbers from 1 to MOST, one for each of at least one and at most
        MOST_LEVELS levels; the key must be there."""
        value = self._take(key, None)
        wanted = f"a list of 1 to {MOST_LEVELS} whole numbers from 1 to {MOST}"
        if not _is_list(value) or not 1 <= len(value) <= MOST_LEVELS:
            self.refuse(key, value, wanted)
        if not all(_is_integer(item, 1) for item in value):
            self.refuse(key, value, wanted)
        return tuple(value)

    def integer_by_level(
        self, key: str, levels: int, default: int | None, most: int = MOST
    ) -> tuple[int, ...]:
        """A whole number from 1 to `most` for each level, or one for all of them."""
        value = self._take(key, default)
        per_level = value if _is_list(value) else [value] * levels
        if len(per_level) != levels or not all(_is_integer(item, 1, most) for item in per_level):
            self.refuse(
                key, value, f"a whole number from 1 to {most}, or a list of {levels} of them"
            )
        return tuple(per_level)

    def flag_by_level(self, key: str, levels: int, default: bool) -> tuple[bool, ...]:
        """True or false for each level, or one for all of them."""
        value = self._take(key, default)
        per_level = value if _is_list(value) else [value] * levels
        if len(per_level) != levels or not all(isinstance(item, bool) for item in per_level):
            self.refuse(key, value, f"true or false, or a list of {levels} of them")
        return tuple(per_level)

    def counts_by_layer(
        self, key: str, layers: tuple[int, ...], default: int
    ) -> tuple[tuple[int, ...], ...]:
        """A whole number from 0 to MOST_LAYERS for every layer of every level, given as one for
        all, one for each level, or a list for a level.
        """
        value = self._take(key, default)
        per_level = value if _is_list(value) else [value] * len(layers)
        wanted = (
            f"a whole number from 0 to {MOST_LAYERS}, or a list that fits levels of {layers} layers"
        )
        if len(per_level) != len(layers):
            self.refuse(key, value, wanted)
        spread = tuple(
            tuple(item) if _is_list(item) else (item,) * count
            for item, count in zip(per_level, layers, strict=True)
        )
        for level, count in zip(spread, layers, strict=True):
            if len(level) != count or not all(_is_integer(item, 0, MOST_LAYERS) for item in level):
                self.refuse(key, value, wanted)
        return spread

    def square_side(self, key: str) -> int | None:
        """The side of a square, as a number or twice in a list; None if null or not there."""
        value = self._left.get(key)
        if _is_list(value) and len(value) == 2 and value[0] == value[1]:
            self._left[key] = value[0]
        return self.optional_integer(key)

    def only(self, key: str, *allowed: Any) -> None:
        """Refuse any value of `key` but those that change nothing; it need not be there."""
        if key in self._left and (value := self._left.pop(key)) not in allowed:
            self.refuse(key, value, _listed(allowed))

    def without_effect(self, *keys: str) -> None:
        """Pass over keys whose value makes no difference to what the network computes."""
        for key in keys:
            self._left.pop(key, None)

    def finish(self) -> None:
        """Refuse what is left over, unless it is switched off."""
        for key, value in self._left.items():
            if value is not None and value is not False:
                raise ConfigError(
                    f"{self._owner}: {told(key)} is {told(value)}, a setting that is not known "
                    "here and could change the image; this kind of model is not supported."
                )

    def refuse(self, key: str, value: Any, wanted: str) -> NoReturn:
        """Raise ConfigError for a value that is not implemented."""
        raise ConfigError(
            f"{self._owner}: {key!r} is {told(value)}, which is not implemented; "
            f"what can be used is {wanted}."
        )

    def _take(self, key: str, default: Any) -> Any:
        value = self._left.pop(key, default)
        if value is None and default is None:
            raise ConfigError(
                f"{self._owner}: the config has no {key!r}, and the network's shape depends on it; "
                "check that config.json is complete."
            )
        return value


def _is_list(value: Any) -> TypeGuard[list[Any] | tuple[Any, ...]]:
    return isinstance(value, list | tuple)


def _is_integer(value: Any, low: int, most: int = MOST) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= most


def _is_number(value: Any) -> bool:
    """One that float32 can hold."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return abs(value) <= LARGEST  # false for what is not a number, and of any number of digits


def _listed(values: Collection[Any]) -> str:
    return " or ".join(repr(value) for value in values)
