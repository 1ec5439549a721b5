"""What `safelight render` can be told: its arguments, which of them go together, and the file of
edits. Called by `app.cli.program`. Imports neither Qt nor torch.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any

from app.cli.targets import output_path
from engine.errors import EngineError
from engine.foreign import read_json
from engine.request.economy import ECONOMIES
from engine.request.request import Edit

HELP = "make images"
PROMPT_HELP = (
    "what the image shows; it is asked for where none stands here, of models that take one"
)
VAE_HELP = "an autoencoder that takes the place of the model's own; default: that one"
SCHEDULER_HELP = "a name that `safelight schedulers` lists; default: the model's own"
GUIDANCE_HELP = "guidance scale, 0 to 100; 1 turns it off; default: the model's own"
SEED_HELP = "where the noise starts from; -1, the default, draws one, which is told"
SIZE_HELP = "width and height in pixels, like 512x512; default: the model's own"
RESCALE_HELP = "against glaring contrast, 0 to 1; default: the model's own"
VARY_HELP = "share of new noise there, 0 to 1; of several see --count; default: no variation"
EXAMPLE = """render "a red apple, 3d" --steps 20 --guidance 3 --seed 7 -o apple.png
render "an owl" --size 128x128 --count 4 -o owl.png
render "an owl, 3d" --branch-from apple.png --at-step 4 -o owl.png
render "a red apple, 3d" --grid guidance=1..9 --grid seed=0..2 -o apples.png"""
CLIP_SKIP_HELP = "the text encoder's layer that is read: 1 the last (default), 2 the last but one"
CLASS_HELP = (
    "what the image shows, for a model with classes, which are numbered from 0; default: the "
    "model's own"
)
OPTION_HELP = (
    "an option of the scheduler, like use_karras_sigmas=true; for several, again; default: as the "
    "model's folder says"
)
MODEL_HELP = "bundled (default), a folder in diffusers layout, a .safetensors file or a Hub id"
PREDICTION_HELP = "what a .safetensors file predicts that does not tell it; default: a guess, told"
CURVE_HELP = (
    "guidance over the run, fraction:scale, like 0:3,0.5:9,1:5 or 'cosine 0:3,1:9'; default: the "
    "same all the time"
)
EDITS_HELP = "a JSON list of changes during the run, as an image's record has them; default: none"
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
FEATURE_REUSE_HELP = "run the deep layers of the network in every N-th step only, 1 (default) to 10"
GUIDANCE_REUSE_HELP = (
    "leave the unconditional half out where guidance turned by no more than this share, 0 "
    "(nowhere, default) to 1"
)
INT8_HELP = "multiply in 8-bit numbers, twice as fast on processors that can, almost the same image"
WORDS = {"true": "true", "false": "false", "null": "null", "none": "null"}
"""Values without digits that are no text, in any case, and how JSON has them."""
YES_HELP = "with --branch-from: also if that image asks for far more than is usual"
MOST_BYTES = 16 * 2**20
"""Of a file of edits."""
EDITS_FORM = '[{"step": 8, "field": "guidance_scale", "value": 9.5}]'


def add_render_arguments(render: argparse.ArgumentParser) -> None:
    add = render.add_argument
    add("prompt", nargs="?", metavar="PROMPT", help=PROMPT_HELP)
    add("--negative", metavar="T", help="what the image keeps away from; default: nothing")
    add("--model", metavar="M", help=MODEL_HELP)
    add("--vae", metavar="FILE", help=VAE_HELP)
    add("--prediction-type", choices=("epsilon", "v_prediction"), help=PREDICTION_HELP)
    add("--scheduler", metavar="S", help=SCHEDULER_HELP)
    add(
        "--option",
        metavar="KEY=VALUE",
        dest="options",
        action="append",
        type=_option,
        help=OPTION_HELP,
    )
    add(
        "--eta",
        metavar="E",
        type=_number,
        help="share of fresh noise in ddim and tcd, 0 (default) to 1",
    )
    add(
        "--steps",
        metavar="N",
        type=_whole_number,
        help="denoising steps, 1 to 1000; default: the model's own",
    )
    add("--guidance", metavar="G", type=_number, help=GUIDANCE_HELP)
    add("--clip-skip", metavar="N", type=_whole_number, help=CLIP_SKIP_HELP)
    add("--class", metavar="N", type=_whole_number, dest="class_label", help=CLASS_HELP)
    add("--seed", metavar="N", type=_whole_number, help=SEED_HELP)
    add("--size", metavar="WxH", type=_size, help=SIZE_HELP)
    add(
        "--count",
        metavar="N",
        type=_whole_number,
        help="images to make, with seeds one apart; default: 1",
    )
    add("--fast", metavar="LEVEL", type=_level, help=FAST_HELP)
    add("--feature-reuse", metavar="N", type=_whole_number, help=FEATURE_REUSE_HELP)
    add("--guidance-reuse", metavar="S", type=_share, help=GUIDANCE_REUSE_HELP)
    add("--int8", action="store_true", default=None, help=INT8_HELP)
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

    group = render.add_argument_group(
        "development film", "The steps' predicted pictures, decoded in full, which takes its time."
    )
    add = group.add_argument
    add("--film", metavar="FILE", type=Path, help=FILM_HELP)
    add("--contact-sheet", metavar="FILE", type=Path, help=SHEET_HELP)
    add("--step-numbers", action="store_true", help="each picture of the film tells its step")
    add("--film-seconds", metavar="S", type=_number, help="how long each stands; default: 0.2")

    add = render.add_argument_group("steering").add_argument
    add("--guidance-curve", metavar="POINTS", help=CURVE_HELP)
    add(
        "--guidance-interval",
        metavar="A:B",
        type=_interval,
        help="guide only there, like 0.2:0.8; default: 0:1",
    )
    add("--guidance-rescale", metavar="R", type=_number, help=RESCALE_HELP)
    add("--edits", metavar="FILE", type=Path, help=EDITS_HELP)

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
        type=_whole_number,
        help="the last step that the two share; it has no default",
    )
    add("--vary", metavar="A", type=_share, help=VARY_HELP)
    add(
        "--vary-seed",
        metavar="N",
        type=_whole_number,
        help="where the new noise starts from; default: 0",
    )

    add = render.add_argument_group("comparing").add_argument
    add("--grid", metavar="AXIS=VALUES", dest="axes", action="append", type=_pair, help=GRID_HELP)


def contradiction(arguments: argparse.Namespace) -> str | None:
    """What the arguments for `render` cannot mean together, in a sentence; None if all is well."""
    told = {name for name, value in vars(arguments).items() if value is not None}
    if "film" not in told and ("film_seconds" in told or arguments.step_numbers):
        return "--film-seconds and --step-numbers need --film and the file to write."
    for name in ("feature_reuse", "guidance_reuse", "int8"):
        if "fast" in told and name in told:
            return f"--fast sets {_written(name)} as well: leave one of the two out."
    if "axes" in told:
        return _contradiction_of_grid(arguments, told)
    if "branch_from" in told:
        return _contradiction_of_branch(told)
    for name in ("at_step", "vary", "vary_seed"):
        if name in told:
            return f"{_written(name)} needs --branch-from and the image to leave."
    return None


def _contradiction_of_grid(arguments: argparse.Namespace, told: set[str]) -> str | None:
    if "count" in told:
        return "--grid makes one image a cell: instead of --count take --grid seed=0..3."
    for name in ("branch_from", "at_step", "vary", "vary_seed"):
        if name in told:
            return f"--grid makes its images from nothing: leave out {_written(name)} or --grid."
    if "options" in told and any(name == "scheduler" for name, _ in arguments.axes):
        return "--option is for one scheduler: leave it out of a grid of several."
    return None


def _contradiction_of_branch(told: set[str]) -> str | None:
    if "at_step" not in told:
        return "--branch-from needs --at-step and the step to leave at."
    for name in ("seed", "size", "steps", "scheduler", "class_label"):
        if name in told:
            return f"{_written(name)} cannot change at a branch: leave it out."
    if "count" in told and "vary" not in told:
        return "--count needs --vary at a branch, which else has one image."
    if "vary_seed" in told and "vary" not in told:
        return "--vary-seed needs --vary and the share of new noise."
    return None


def _written(name: str) -> str:
    return "--class" if name == "class_label" else f"--{name.replace('_', '-')}"


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


def _edit(entry: Any, place: str, first: int) -> Edit:
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


def _whole_number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None


def _number(text: str) -> float:
    """Either decimal sign will do, as in the window."""
    try:
        return float(text if "." in text else text.replace(",", ".", 1))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a number; write it like 7 or 7.5"
        ) from None


def _level(text: str) -> int:
    level = _whole_number(text)
    if not 0 <= level < len(ECONOMIES):
        raise argparse.ArgumentTypeError(f"{text!r} is not a level from 0 to {len(ECONOMIES) - 1}")
    return level


def _share(text: str) -> float:
    share = _number(text)
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 1")
    return share


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,6})\s*[xX×]\s*(\d{1,6})", text.strip())
    if not match:
        side = text.strip()
        like = f"{side}x{side}" if re.fullmatch(r"[1-9]\d{0,5}", side) else "512x512"
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a size; write width x height in pixels, like {like}"
        )
    return int(match[1]), int(match[2])


def _interval(text: str) -> tuple[float, float]:
    try:
        start, end = (_number(part) for part in text.split(":"))
    except (ValueError, argparse.ArgumentTypeError):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a part of the run; write two fractions of it, like 0.2:0.8"
        ) from None
    return start, end


def _pair(text: str) -> tuple[str, str]:
    name, mark, value = text.partition("=")
    if not mark:
        raise argparse.ArgumentTypeError(f"{text!r} has no =; write the name, = and the value")
    return name.strip(), value


def _option(text: str) -> tuple[str, Any]:
    """A value that is JSON is what JSON says it is, true, false and null also as Python and others
    write them; all else is text."""
    name, value = _pair(text)
    word = value.strip().lower()
    try:
        return name, json.loads(WORDS.get(word, value))
    except (ValueError, RecursionError):
        return name, value
