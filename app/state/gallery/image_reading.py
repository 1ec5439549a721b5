"""What an image file tells of itself. Used by `app.state.gallery.keeper`, in its thread."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from app.state.gallery.image_row import ImageFacts, ImageRow
from engine.errors import EngineError
from engine.foreign import Head, picture_head

if TYPE_CHECKING:
    from engine.record.interchange.recipe import Recipe


class RecipeReader(Protocol):
    """Reads the settings of an image file; whatever it raises means that there are none."""

    def __call__(self, path: str, /) -> Recipe: ...


def read_facts(path: str, row: ImageRow, recipe_of: RecipeReader) -> ImageFacts:
    """What the image at that path tells, for the row that the index has of it."""
    known = ImageFacts.of_row("", row)
    head = None
    with suppress(EngineError, OSError):
        head = picture_head(path)
    try:
        recipe = recipe_of(path)
        told = dict(recipe.fields)
        model, program = recipe.model, recipe.program
    except Exception:  # of whatever kind: others' files are not ours to judge
        told, model, program = {}, "", ""
    return ImageFacts(
        "",
        known.name,
        known.changed,
        known.bytes,
        *_sides(head, told),
        prompt=told.get("prompt", ""),
        negative_prompt=told.get("negative_prompt", ""),
        model=model,
        scheduler=told.get("scheduler", ""),
        seed=told.get("seed"),
        steps=told.get("steps"),
        guidance_scale=told.get("guidance_scale"),
        program=program,
        favourite=known.favourite,
        note=known.note,
    )


def _sides(head: Head | None, told: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """Of the image itself; what the settings say where it cannot be read."""
    if head is not None:
        return head.width, head.height
    return told.get("width"), told.get("height")
