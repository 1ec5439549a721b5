"""`safelight schedulers`: lists the schedulers. Called by `app.cli.program`. Imports neither Qt nor
torch.
"""

from __future__ import annotations

import argparse
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING

from app.cli.output import show

if TYPE_CHECKING:
    from app.cli.parser import Commands

HELP = "list the schedulers"


def add_command(commands: Commands, engine: ModuleType) -> None:
    """Add `safelight schedulers`. commands: what add_subparsers gave; engine: the engine's door."""
    parser = commands.add_parser("schedulers", help=HELP, description=HELP, example="schedulers")
    parser.set_defaults(command=partial(_list, engine))


def _list(engine: ModuleType, arguments: argparse.Namespace) -> int:
    for name in engine.schedulers.names():
        description = engine.schedulers.describe(name)
        show(f"{name:<16}  {description.label:<22}  {description.sentence}")
    return 0
