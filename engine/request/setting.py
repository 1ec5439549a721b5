"""Setting: all that the program knows of one field of a request, told where the field stands. The
command line, records, grids, branches, steering and the window derive from it what they list.
Called by `engine.request.request`. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import MISSING, dataclass, field, fields
from enum import IntEnum
from typing import Any

from engine.families.family import Ability
from engine.request.forms import TEXT, Form

_KEY = "setting"


class Moment(IntEnum):
    """When a setting may change at the latest."""

    START = 0
    """Never in a run: a branch shares it with the run that it leaves."""
    BRANCH = 1
    """At the step where a branch leaves its run."""
    LIVE = 2
    """Before every evaluation of a run under way, by `engine.Control`."""


@dataclass(frozen=True)
class Setting:
    """name: of the field. form: which values it takes and how they are written. needs: the ability
    of a model without which it means nothing. usual: the value that goes without saying; None if
    each is told. axis: what it is called as an axis of a grid, "" if it is none; example: values of
    it there, as one writes them."""

    name: str
    default: Any
    form: Form
    moment: Moment
    needs: Ability | None
    usual: Any
    axis: str
    example: str

    def suits(self, abilities: Container[Ability]) -> bool:
        """Whether it means something to a model of these abilities."""
        return self.needs is None or self.needs in abilities


def setting(
    default: Any,
    form: Form,
    moment: Moment,
    *,
    needs: Ability | None = None,
    usual: Any = MISSING,
    axis: tuple[str, str] = ("", ""),
) -> Any:
    """A field of a request, with what `Setting` says of it. usual: the default, if nothing is said;
    axis: its name and example."""
    known = {
        "default": default,
        "form": form,
        "moment": moment,
        "needs": needs,
        "usual": default if usual is MISSING else usual,
        "axis": axis[0],
        "example": axis[1],
    }
    if isinstance(default, dict):
        return field(default_factory=lambda: dict(default), metadata={_KEY: known})
    return field(default=default, metadata={_KEY: known})


def settings_of(kind: type[Any]) -> dict[str, Setting]:
    """The settings of a dataclass by name, in its order."""
    told = ((one.name, one.metadata.get(_KEY)) for one in fields(kind))
    return {name: Setting(name=name, **known) for name, known in told if known}


def as_told(settings: Iterable[Setting]) -> list[Setting]:
    """The settings in the order in which sentences name them: numbers and choices before texts, and
    in both what can change late before what is fixed from the start."""
    return sorted(settings, key=lambda one: (one.form is TEXT, -one.moment))
