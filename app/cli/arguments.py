"""What `safelight render` can be told: its arguments, which of them go together, the fields of a
request that they set, and the file of edits. The flags of a request's settings come of the settings
themselves and of `app.wording`. Called by `app.cli.render`. Imports neither Qt nor torch.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any

from app import wording
from app.cli.targets import output_path
from engine.errors import EngineError
from engine.foreign import read_json
from engine.request.conditions import FIXED
from engine.request.curve import parse as curve_of
from engine.request.economy import ECONOMIES, Economy
from engine.request.forms import YES_OR_NO, read_number, read_pair, read_share, read_whole
from engine.request.request import SETTINGS, Edit

HELP = "make images"
VAE_HELP = "an autoencoder that takes the place of the model's own; default: that one"
VARY_HELP = "share of new noise there, 0 to 1; of several see --count; default: no variation"
EXAMPLE = """render "a red apple, 3d" --steps 20 --guidance 3 --seed 7 -o apple.png
render "an owl" --size 128x128 --count 4 -o owl.png
render "an owl, 3d" --branch-from apple.png --at-step 4 -o owl.png
render "a red apple, 3d" --grid guidance=1..9 --grid seed=0..2 -o apples.png"""
MODEL_HELP = "bundled (default), a folder in diffusers layout, a .safetensors file or a Hub id"
PREDICTION_HELP = "what a .safetensors file predicts that does not tell it; default: a guess, told"
SAVE_STEPS_HELP = (
    "write each step's predicted picture here, decoded in full, which takes its time; of several "
    "runs each has a folder in it; default: none"
)
FILM_HELP = (
    "write a film of the steps: .webp, .gif or .apng, or a new folder for numbered PNGs; of "
    "several runs, FILE-1, FILE-2, …; default: none"
)
SHEET_HELP = (
    "write all steps side by side, with their numbers, into a .png, .jpg or .webp file; default: "
    "none"
)
GRID_HELP = (
    "an image for each value, like guidance=1,4,7, guidance=1..9 or seed=0..3, and a labelled "
    "sheet of all; twice for columns and rows; default: one image"
)
FAST_HELP = f"0 (exact, default) to {len(ECONOMIES) - 1} (fast): how much steps take over"
COMPILED_HELP = (
    "run the network through torch.compile, if a compiler is here: the first step takes minutes, "
    "and pictures differ by rounding"
)
YES_HELP = "with --branch-from: also if that image asks for far more than is usual"
MOST_BYTES = 16 * 2**20
"""Of a file of edits."""
EDITS_FORM = '[{"step": 8, "field": "guidance_scale", "value": 9.5}]'

Add = Callable[..., Any]

TOP = ("prompt", "negative_prompt")
RECIPE = (
    *("scheduler", "scheduler_options", "eta", "steps", "guidance_scale", "clip_skip"),
    *("class_label", "seed"),
)
STEERING = ("guidance_interval", "guidance_rescale")
"""What stands where in the help; any other setting comes behind --fast."""
TOGETHER = ("width", "height", "guidance_curve", "guidance_easing")
"""Settings of which two have one flag."""


def add_render_arguments(render: argparse.ArgumentParser) -> None:
    add = render.add_argument
    _add_settings(add, TOP)
    add("--model", metavar="M", help=MODEL_HELP)
    add("--vae", metavar="FILE", help=VAE_HELP)
    add("--prediction-type", choices=("epsilon", "v_prediction"), help=PREDICTION_HELP)
    _add_settings(add, RECIPE)
    _add_flag(add, "width", dest="size", type=_typed(_read_size))
    _add_settings(add, ("count",))
    add("--fast", metavar="LEVEL", type=_typed(_read_level), help=FAST_HELP)
    placed = (*TOP, *RECIPE, *TOGETHER, *STEERING, "count")
    _add_settings(add, (name for name in SETTINGS if name not in placed))
    add("--device", metavar="D", default="auto", help="auto (default), cpu, cuda, cuda:1, …")
    add("--dtype", metavar="T", default="auto", help="auto (default), float32, bfloat16 or float16")
    add("--compiled", action="store_true", help=COMPILED_HELP)
    add("--save-steps", metavar="DIR", type=Path, help=SAVE_STEPS_HELP)
    add(
        "-o",
        "--output",
        metavar="FILE",
        type=output_path,
        help="a .png, .jpg or .webp file, or a folder; default: the folder here",
    )
    _add_film(render)
    add = render.add_argument_group("steering").add_argument
    _add_flag(add, "guidance_curve")
    _add_settings(add, STEERING)
    _add_flag(add, "edits", type=Path)
    _add_branching(render)
    add = render.add_argument_group("comparing").add_argument
    pair = _typed(read_pair)
    add("--grid", metavar="AXIS=VALUES", dest="axes", action="append", type=pair, help=GRID_HELP)


def _add_settings(add: Add, names: Iterable[str]) -> None:
    """A flag for each of the settings, read as its form says."""
    for name in names:
        form = SETTINGS[name].form
        if form is YES_OR_NO:
            _add_flag(add, name, action="store_true", default=None)
        elif form.in_parts:
            _add_flag(add, name, action="append", type=_typed(form.read))
        else:
            _add_flag(add, name, type=_typed(form.read))


def _add_flag(add: Add, name: str, **options: object) -> None:
    """The flag of that field; what it is told has the field's name, if nothing else is said."""
    words = wording.words(name)
    flag, _, value = words.flag.partition(" ")
    if flag and not flag.startswith("-"):
        add(name, nargs="?", metavar=flag, help=words.help, **options)
        return
    if "action" not in options or options["action"] == "append":
        options["metavar"] = value or "VALUE"
    add(wording.flag(name), help=words.help, **{"dest": name} | options)


