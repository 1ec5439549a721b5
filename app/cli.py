"""The command line, `safelight`. Without a subcommand it opens the window; `render` makes images
without one; `schedulers` and `models` list what there is. Imports neither Qt nor torch at the top.

Exit codes: 0 done, 1 the engine or a file refused, 2 the command was not understood, 130 Ctrl+C.
Standard output has results only: one path or one entry a line.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import engine
from app import paths

NO_DISPLAY = (
    "There is no screen to open the window on. Set DISPLAY or WAYLAND_DISPLAY, or use "
    "`safelight render`."
)

CLASS_HELP = "what the image shows, for a model with classes, which are numbered from 0"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv` (default: the process's own) and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        arguments = _parser().parse_args(argv)
        return arguments.command(arguments)
    except SystemExit as end:  # argparse's way out
        return end.code if isinstance(end.code, int) else 2
    except KeyboardInterrupt:
        _complain("stopped")
        return 130
    except engine.EngineError as error:
        _complain(str(error))
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        _complain(f"{place}{error.strerror or error}")
    except Exception as error:
        _complain(f"unexpected {type(error).__name__}: {error}")
    return 1


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        _complain(f"{message} (see `{self.prog} --help`)")
        raise SystemExit(2)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="safelight",
        description="Make images with diffusion models. Without a command: open the window.",
        allow_abbrev=False,
    )
    parser.set_defaults(command=_window)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    render = commands.add_parser("render", help="make images", allow_abbrev=False)
    render.set_defaults(command=_render)
    add = render.add_argument
    add("prompt", nargs="?", metavar="PROMPT", help="what the image shows; some models take none")
    add("--negative", metavar="T", help="what the image keeps away from")
    add("--model", metavar="M", default="bundled", help="bundled, or a folder in diffusers layout")
    add("--scheduler", metavar="S", help="a name that `safelight schedulers` lists")
    add("--steps", metavar="N", type=_whole_number, help="denoising steps, 1 to 1000")
    add("--guidance", metavar="G", type=_number, help="guidance scale, 0 to 100; 1 turns it off")
    add("--class", metavar="N", type=_whole_number, dest="class_label", help=CLASS_HELP)
    add("--seed", metavar="N", type=_whole_number, help="where the noise starts from")
    add("--size", metavar="WxH", type=_size, help="width and height in pixels, like 512x512")
    add("--count", metavar="N", type=_whole_number, help="images to make, with seeds one apart")
    add("--device", metavar="D", default="auto", help="auto, cpu, cuda, cuda:1, …")
    add("--dtype", metavar="T", default="auto", help="auto, float32, bfloat16 or float16")
    add("--save-steps", metavar="DIR", type=Path, help="write each step's predicted picture here")
    add("-o", "--output", metavar="FILE", help="a .png file or a folder; default: the folder here")

    commands.add_parser("schedulers", help="list the schedulers").set_defaults(command=_schedulers)
    commands.add_parser("models", help="list the bundled models").set_defaults(command=_models)
    return parser


def _window(arguments: argparse.Namespace) -> int:
    places = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    if sys.platform == "linux" and not any(os.environ.get(place) for place in places):
        _complain(NO_DISPLAY)
        return 1
    from app.main import main as open_window

    return open_window()


def _schedulers(arguments: argparse.Namespace) -> int:
    for name in engine.schedulers.names():
        description = engine.schedulers.describe(name)
        _print(f"{name:<16}  {description.label:<22}  {description.sentence}")
    return 0


def _models(arguments: argparse.Namespace) -> int:
    for model in paths.bundled_models():
        state = "ready" if model.present else f"missing: nothing in {model.folder}"
        _print(f"{model.source:<16}  {model.label:<22}  {state}")
    return 0


def _render(arguments: argparse.Namespace) -> int:
    chosen = _chosen(arguments)
    count = engine.Request(**chosen).count  # a bad value is told before the model is loaded
    if arguments.scheduler:
        engine.schedulers.describe(arguments.scheduler)
    targets = _Targets(arguments.output, count)
    if arguments.save_steps:
        arguments.save_steps.mkdir(parents=True, exist_ok=True)

    pipeline = engine.load(arguments.model, device=arguments.device, dtype=arguments.dtype)
    request = replace(pipeline.default_request, **chosen)
    for event in _with_progress(engine.generate(pipeline, request)):
        if isinstance(event, engine.Encoded) and event.truncated:
            _complain(f"the prompt is too long; this was not read: {event.truncated}")
        elif isinstance(event, engine.Step) and arguments.save_steps:
            pixels = engine.preview(pipeline, event.snapshot.denoised)
            _save_step(pixels, arguments.save_steps / f"step-{event.index + 1:03d}.png")
        elif isinstance(event, engine.Finished):
            _save(event, request.seed, targets)
    return 0


def _chosen(arguments: argparse.Namespace) -> dict[str, Any]:
    """The fields of a request that the command line sets; the others are the pipeline's own."""
    width, height = arguments.size or (None, None)
    fields = {
        "prompt": arguments.prompt,
        "negative_prompt": arguments.negative,
        "scheduler": arguments.scheduler,
        "steps": arguments.steps,
        "guidance_scale": arguments.guidance,
        "seed": arguments.seed,
        "width": width,
        "height": height,
        "count": arguments.count,
        "class_label": arguments.class_label,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _with_progress(events: Iterator[Any]) -> Iterator[Any]:
    """The same events, with a bar on standard error if a person sees it."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield from events
        return
    from tqdm import tqdm

    with tqdm(unit="step", file=sys.stderr) as bar:
        for event in events:
            if isinstance(event, engine.Step):
                bar.total = event.total
                bar.update()
            yield event


class _Targets:
    """Where the images go: `-o x.png` (x-1.png, x-2.png, … for several), which may be overwritten,
    or automatic names in a folder, which never overwrite."""

    def __init__(self, output: str | None, count: int):
        path = Path(output or ".")
        ends_as_folder = bool(output) and output[-1] in (os.sep, "/")
        if path.is_dir() or ends_as_folder:
            self._folder, self._file = path, None
        elif path.suffix.lower() == ".png":
            self._folder, self._file = path.parent, path
        else:
            _complain(f"-o: {output} is neither a folder nor a name that ends with .png")
            raise SystemExit(2)
        self._count = count
        try:  # found out now, not after the work
            tempfile.TemporaryFile(dir=self._folder).close()
        except OSError as error:
            raise engine.SaveError(
                f"Images cannot be written into {self._folder} ({error.strerror}). Choose another "
                "folder with -o."
            ) from None

    def save(self, finished: Any, index: int, seed: int) -> None:
        """Write image `index` and print its path. Raises EngineError or OSError, and then leaves
        nothing behind."""
        if self._file is None:
            target = paths.new_image(self._folder, seed)
        elif self._count == 1:
            target = nullcontext(self._file)
        else:
            target = nullcontext(self._file.with_stem(f"{self._file.stem}-{index + 1}"))
        with target as path:
            engine.save(finished.images[index], path, finished.record, index)
        _print(str(path))


def _save(finished: Any, seed: int, targets: _Targets) -> None:
    """Write the images and print their paths. What cannot be written there is kept in the folder
    for temporary files, and the error says so."""
    problems = []
    for index, image in enumerate(finished.images):
        try:
            targets.save(finished, index, seed + index)
        except (engine.EngineError, OSError) as error:
            with paths.new_image(Path(tempfile.gettempdir()), seed + index) as refuge:
                engine.save(image, refuge, finished.record, index)
            problems.append(f"{error} It is kept as {refuge}.")
    if problems:
        raise engine.EngineError(" ".join(problems))


def _save_step(pixels: Any, path: Path) -> None:
    from PIL import Image

    Image.fromarray(pixels).save(path)


def _print(line: str) -> None:
    """One line of results. A reader that has gone away is no reason to stop."""
    try:
        print(line, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _complain(message: str) -> None:
    print("safelight:", " ".join(message.split()), file=sys.stderr)


def _whole_number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,6})\s*[xX×]\s*(\d{1,6})", text.strip())
    if not match:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a size; write width x height in pixels, like 512x512"
        )
    return int(match[1]), int(match[2])
