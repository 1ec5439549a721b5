"""`safelight models`: lists the models on this computer; `verify` reads them from end to end; `get`
downloads one, and no other command opens a connection. Called by `app.cli.program`. Imports neither
Qt nor torch.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from app import paths
from app.cli.output import show, tell
from app.cli.progress import bar
from app.harmless import harmless
from app.state.store.former_files import kept_setting
from engine.errors import EngineError

if TYPE_CHECKING:
    from app.cli.parser import Commands
    from engine.checkpoint.value import Checkpoint
    from engine.checkpoint.verification import Verdict
    from engine.hub.listing import Survey

LIST_HELP = "list the models, verify or download some"
LIST_EXAMPLE = "models --folder ~/models"
VERIFY_EXAMPLE = "models verify ~/models/some-model.safetensors"
GET_EXAMPLE = "models get stabilityai/sd-turbo --variant fp16"
FOLDER_HELP = (
    "look for models in this folder too; for several, again; default: only where the window does"
)
VERIFY_HELP = "read models from end to end and compare them with their digests"
VERIFIED_HELP = "what `safelight models` lists, a path, or OWNER/NAME; all that is listed if none"
NOT_HERE = "is neither a path nor one of the models that `safelight models` lists"
GET_HELP = "download a model from the Hugging Face Hub into the local cache"
SOURCE_HELP = "OWNER/NAME, or OWNER/NAME/FILE.safetensors for a single file"
VARIANT_HELP = "which precision, like fp16; parts that lack it come plain, as all do by default"
REVISION_HELP = "a branch, tag or commit; default: the newest"


def add_command(commands: Commands, library: ModuleType, hub: ModuleType) -> None:
    """Add `safelight models` and its subcommands. commands: what add_subparsers gave; library:
    engine.checkpoint; hub: engine.hub."""
    models = commands.add_parser(
        "models", help=LIST_HELP, description=LIST_HELP, example=LIST_EXAMPLE
    )
    models.set_defaults(command=partial(_list, library, hub.byte_text))
    _add_folder(models, "folders")
    of_models = models.add_subparsers(title="commands", metavar="COMMAND")
    _add_get(of_models, hub)
    _add_verify(of_models, library)


def _add_get(commands: Commands, hub: ModuleType) -> None:
    get = commands.add_parser("get", help=GET_HELP, description=GET_HELP, example=GET_EXAMPLE)
    get.set_defaults(command=partial(_get, hub))
    get.add_argument("source", metavar="OWNER/NAME", help=SOURCE_HELP)
    get.add_argument("--variant", help=VARIANT_HELP)
    get.add_argument("--revision", help=REVISION_HELP)


def _get(hub: ModuleType, arguments: argparse.Namespace) -> int:
    """The path of the model on standard output, all else on standard error."""
    survey = hub.survey(arguments.source, arguments.revision, arguments.variant)
    for line in _described(survey, hub.byte_text):
        tell(line)
    try:
        path: Path | None = _with_progress(hub, survey)
    except KeyboardInterrupt:
        tell("safelight: stopped; what is there is kept, the same command goes on from there")
        return 130
    show(str(path))
    return 0


def _described(survey: Survey, byte_text: Callable[[float], str]) -> list[str]:
    """What would be fetched, a line for each file and one for the whole."""
    lines = [f"{byte_text(file.size):>10}  {file.path}" for file in survey.files]
    cached = f", {byte_text(survey.cached)} of it here already" if survey.cached else ""
    count = len(survey.files)
    lines.append(f"{byte_text(survey.total):>10}  in {count} file{'s' * (count > 1)}{cached}")
    lines.append(f"licence: {survey.licence or 'none is named'} ({survey.page})")
    if survey.variant is None and survey.variants:
        lines.append(f"there is also --variant {' or '.join(survey.variants)}")
    return lines


def _with_progress(hub: ModuleType, survey: Survey) -> Path | None:
    shown = bar(total=survey.total, initial=survey.cached, unit="B", unit_scale=True)
    if shown is None:
        return hub.fetch(survey)
    with shown:
        return hub.fetch(survey, lambda done, total, rate: shown.update(done - shown.n))


def _add_verify(commands: Commands, library: ModuleType) -> None:
    verify = commands.add_parser(
        "verify", help=VERIFY_HELP, description=VERIFY_HELP, example=VERIFY_EXAMPLE
    )
    verify.set_defaults(command=partial(_verify, library))
    verify.add_argument("sources", metavar="SOURCE", nargs="*", help=VERIFIED_HELP)
    _add_folder(verify, "more_folders")  # argparse would forget what stood before `verify`


def _add_folder(parser: argparse.ArgumentParser, name: str) -> None:
    parser.add_argument(
        "--folder", dest=name, metavar="DIR", action="append", default=[], help=FOLDER_HELP
    )


def _list(
    library: ModuleType, byte_text: Callable[[float], str], arguments: argparse.Namespace
) -> int:
    """A line for each model: what it is loaded by, and what can be told of it."""
    found = _found(library, arguments.folders)
    width = min(48, max((len(harmless(source)) for source in found), default=0))
    for source, checkpoint in found.items():
        known = checkpoint.name in source
        what = checkpoint.label if known else f"{checkpoint.name}, {checkpoint.label}"
        problem = f": {checkpoint.problem}" if checkpoint.problem else ""
        show(
            f"{harmless(source):<{width}}  {harmless(what):<30}  {byte_text(checkpoint.bytes):>9}  "
            f"{checkpoint.dtype or '-':<8}  {checkpoint.prediction_type or '-':<12}  "
            f"{checkpoint.state}{problem}"
        )
    return 0


def _verify(library: ModuleType, arguments: argparse.Namespace) -> int:
    """A line for each model, and one more for each further problem; 1 if there is any."""
    found = _found(library, [*arguments.folders, *arguments.more_folders])
    has_problems = False
    for source in arguments.sources or found:
        if source in found or Path(source).expanduser().exists():
            verdict = _read(library, found.get(source) or library.inspect(source))
            sentences = verdict.problems or (_praise(verdict),)
            has_problems = has_problems or bool(verdict.problems)
        else:
            sentences, has_problems = (NOT_HERE,), True
        for sentence in sentences:
            show(f"{source}  {sentence}")
    return 1 if has_problems else 0


def sources_named(library: ModuleType, name: str) -> Iterator[str]:
    """What the models of that name load by that are in the folders of the window's library."""
    for folder in _added_folders():
        for found in library.scan(folder):
            if found.loadable and name in (
                found.name,
                Path(found.path).stem,
                Path(found.path).name,
            ):
                yield found.source