def _add_film(render: argparse.ArgumentParser) -> None:
    group = render.add_argument_group(
        "development film", "The steps' predicted pictures, decoded in full, which takes its time."
    )
    add = group.add_argument
    add("--film", metavar="FILE", type=Path, help=FILM_HELP)
    add("--contact-sheet", metavar="FILE", type=Path, help=SHEET_HELP)
    add("--step-numbers", action="store_true", help="each picture of the film tells its step")
    seconds = _typed(read_number)
    add("--film-seconds", metavar="S", type=seconds, help="how long each stands; default: 0.2")


def _add_branching(render: argparse.ArgumentParser) -> None:
    group = render.add_argument_group(
        "branching", "Make an image again up to a step, and go on as the other arguments say."
    )
    add = group.add_argument
    add(
        "--branch-from",
        metavar="IMAGE",
        type=Path,
        help="an image of Safelight's; default: begin anew",
    )
    add("--yes", action="store_true", help=YES_HELP)
    add(
        "--at-step",
        metavar="K",
        type=_typed(read_whole),
        help="the last step that the two share; it has no default",
    )
    add("--vary", metavar="A", type=_typed(read_share), help=VARY_HELP)
    add(
        "--vary-seed",
        metavar="N",
        type=_typed(read_whole),
        help="where the new noise starts from; default: 0",
    )


def chosen(arguments: argparse.Namespace) -> dict[str, Any]:
    """The fields of a request that the command line sets. The scheduler's options and the edits
    come to those that are there already; the other fields take the place of what is there. Raises
    EngineError."""
    told: dict[str, Any] = {n: vars(arguments)[n] for n in SETTINGS if n not in TOGETHER}
    for name, parts in told.items():
        if parts is not None and SETTINGS[name].form.in_parts:
            told[name] = {key: value for part in parts for key, value in part.items()}
    if arguments.size is not None:
        told["width"], told["height"] = arguments.size
    if arguments.guidance_curve is not None:
        told["guidance_curve"], told["guidance_easing"] = curve_of(arguments.guidance_curve)
    if arguments.edits:
        told["edits"] = read_edits(arguments.edits, arguments.at_step or 0)
    if arguments.fast is not None:
        told |= ECONOMIES[arguments.fast].fields
    return {name: value for name, value in told.items() if value is not None}


