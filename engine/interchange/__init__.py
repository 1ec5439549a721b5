"""What the files of other programs say about how their pictures were made, and ours. `read` is
called for a file that is dropped on the window, for the gallery's index and by `safelight inspect`;
`read_text` for a text that is pasted; `format_a1111` by `engine.metadata`. Imports no torch.

One file a format. Each gives a Draft, in which nothing stands that a Request would refuse, and a
sentence for everything that could not be used.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import fields, replace

from engine.errors import EngineError
from engine.foreign import check_parts
from engine.interchange import a1111, comfyui, fooocus, infotext, invokeai, swarmui, texts
from engine.interchange.a1111 import format_a1111, settings_of
from engine.interchange.plain_json import read_object
from engine.interchange.recipe import Draft, Recipe, shown

__all__ = ["Recipe", "format_a1111", "read", "read_text", "settings_of"]

WORKFLOW_ONLY = (
    "it has ComfyUI's drawing of the graph, but not the graph that was run, which has the settings"
)
LONGEST_PATH = 300
"""Characters of a path in a message."""


def read(path: str | os.PathLike[str]) -> Recipe:
    """How the picture in an image file was made. Raises EngineError, one sentence that names the
    file, where it is no picture, tells nothing, or is beyond the limits in
    `engine.interchange.texts`."""
    name = shown(os.fspath(path), LONGEST_PATH)
    try:
        found = texts.read(path)
    except EngineError as error:
        raise EngineError(f"{name} cannot be read ({error}). Choose an image file.") from error
    problems = list(found.problems)
    recipe = _first_that_reads(found.found, problems)
    if recipe is None:
        if not problems and "workflow" in found.found:
            problems.append(WORKFLOW_ONLY)
        reason = shown(" ".join(problems), LONGEST_PATH).rstrip(".") or "there is nothing in it"
        raise EngineError(f"{name} does not tell how it was made ({reason}). Choose another image.")
    return replace(recipe, left_out=(*recipe.left_out, *problems))


def read_text(text: str) -> Recipe:
    """How a picture was made, from a text that somebody copied: AUTOMATIC1111's, or the JSON of
    ComfyUI, InvokeAI, Fooocus, SwarmUI or Safelight. Raises EngineError where it is none."""
    if len(text) > texts.MAX_TEXT:
        raise EngineError(f"The text is longer than {texts.MAX_TEXT:,} letters, and so not read.")
    if a1111.has_settings(text):
        return _of_parameters(text)
    if not text.lstrip().startswith("{"):
        raise EngineError(
            "The text has no settings that can be read. Copy it as AUTOMATIC1111 writes it: the "
            "prompt, and below it a line that begins with Steps."
        )
    told = read_object(text, "The text")
    if "request" in told and "executed_steps" in told:
        return _of_record(text)
    if comfyui.is_graph(told):
        return _of_draft(comfyui.read(text))
    if told.get("positive_prompt") is not None:
        return _of_draft(invokeai.read_metadata(text))
    return _of_json(text)


def _first_that_reads(found: Mapping[str, str], problems: list[str]) -> Recipe | None:
    """The recipe that the first of the texts tells that can be read, the exact ones first."""
    own = found.get("parameters") or found.get("comment", "")
    readers: list[tuple[bool, Callable[[], Recipe]]] = [
        ("safelight" in found, lambda: _of_record(found["safelight"], own)),
        (
            any(name in found for name in invokeai.CHUNKS),
            lambda: _of_draft(invokeai.read(found)),
        ),
        ("parameters" in found, lambda: _of_parameters(found["parameters"])),
        ("prompt" in found, lambda: _of_draft(comfyui.read(found["prompt"]))),
        ("comment" in found, lambda: _of_comment(found["comment"])),
    ]
    for is_there, reader in readers:
        if is_there:
            try:
                return reader()
            except EngineError as error:
                problems.append(str(error))
    return None


def _of_record(text: str, parameters: str = "") -> Recipe:
    from engine.metadata import Record  # it makes its own text with `format_a1111`

    check_parts(text, "Safelight's exact record")
    try:
        record = Record.from_json(text)
        request = record.request
        told = {f.name: getattr(request, f.name) for f in fields(request)}
        return Recipe(
            program="Safelight",
            fields=told,
            model=record.checkpoint,
            model_hash=record.sha256,
            text=parameters or record.to_parameters(),
            record=record,
        )
    except (EngineError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        reason = shown(error).rstrip(".")
        raise EngineError(f"Safelight's exact record cannot be read ({reason}).") from None


def _of_parameters(text: str) -> Recipe:
    """Of the text that most programs call `parameters`, AUTOMATIC1111's or JSON. The first can
    begin with a brace too: some people's prompts do."""
    if text.lstrip().startswith("{") and not a1111.has_settings(text):
        return _of_json(text)
    return infotext.read(text).recipe(text)


def _of_json(text: str) -> Recipe:
    told = read_object(text, "Its JSON")
    if swarmui.is_swarmui(told):
        return _of_draft(swarmui.read(told))
    if fooocus.is_fooocus(told):
        return _of_draft(fooocus.read(told))
    if comfyui.is_graph(told):
        return _of_draft(comfyui.read(text))
    raise EngineError("Its JSON is of no program that is known here.")


def _of_comment(text: str) -> Recipe:
    """Of a comment, which can be anything: cameras and editors write some too."""
    if text.lstrip().startswith("{") or a1111.has_settings(text):
        return _of_parameters(text)
    raise EngineError("Its comment tells no settings.")


def _of_draft(draft: Draft, text: str = "") -> Recipe:
    told = draft.fields
    settings = settings_of(told, draft.model, draft.model_hash)
    prompts = told.get("prompt", ""), told.get("negative_prompt", "")
    return draft.recipe(text or format_a1111(*prompts, settings))
