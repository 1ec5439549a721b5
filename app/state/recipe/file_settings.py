"""What the settings in a file come to here: which of them can be taken, and a sentence for each
that cannot. Asked by `Session.apply`; pure.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from app.i18n import tr
from app.state.recipe import economies
from app.state.recipe.draft import EXTRAS, WORDS
from engine.request.request import Request

LONGEST_PROMPT = 20_000
"""Letters of a prompt that is taken from a file: no text encoder reads a hundredth of it, and the
field stays quick."""


def usable(
    fields: Mapping[str, Any],
    schedulers: Collection[str],
    accepts_size: Callable[[int, int], bool],
) -> tuple[dict[str, Any], list[str]]:
    """The fields that can be taken, and a sentence for each that cannot. What acts besides the
    controls, and how much the steps take over, is always among the fields: it is as usual where the
    file does not tell it.

    fields: of a request, with values that it accepts; None for one that the file does not tell.
    schedulers: the names that there are. accepts_size: whether the model makes that width and
    height.
    """
    given = {name: value for name, value in fields.items() if value is not None}
    left = [
        *_shorten_prompts(given),
        *_check_scheduler(given, schedulers),
        *_check_size(given, accepts_size),
        *_drop_edits(given),
        *_check_economy(given),
    ]
    given.pop("count", None)  # each file is one image
    default = Request()
    return {name: getattr(default, name) for name in EXTRAS} | given, left


def _shorten_prompts(given: dict[str, Any]) -> list[str]:
    left = []
    for name in WORDS:
        if len(given.get(name, "")) > LONGEST_PROMPT:
            left.append(
                tr(
                    "Of a prompt of {count} letters only the first {kept} are taken.",
                    count=len(given[name]),
                    kept=LONGEST_PROMPT,
                )
            )
            given[name] = given[name][:LONGEST_PROMPT]
    return left


def _check_scheduler(given: dict[str, Any], schedulers: Collection[str]) -> list[str]:
    name = given.get("scheduler")
    if name is None or name in schedulers:
        return []
    for field in ("scheduler", "scheduler_options", "eta"):
        given.pop(field, None)
    return [tr("The scheduler {name} does not suit the models here.", name=name)]


def _check_size(given: dict[str, Any], accepts_size: Callable[[int, int], bool]) -> list[str]:
    width, height = given.pop("width", None), given.pop("height", None)
    if not (width and height):
        return []
    if not accepts_size(width, height):
        size = f"{width} × {height}"
        return [tr("The model that is loaded does not make {size}.", size=size)]
    given["width"], given["height"] = width, height
    return []


def _drop_edits(given: dict[str, Any]) -> list[str]:
    edits = given.pop("edits", ())
    if not edits:
        return []
    return [tr("What was changed during the run is not taken ({count}).", count=len(edits))]


def _check_economy(given: dict[str, Any]) -> list[str]:
    exact = economies.fields(economies.EXACT)
    told = {name: given.get(name, value) for name, value in exact.items()}
    taken = economies.fields(economies.level(told))
    given.update(taken)
    if taken == told:
        return []
    return [tr("How much the steps take over is not one of the levels here.")]
