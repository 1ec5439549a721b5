"""`safelight replay`: makes the image in a file again from its record, and says whether it came out
the same. Called by `app.cli.program`. Imports neither Qt nor torch.

Exit codes: 0 identical, 3 it differs, 1 it cannot be made again.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from app.cli.output import complain, show
from app.cli.progress import bar
from app.cli.targets import Targets, output_path
from app.harmless import harmless
from engine.errors import EngineError

if TYPE_CHECKING:
    from app.cli.parser import Commands

DIFFERS = 3

HELP = "make an image again from its record, and say whether it comes out the same"
EXAMPLE = "replay apple.png"
MODEL_HELP = "the model that made it; default: it is looked for by the name in the record"
VAE_HELP = "the autoencoder that took the place of the model's own; default: the model's own"
DEVICE_HELP = "auto (the default: as the image was made, where that can be had), cpu, cuda, …"
DTYPE_HELP = "auto (the default: as the image was made); another makes another image"
YES_HELP = "make it even if its record asks for far more work or memory than is usual"
OUTPUT_HELP = "save what comes out: a .png, .jpg or .webp file, or a folder; default: nowhere"


def add_command(
    commands: Commands, engine: ModuleType, places: Callable[[str], Iterable[str]]
) -> None:
    """Add `replay`. commands: what add_subparsers gave; places: sources of the library's models of
    a name."""
    parser = commands.add_parser("replay", help=HELP, description=HELP, example=EXAMPLE)

    def command(arguments: argparse.Namespace) -> int:
        return _replay(engine, places, arguments)

    parser.set_defaults(command=command)
    add = parser.add_argument
    add("file", metavar="FILE", type=Path, help="an image that Safelight has made")
    add("--model", metavar="M", help=MODEL_HELP)
    add("--vae", metavar="FILE", help=VAE_HELP)
    add("--device", metavar="D", default="auto", help=DEVICE_HELP)
    add("--dtype", metavar="T", default="auto", help=DTYPE_HELP)
    add("--yes", action="store_true", help=YES_HELP)
    add("-o", "--output", metavar="OUT", type=output_path, help=OUTPUT_HELP)


def _replay(
    engine: ModuleType,
    places: Callable[[str], Iterable[str]],
    arguments: argparse.Namespace,
) -> int:
    out = arguments.output
    if out and Path(out).exists() and arguments.file.exists() and arguments.file.samefile(out):
        raise EngineError(f"{out} is the image itself: give -o another name.")
    targets = Targets(out, 1, engine.save) if out else None
    with _progress() as tell:
        made = engine.replay(
            arguments.file,
            tell,
            source=arguments.model,
            places=places,
            device=arguments.device,
            dtype=arguments.dtype,
            vae=arguments.vae,
            agreed=arguments.yes,
        )
    if targets:
        targets.save((made.image,), made.made, 0)
    if made.identical:
        show("identical")
    else:
        for note in made.notes:
            complain(note)
        show(
            f"largest difference {made.largest_difference} of 255, "
            f"mean difference {_figure(made.mean_difference)}"
        )
    for path in targets.saved if targets else ():
        show(str(path))
    return 0 if made.identical else DIFFERS


def _figure(value: float) -> str:
    """Never 0 for what is not."""
    return f"{value:.4f}" if value >= 0.0001 else f"{value:.2e}"


@contextmanager
def _progress() -> Iterator[Callable[[float, str], None]]:
    """A bar on standard error if a person sees it."""
    shown = bar(total=100, leave=False, bar_format="{desc} {bar} {percentage:3.0f}%")
    if shown is None:
        yield lambda fraction, what: None
        return
    with shown:

        def tell(fraction: float, what: str) -> None:
            shown.set_description_str(harmless(what), refresh=False)
            shown.update(round(100 * fraction) - shown.n)

        yield tell