def _found(library: ModuleType, more_folders: Sequence[str]) -> dict[str, Checkpoint]:
    """By source, what is bundled, in the Hugging Face cache, in the folders of the window's library
    and in these. Raises EngineError for one of these that cannot be read."""
    for folder in more_folders:
        try:
            os.scandir(folder).close()
        except OSError as error:
            reason = error.strerror or str(error)
            raise EngineError(
                f"{folder} cannot be read ({reason}). Choose another folder."
            ) from None
    found: dict[str, Checkpoint] = {}
    for model in paths.bundled_models():
        inspected = library.inspect(model.folder)
        found[model.source] = replace(inspected, source=model.source, name=model.label)
    places = [library.scan(folder) for folder in (*_added_folders(), *more_folders)]
    for checkpoint in chain(library.hub_cache(), *places):
        found.setdefault(checkpoint.source, checkpoint)
    return found


def _added_folders() -> list[str]:
    """What the window's library was told to look into. Read without Qt, which is what the window
    has its preferences from."""
    kept = kept_setting(paths.store_file(), paths.preferences_file(), "model_folders")
    return [folder for folder in kept if isinstance(folder, str)] if isinstance(kept, list) else []


def _read(library: ModuleType, checkpoint: Checkpoint) -> Verdict:
    shown = bar(desc=harmless(checkpoint.name[-30:]), unit="B", unit_scale=True, leave=False)
    if shown is None:
        return library.verify(checkpoint)
    with shown:

        def progress(done: int, total: int) -> None:
            shown.total = total
            shown.update(done - shown.n)

        return library.verify(checkpoint, progress)


def _praise(verdict: Verdict) -> str:
    if verdict.compared:
        return f"ok: {verdict.compared} file{'s' * (verdict.compared > 1)} as their digests say"
    sha256 = f" (sha256 {verdict.sha256})" if verdict.sha256 else ""
    return f"readable to its end, with no digest to compare it with{sha256}"
