"""The command line, `safelight`: reads what was typed and hands it to the subcommand, each of which
has a file beside this one; without one, the window opens. Imports neither Qt nor torch at the top.

Exit codes: 0 done, 1 the engine or a file refused, 2 the command was not understood, 3 a replayed
image differs, 130 Ctrl+C.
Standard output has results only: one path or one entry a line.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from functools import partial

import engine
from app import installed_version, paths
from app.cli import inspect, models, render, replay, schedulers
from app.cli.output import complain, prepare
from app.cli.parser import Parser
from app.cli.window import open_window
from engine import checkpoint, hub
from engine.errors import EngineError
from engine.hardware.tuning import CACHE
from engine.record.interchange.programs import recipe_of_file

DESCRIPTION = "Make images with diffusion models. Without a command: open the window."
EXAMPLE = 'render "an owl"'


def main(argv: Sequence[str] | None = None, was_stopped: Callable[[], bool] = lambda: False) -> int:
    """Run the command line `argv` (default: the process's own) and return its exit code.
    was_stopped: whether there was a Ctrl+C, which a library may have made another error of."""
    prepare()
    os.environ.setdefault(CACHE, str(paths.cache_folder()))
    # What is wrong with a picture is told in one line of ours, and not by Pillow in its own.
    warnings.filterwarnings("ignore", module="PIL")
    try:
        arguments = _parser().parse_args(argv)
        return arguments.command(arguments)
    except SystemExit as end:  # argparse's way out
        return end.code if isinstance(end.code, int) else 2
    except (Exception, KeyboardInterrupt) as error:
        if isinstance(error, KeyboardInterrupt) or was_stopped():
            complain("stopped")
            return 130
        complain(_sentence(error))
    return 1


def _sentence(error: Exception) -> str:
    if isinstance(error, EngineError):
        return str(error)
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror or error}"
    return f"unexpected {type(error).__name__}: {error}"


def _parser() -> Parser:
    parser = Parser(prog="safelight", description=DESCRIPTION, example=EXAMPLE)
    parser.add_argument("--version", action="version", version=_version())
    parser.set_defaults(command=open_window)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    render.add_command(commands, engine)
    replay.add_command(commands, engine, partial(models.sources_named, checkpoint))
    inspect.add_command(commands, recipe_of_file)
    schedulers.add_command(commands, engine)
    models.add_command(commands, checkpoint, hub)
    return parser


def _version() -> str:
    return f"safelight {installed_version() or '(not installed)'}"