def contradiction(arguments: argparse.Namespace) -> str | None:
    """What the arguments for `render` cannot mean together, in a sentence; None if all is well."""
    told = {name for name, value in vars(arguments).items() if value is not None}
    if "film" not in told and ("film_seconds" in told or arguments.step_numbers):
        return "--film-seconds and --step-numbers need --film and the file to write."
    for name in (one.name for one in fields(Economy)):
        if "fast" in told and name in told:
            return f"--fast sets {wording.flag(name)} as well: leave one of the two out."
    if "axes" in told:
        return _contradiction_of_grid(arguments, told)
    if "branch_from" in told:
        return _contradiction_of_branch(told)
    for name in ("at_step", "vary", "vary_seed"):
        if name in told:
            return f"{wording.flag(name)} needs --branch-from and the image to leave."
    return None


def _contradiction_of_grid(arguments: argparse.Namespace, told: set[str]) -> str | None:
    if "count" in told:
        return "--grid makes one image a cell: instead of --count take --grid seed=0..3."
    for name in ("branch_from", "at_step", "vary", "vary_seed"):
        if name in told:
            flag = wording.flag(name)
            return f"--grid makes its images from nothing: leave out {flag} or --grid."
    if "scheduler_options" in told and any(name == "scheduler" for name, _ in arguments.axes):
        return "--option is for one scheduler: leave it out of a grid of several."
    return None


def _contradiction_of_branch(told: set[str]) -> str | None:
    if "at_step" not in told:
        return "--branch-from needs --at-step and the step to leave at."
    for name in FIXED:
        own = "size" if name in ("width", "height") else name
        if own in told and own != "count":
            return f"{wording.flag(name)} cannot change at a branch: leave it out."
    if "count" in told and "vary" not in told:
        return "--count needs --vary at a branch, which else has one image."
    if "vary_seed" in told and "vary" not in told:
        return "--vary-seed needs --vary and the share of new noise."
    return None


def read_edits(path: Path, first: int = 0) -> tuple[Edit, ...]:
    """The edits in a file of JSON, none of which may be at a step before `first`. Raises
    EngineError, which names the file and the entry."""
    try:
        entries = read_json(path, MOST_BYTES)
    except OSError as error:
        reason = error.strerror or str(error)
        raise EngineError(f"{path} cannot be read ({reason}). Choose a file of edits.") from None
    except EngineError as error:
        raise EngineError(f"{error} Write edits as {EDITS_FORM}.") from None
    if not isinstance(entries, list):
        raise EngineError(f"{path} holds no list. Write edits as {EDITS_FORM}.")
    return tuple(
        _edit(entry, f"{path}, entry {number}", first) for number, entry in enumerate(entries, 1)
    )


def _edit(entry: object, place: str, first: int) -> Edit:
    if not isinstance(entry, dict) or entry.keys() != {"step", "field", "value"}:
        raise EngineError(
            f"{place}: {json.dumps(entry)[:200]} must have step, field and value and nothing else, "
            f"as in {EDITS_FORM}."
        )
    try:
        edit = Edit(**entry)
    except EngineError as error:
        raise EngineError(f"{place}: {error}") from None
    if edit.step < first:
        raise EngineError(
            f"{place}: step {edit.step} is before the branch. Write {first} or more, or leave it "
            "out."
        )
    return edit


def _typed(read: Callable[[str], Any]) -> Callable[[str], Any]:
    """The same, with its sentence in the form that argparse shows as it stands."""

    def typed(text: str) -> Any:
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return typed


def _read_level(text: str) -> int:
    level = read_whole(text)
    if not 0 <= level < len(ECONOMIES):
        raise ValueError(f"{text!r} is not a level from 0 to {len(ECONOMIES) - 1}")
    return level


def _read_size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,6})\s*[xX×]\s*(\d{1,6})", text.strip())
    if not match:
        side = text.strip()
        like = f"{side}x{side}" if re.fullmatch(r"[1-9]\d{0,5}", side) else "512x512"
        raise ValueError(f"{text!r} is not a size; write width x height in pixels, like {like}")
    return int(match[1]), int(match[2])
