"""Which program made a picture, and the Recipe that its texts give. `recipe_of_picture` is called
for a file that is dropped on the window and for the gallery's index, `recipe_of_file` by
`safelight inspect`, and `recipe_of_text` for a text that is pasted. Imports no torch.

Each format's file gives an Excerpt, in which nothing stands that a Request would refuse, and a
sentence for everything that could not be used.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any

from engine import foreign
from engine.errors import EngineError
from engine.foreign import check_parts
from engine.record import a1111
from engine.record.a1111 import format_a1111, settings_of
from engine.record.interchange import (
    comfyui,
    draw_things,
    easy_diffusion,
    fooocus,
    infotext,
    invokeai,
    novelai,
    stealth,
    swarmui,
    texts,
)
from engine.record.interchange.plain_json import read_object
from engine.record.interchange.recipe import Excerpt, Recipe, shown

WORKFLOW_ONLY = (
    "it has ComfyUI's drawing of the graph, but not the graph that was run, which has the settings"
)
JSON: tuple[tuple[Callable[[dict[str, Any]], bool], Callable[[dict[str, Any]], Excerpt]], ...] = (
    (swarmui.is_swarmui, swarmui.excerpt_of),
    (fooocus.is_ruined, fooocus.excerpt_of_ruined),
    (fooocus.is_fooocus, fooocus.excerpt_of),
    (draw_things.is_draw_things, draw_things.excerpt_of),
    (easy_diffusion.is_easy_diffusion, easy_diffusion.excerpt_of),
    (comfyui.is_graph, comfyui.excerpt_of),
    (novelai.is_novelai, novelai.excerpt_of),
)
"""Whether an object is of a program, and how it is read."""
LONGEST_PATH = 300
"""Characters of a path in a message."""


def recipe_of_picture(path: str | os.PathLike[str]) -> Recipe:
    """How the picture in an image file was made. Raises EngineError, one sentence that names the
    file, where it is no picture, tells nothing, or is beyond the limits in
    `engine.record.interchange.texts`."""
    name = shown(os.fspath(path), LONGEST_PATH)
    try:
        found = texts.texts_of(path)
    except EngineError as error:
        raise EngineError(f"{name} cannot be read ({error}). Choose an image file.") from error
    problems = list(found.problems)
    recipe = _first_that_reads(found.found, problems) or _hidden(path, problems)
    if recipe is None:
        if not problems and "workflow" in found.found:
            problems.append(WORKFLOW_ONLY)
        reason = shown(" ".join(problems), LONGEST_PATH).rstrip(".") or "there is nothing in it"
        raise EngineError(f"{name} does not tell how it was made ({reason}). Choose another image.")
    return replace(recipe, left_out=(*recipe.left_out, *problems))


def recipe_of_file(path: str | os.PathLike[str]) -> Recipe:
    """How a picture was made, from its file or from a file of text, such as one that a program put
    beside it. Raises EngineError, one sentence that names the file."""
    try:
        foreign.picture_head(path)
    except (EngineError, OSError):
        try:
            text = foreign.read_text(path, texts.MAX_TEXT)
        except (EngineError, OSError):
            text = ""
        if text.strip() and "\0" not in text:
            try:
                return recipe_of_text(text)
            except EngineError as error:
                name = shown(os.fspath(path), LONGEST_PATH)
                reason = str(error).rstrip(".")
                raise EngineError(
                    f"{name} does not tell how a picture was made: {reason}."
                ) from None
    return recipe_of_picture(path)


def recipe_of_text(text: str) -> Recipe:
    """How a picture was made, from a text that somebody copied: AUTOMATIC1111's, or the JSON of any
    of the programs here. Raises EngineError where it is none."""
    if len(text) > texts.MAX_TEXT:
        raise EngineError(f"The text is longer than {texts.MAX_TEXT:,} letters, and so not read.")
    if (told := _object(text, "The text")) is not None:
        if "request" in told and "executed_steps" in told:
            return _of_record(text)
        if told.get("positive_prompt") is not None:
            return _of_excerpt(invokeai.excerpt_of_metadata(text))
        return _of_json(told)
    if a1111.has_settings(text):
        return _of_parameters(text)
    if easy_diffusion.is_easy_diffusion(lines := easy_diffusion.lines(text)):
        return _of_excerpt(easy_diffusion.excerpt_of(lines))
    raise EngineError(
        "The text has no settings that can be read. Copy it as AUTOMATIC1111 writes it: the "
        "prompt, and below it a line that begins with Steps."
    )


def _first_that_reads(found: Mapping[str, str], problems: list[str]) -> Recipe | None:
    """The recipe that the first of the texts tells that can be read, the exact ones first."""
    own = found.get("parameters") or found.get("comment", "")
    readers: list[tuple[bool, Callable[[], Recipe]]] = [
        ("safelight" in found, lambda: _of_record(found["safelight"], own)),
        (
            any(name in found for name in invokeai.CHUNKS),
            lambda: _of_excerpt(invokeai.excerpt_of(found)),
        ),
        ("parameters" in found, lambda: _of_parameters(found["parameters"])),
        (
            easy_diffusion.is_easy_diffusion(found),
            lambda: _of_excerpt(easy_diffusion.excerpt_of(found)),
        ),
        ("prompt" in found, lambda: _of_graph(found["prompt"])),
        (
            "comment" in found and found.get("Software", "").startswith("NovelAI"),
            lambda: _of_excerpt(novelai.excerpt_of_texts(found)),
        ),
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
    from engine.record.record import Record  # brings Pillow, which the command line can do without

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


def _hidden(path: str | os.PathLike[str], problems: list[str]) -> Recipe | None:
    """The recipe that a picture tells in its alpha channel."""
    try:
        if (text := stealth.hidden_text(path)) is None:
            return None
        told = _object(text, "Its hidden text")
        if told is not None and isinstance(told.get("Comment"), str):  # all of a PNG's texts
            inner = {key: value for key, value in told.items() if isinstance(value, str)}
            return _of_excerpt(novelai.excerpt_of_texts(inner | {"comment": inner["Comment"]}))
        return _of_parameters(text)
    except EngineError as error:
        problems.append(str(error))
        return None


def _of_parameters(text: str) -> Recipe:
    """Of the text that most programs call `parameters`, AUTOMATIC1111's or JSON."""
    told = _object(text, "Its JSON")
    return infotext.excerpt_of(text).recipe(text) if told is None else _of_json(told)


