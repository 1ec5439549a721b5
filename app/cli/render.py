"""`safelight render`: makes images without a window. Called by `app.cli.program`. Imports neither
Qt nor torch.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from app.cli.arguments import EXAMPLE, HELP, add_render_arguments, chosen, contradiction
from app.cli.development import Development
from app.cli.films import Films
from app.cli.output import complain, show
from app.cli.targets import Targets, clash
from app.cli.unsaid import NO_PROMPT, asked_prompt, drawn_seed, is_prompt_missing
from engine import checkpoint
from engine.errors import EngineError
from engine.families.family import Ability
from engine.request.conditions import conditions
from engine.request.grid import Axis, Grid
from engine.request.request import Request
from engine.run.branch import turned, vary
from engine.weights.source import locate

if TYPE_CHECKING:
    from app.cli.parser import Commands
    from engine.pipelines.pipeline import Pipeline
    from engine.record.record import Record


def add_command(commands: Commands, engine: ModuleType) -> None:
    """Add `safelight render`. commands: what add_subparsers gave; engine: the engine's door."""
    render = commands.add_parser("render", help=HELP, description=HELP, example=EXAMPLE)
    render.set_defaults(command=partial(_render, engine))
    add_render_arguments(render)


def _render(engine: ModuleType, arguments: argparse.Namespace) -> int:
    if problem := contradiction(arguments):
        complain(problem)
        return 2
    drawn = drawn_seed(arguments)
    fields = chosen(arguments) | ({} if drawn is None else {"seed": drawn})
    origin: Record | None = engine.read(arguments.branch_from) if arguments.branch_from else None
    if origin and not arguments.yes:
        engine.ask_first(arguments.branch_from, origin.request)
    grid = _grid(arguments)
    if origin:
        requests = _branches(arguments, fields, origin)
    else:  # on any model's values first: a bad one of ours is told before this model is loaded
        requests = _from_nothing(Request(), fields, grid)
        for scheduler in filter(None, (request.scheduler for request in requests)):
            engine.schedulers.describe(scheduler)
    count = sum(request.count for request in requests)
    if problem := clash(arguments, count, len(requests)):
        complain(problem)
        return 2
    if is_prompt_missing(arguments) and _reads_prompt(arguments.model or "bundled"):
        fields["prompt"] = asked_prompt()
        if not fields["prompt"]:
            complain(NO_PROMPT)
            return 2
    targets = Targets(arguments.output, count, engine.save)
    films = Films(arguments, len(requests), engine)

    pipeline = _load(engine, arguments, origin)
    if not origin:
        requests = _from_nothing(pipeline.default_request, fields, grid)
    step = arguments.at_step or 0
    development = Development(engine, requests, targets, films, grid, origin, step)
    return _developed(development, pipeline, drawn)


def _developed(development: Development, pipeline: Pipeline, drawn: int | None) -> int:
    """Make the images and show where they are, those too that are there when it is stopped. drawn:
    the seed, where nobody said one."""
    targets, grid = development.targets, development.grid
    sheets: list[Path] = []
    try:
        pictures = development.run(pipeline)
        if grid and any(picture is not None for picture in pictures):
            sheet = targets.save_sheet(development.engine.sheet(grid, pictures))
            sheets += [sheet] if sheet else []
    finally:
        if drawn is not None and targets.saved:
            complain(f"the seed is {drawn}")
        show(*map(str, (*targets.saved, *development.films.saved, *sheets)))
    return 1 if development.complaints.failed else 0


def _reads_prompt(source: str) -> bool:
    """Whether the model reads one, by a look at its files: nobody is asked once it is loaded."""
    try:
        return Ability.PROMPT in checkpoint.inspect(locate(source)).abilities
    except EngineError:
        return False  # loading it says why it cannot be had


def _grid(arguments: argparse.Namespace) -> Grid | None:
    if not arguments.axes:
        return None
    return Grid(tuple(Axis.parse(name, text) for name, text in arguments.axes))


def _from_nothing(
    own: Request, fields: Mapping[str, Any], grid: Grid | None
) -> tuple[Request, ...]:
    """What is asked for, on the model's own request: one run, or one for each cell of a grid."""
    options = {**own.scheduler_options, **fields.get("scheduler_options", {})}
    request = replace(own, **{**fields, "scheduler_options": options})
    return grid.requests(request) if grid else (request,)


def _branches(
    arguments: argparse.Namespace, fields: Mapping[str, Any], origin: Record
) -> tuple[Request, ...]:
    """Requests that go as the image's record says up to the step, and from there as the command
    line does: one, or one for each variation. They are made from nothing, as every image is."""
    step, request = arguments.at_step, origin.request
    ended_early = any(edit.field == "finish" for edit in request.edits)
    last = origin.executed_steps if ended_early else origin.executed_steps - 1
    if not 1 <= step <= last:
        raise EngineError(
            f"--at-step {step}: {arguments.branch_from} was made in {origin.executed_steps} steps, "
            + (f"so take 1 to {last}." if last else "too few to leave it on the way.")
        )
    if "scheduler_options" in fields:
        before = conditions(request, step - 1, origin.executed_steps).request.scheduler_options
        fields = {**fields, "scheduler_options": {**before, **fields["scheduler_options"]}}
    branch = turned(request, step, fields, fields.get("edits", ()))
    if arguments.vary is None:
        return (branch,)
    count = Request(count=1 if arguments.count is None else arguments.count).count
    first = arguments.vary_seed or 0
    return tuple(
        replace(branch, edits=(*branch.edits, vary(step, arguments.vary, seed)))
        for seed in range(first, first + count)
    )


def _load(engine: ModuleType, arguments: argparse.Namespace, origin: Record | None) -> Pipeline:
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
        raise EngineError(
            f"{arguments.branch_from} was made with the model {origin.checkpoint} "
            f"({origin.sha256[:10]}), which {source} is not; say with --model where that model is."
        )
    return pipeline
