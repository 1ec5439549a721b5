"""The command line, `safelight`. Without a subcommand it opens the window; `render` makes images
without one; `replay` makes one again; `inspect` says how one was made; `schedulers` and `models`
list what there is. Imports neither Qt nor torch at the top.

Exit codes: 0 done, 1 the engine or a file refused, 2 the command was not understood, 3 a replayed
image differs, 130 Ctrl+C.
Standard output has results only: one path or one entry a line.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import engine
from app import installed_version, paths
from app.cli.arguments import EXAMPLE as RENDER_EXAMPLE
from app.cli.arguments import HELP as RENDER_HELP
from app.cli.arguments import add_render_arguments, contradiction
from app.cli.arguments import chosen as fields_chosen
from app.cli.complaints import Complaints
from app.cli.films import Films
from app.cli.inspect import add_command as add_inspect
from app.cli.models import LIST_EXAMPLE as MODELS_EXAMPLE
from app.cli.models import LIST_HELP as MODELS_HELP
from app.cli.models import add_commands as add_model_commands
from app.cli.models import add_library, sources_named
from app.cli.output import complain, prepare, show
from app.cli.parser import Parser
from app.cli.replay import add_command as add_replay
from app.cli.targets import Targets, clash
from app.cli.unsaid import NO_PROMPT, asked_prompt, drawn_seed, is_prompt_missing
from app.cli.window import open_window
from engine import checkpoint, hub
from engine.families.family import Ability
from engine.hardware.tuning import CACHE
from engine.record.interchange.programs import recipe_of_file
from engine.request.conditions import conditions
from engine.run.branch import left, turned, vary
from engine.weights.source import locate

DESCRIPTION = "Make images with diffusion models. Without a command: open the window."
EXAMPLE = 'render "an owl"'
LIST_HELP = "list the schedulers"


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
    if isinstance(error, engine.EngineError):
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

    render = commands.add_parser(
        "render", help=RENDER_HELP, description=RENDER_HELP, example=RENDER_EXAMPLE
    )
    render.set_defaults(command=_render)
    add_render_arguments(render)

    add_replay(commands, engine, partial(sources_named, checkpoint))
    add_inspect(commands, recipe_of_file)
    schedulers = commands.add_parser(
        "schedulers", help=LIST_HELP, description=LIST_HELP, example="schedulers"
    )
    schedulers.set_defaults(command=_schedulers)
    models = commands.add_parser(
        "models", help=MODELS_HELP, description=MODELS_HELP, example=MODELS_EXAMPLE
    )
    of_models = models.add_subparsers(title="commands", metavar="COMMAND")
    add_model_commands(of_models, hub)
    add_library(models, of_models, checkpoint, hub.byte_text)
    return parser


def _version() -> str:
    return f"safelight {installed_version() or '(not installed)'}"


def _schedulers(arguments: argparse.Namespace) -> int:
    for name in engine.schedulers.names():
        description = engine.schedulers.describe(name)
        show(f"{name:<16}  {description.label:<22}  {description.sentence}")
    return 0


def _render(arguments: argparse.Namespace) -> int:
    if problem := contradiction(arguments):
        complain(problem)
        return 2
    drawn = drawn_seed(arguments)
    chosen = fields_chosen(arguments) | ({} if drawn is None else {"seed": drawn})
    origin = engine.read(arguments.branch_from) if arguments.branch_from else None
    if origin and not arguments.yes:
        engine.ask_first(arguments.branch_from, origin.request)
    grid = _grid(arguments)
    if origin:
        requests = _branches(arguments, chosen, origin)
    else:  # on any model's values first: a bad one of ours is told before this model is loaded
        requests = _from_nothing(engine.Request(), chosen, grid)
        for scheduler in filter(None, (request.scheduler for request in requests)):
            engine.schedulers.describe(scheduler)
    count = sum(request.count for request in requests)
    if problem := clash(arguments, count, len(requests)):
        complain(problem)
        return 2
    if is_prompt_missing(arguments) and _reads_prompt(arguments.model or "bundled"):
        chosen["prompt"] = asked_prompt()
        if not chosen["prompt"]:
            complain(NO_PROMPT)
            return 2
    targets = Targets(arguments.output, count, engine.save)
    films = Films(arguments, len(requests), engine)

    pipeline = _load(arguments, origin)
    if not origin:
        requests = _from_nothing(pipeline.default_request, chosen, grid)
    complaints = Complaints()
    done: list[Path] = []
    try:
        pictures = _develop(arguments, pipeline, requests, origin, grid, targets, films, complaints)
        came = any(picture is not None for picture in pictures)
        if grid and came and (sheet := targets.save_sheet(engine.sheet(grid, pictures))):
            done.append(sheet)
    finally:
        if drawn is not None and targets.saved:
            complain(f"the seed is {drawn}")
        show(*map(str, (*targets.saved, *films.saved, *done)))
    return 1 if complaints.failed else 0


def _reads_prompt(source: str) -> bool:
    """Whether the model reads one, by a look at its files: nobody is asked once it is loaded."""
    try:
        return Ability.PROMPT in checkpoint.inspect(locate(source)).abilities
    except engine.EngineError:
        return False  # loading it says why it cannot be had


def _develop(
    arguments: argparse.Namespace,
    pipeline: Any,
    requests: Sequence[Any],
    origin: Any,
    grid: Any,
    targets: Targets,
    films: Films,
    complaints: Complaints,
) -> list[Any]:
    """Run the requests and save what comes: the first image of each, None where there is none."""
    pictures: list[Any] = [None] * len(requests)
    for run, event in _with_progress(_events(pipeline, requests), requests):
        if isinstance(event, engine.Encoded):
            complaints.note_cut_words(event)
        elif isinstance(event, engine.Step):
            if event.index == 0:
                complaints.note_late_edits(requests[run], event.total)
            if films.wanted:
                pixels = engine.preview(pipeline, event.snapshot.denoised, kind="vae")
                films.add(run, event.index, pixels)
        elif isinstance(event, engine.Finished):
            pictures[run] = event.images[0]
            if origin:
                event = _with_path(event, requests[run], origin, arguments.at_step)
            try:
                targets.save(event, run)
                for note in targets.notes:
                    complaints.note(note)
                films.finish(run)
            except engine.EngineError as error:
                complaints.fail(str(error))
        elif isinstance(event, engine.EngineError):
            complaints.fail(f"{_name_of_run(run, grid)}: {event}")
    return pictures


def _grid(arguments: argparse.Namespace) -> Any:
    if not arguments.axes:
        return None
    return engine.Grid(tuple(engine.Axis.parse(name, text) for name, text in arguments.axes))


def _from_nothing(own: Any, chosen: dict[str, Any], grid: Any) -> tuple[Any, ...]:
    """What is asked for, on the model's own request: one run, or one for each cell of a grid."""
    options = {**own.scheduler_options, **chosen.get("scheduler_options", {})}
    request = replace(own, **chosen | {"scheduler_options": options})
    return grid.requests(request) if grid else (request,)