def _of_graph(text: str) -> Recipe:
    """Of a text that ComfyUI calls `prompt`, as others do too."""
    if not text.lstrip().startswith("{"):
        raise EngineError("Its text 'prompt' is of no program that is known here.")
    return _of_excerpt(comfyui.excerpt_of_text(text))


def _object(text: str, what: str) -> dict[str, Any] | None:
    """The object that a text of JSON is. A prompt can begin with a brace too: some people's do."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        return read_object(text, what)
    except EngineError:
        if a1111.has_settings(text):
            return None
        raise


def _of_json(told: dict[str, Any]) -> Recipe:
    for is_it, reader in JSON:
        if is_it(told):
            return _of_excerpt(reader(told))
    raise EngineError("Its JSON is of no program that is known here.")


def _of_comment(text: str) -> Recipe:
    """Of a comment, which can be anything: cameras and editors write some too."""
    if text.lstrip().startswith("{") or a1111.has_settings(text):
        return _of_parameters(text)
    raise EngineError("Its comment tells no settings.")


def _of_excerpt(excerpt: Excerpt, text: str = "") -> Recipe:
    told = excerpt.fields
    settings = settings_of(told, excerpt.model, excerpt.model_hash)
    prompts = told.get("prompt", ""), told.get("negative_prompt", "")
    return excerpt.recipe(text or format_a1111(*prompts, settings))
