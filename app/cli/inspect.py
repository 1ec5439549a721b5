"""`safelight inspect`: says how an image was made, by whichever program, and what of that could be
used here. Called by `app.cli.program`. Imports neither Qt nor torch.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, is_dataclass
from functools import partial
from typing import TYPE_CHECKING

from app import wording
from app.cli.output import complain, show
from engine.errors import EngineError
from engine.request.request import SETTINGS

if TYPE_CHECKING:
    from app.cli.parser import Commands
    from engine.record.interchange.recipe import Recipe

HELP = "say how an image was made, by this or another program"
JSON_HELP = "all of it as JSON, for scripts; default: for people"
EXAMPLE = "inspect picture-of-another-program.png"
WIDTH = 17


def add_command(commands: Commands, recipe_of_file: Callable[[str], Recipe]) -> None:
    """Add `safelight inspect`. commands: what add_subparsers gave; recipe_of_file: that of
    `engine.record.interchange.programs`."""
    inspect = commands.add_parser("inspect", help=HELP, description=HELP, example=EXAMPLE)
    inspect.set_defaults(command=partial(_inspect, recipe_of_file))
    inspect.add_argument("file", metavar="FILE", help="an image file, or a text of its settings")
    inspect.add_argument("--json", action="store_true", help=JSON_HELP)


def _inspect(recipe_of_file: Callable[[str], Recipe], arguments: argparse.Namespace) -> int:
    """What the file tells on standard output; 1, and why on standard error, if it tells nothing."""
    try:
        recipe = recipe_of_file(arguments.file)
    except EngineError as error:
        complain(str(error))
        return 1
    text = _as_json(recipe) if arguments.json else "\n".join(_lines(recipe))
    show(*text.split("\n"))
    return 0


def _lines(recipe: Recipe) -> list[str]:
    """A line for each thing that was found, and one for each that could not be used."""
    told = {"program": recipe.program, "model": recipe.model, "model hash": recipe.model_hash}
    told |= dict(recipe.fields)
    width, height = told.pop("width", None), told.pop("height", None)
    if width and height:
        told["size"] = f"{width}x{height}"
    lines = []
    for name, value in told.items():
        setting = SETTINGS.get(name)
        if value in (None, "", (), {}) or (setting and value == setting.usual):
            continue
        lines.append(f"{wording.plain(name):<{WIDTH}} {_indented(_words(value))}")
    if recipe.left_out:
        lines += ["", "Not used:", *(f"  {_indented(sentence)}" for sentence in recipe.left_out)]
    return lines


def _words(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={inner}" for name, inner in value.items())
    return json.dumps(_plain(value)) if isinstance(value, tuple) else str(value)


def _indented(text: str) -> str:
    """What has several lines, such as a prompt, stays under its beginning."""
    return f"\n{' ' * WIDTH} ".join(text.split("\n"))


def _as_json(recipe: Recipe) -> str:
    told = {
        "program": recipe.program,
        "model": recipe.model,
        "model_hash": recipe.model_hash,
        "fields": _plain(recipe.fields),
        "left_out": list(recipe.left_out),
        "text": recipe.text,
    }
    return json.dumps(told, indent=2)  # in ASCII, so that there is nothing for a terminal to obey


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