def _branches(
    arguments: argparse.Namespace, chosen: dict[str, Any], origin: Any
) -> tuple[Any, ...]:
    """Requests that go as the image's record says up to the step, and from there as the command
    line does: one, or one for each variation. They are made from nothing, as every image is."""
    step, request = arguments.at_step, origin.request
    ended_early = any(edit.field == "finish" for edit in request.edits)
    last = origin.executed_steps if ended_early else origin.executed_steps - 1
    if not 1 <= step <= last:
        raise engine.EngineError(
            f"--at-step {step}: {arguments.branch_from} was made in {origin.executed_steps} steps, "
            + (f"so take 1 to {last}." if last else "too few to leave it on the way.")
        )
    if "scheduler_options" in chosen:
        before = conditions(request, step - 1, origin.executed_steps).request.scheduler_options
        chosen = chosen | {"scheduler_options": {**before, **chosen["scheduler_options"]}}
    branch = turned(request, step, chosen, chosen.get("edits", ()))
    if arguments.vary is None:
        return (branch,)
    count = engine.Request(count=1 if arguments.count is None else arguments.count).count
    first = arguments.vary_seed or 0
    return tuple(
        replace(branch, edits=(*branch.edits, vary(step, arguments.vary, seed)))
        for seed in range(first, first + count)
    )


def _load(arguments: argparse.Namespace, origin: Any) -> Any:
    """The model that is asked for; for a branch of an image it must be the one that made it."""
    source, dtype = arguments.model or "bundled", arguments.dtype
    if origin and dtype == "auto":
        from engine.hardware.device import pick_device

        if pick_device(arguments.device).type == origin.device.split(":")[0]:
            dtype = origin.dtype  # only so are the steps before the branch the image's own
    asked = {"vae": arguments.vae, "prediction_type": arguments.prediction_type}
    own = {name: value for name, value in asked.items() if value is not None}
    if arguments.compiled:
        own["compiled"] = True
    pipeline = engine.load(source, device=arguments.device, dtype=dtype, **own)
    if pipeline.guessed_prediction:
        complain(
            f"{source} does not tell what it predicts, so v_prediction is assumed; if the picture "
            "is noise, say --prediction-type epsilon"
        )
    if origin and pipeline.checkpoint_sha256() != origin.sha256:
        raise engine.EngineError(
            f"{arguments.branch_from} was made with the model {origin.checkpoint} "
            f"({origin.sha256[:10]}), which {source} is not; say with --model where that model is."
        )
    return pipeline


def _events(pipeline: Any, requests: Sequence[Any]) -> Iterator[tuple[int, Any]]:
    """(number of the request, event) of all runs."""
    if len(requests) > 1:
        return engine.compare(pipeline, requests)
    return ((0, event) for event in engine.generate(pipeline, requests[0]))


def _with_progress(
    events: Iterator[tuple[int, Any]], requests: Sequence[Any]
) -> Iterator[tuple[int, Any]]:
    """The same events, with a bar on standard error if a person sees it."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield from events
        return
    from tqdm import tqdm

    totals = [request.steps for request in requests]  # until the runs tell their own
    done = [0] * len(requests)
    with tqdm(total=sum(totals), unit="step", file=sys.stderr) as bar:
        for run, event in events:
            if isinstance(event, engine.Step):
                done[run], totals[run] = event.index + 1, event.total
            elif isinstance(event, engine.Finished | engine.EngineError):
                totals[run] = done[run]
            bar.total = sum(totals)
            bar.update(sum(done) - bar.n)
            if not isinstance(event, engine.Step):
                bar.clear()  # there may be something to say about it, on a line of its own
            yield run, event


def _with_path(finished: Any, request: Any, origin: Any, step: int) -> Any:
    """The branch's result with a record that says at which steps the way to it left another run's,
    the image's own way first."""
    branches = origin.branches
    if request != origin.request:
        branches = left(branches, step)
    return replace(finished, record=replace(finished.record, branches=branches))


def _name_of_run(run: int, grid: Any) -> str:
    return grid.title(run) if grid else f"variation {run + 1}"
