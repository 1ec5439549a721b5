"""Pair: two images of the gallery side by side, and what differs in how they were made. The gallery
asks for it through `app.wiring`; the compare dialog shows it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from app import wording
from app.i18n import tr
from app.state.background import Background
from app.state.gallery.image_reading import RecipeReader
from app.state.gallery.picture import Picture, with_image
from engine.request.request import Edit

Rows = list[tuple[str, str, str]]


class Pair(QObject):
    """recipe_of: how an image file was made (see `engine.record.interchange`); what it raises means
    that the file does not tell."""

    compared = Signal(QImage, QImage, str, str, list)  # pictures, names, (what, left, right) rows
    failed = Signal(str)

    def __init__(
        self,
        background: Background,
        recipe_of: RecipeReader,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._background = background
        self._recipe_of = recipe_of

    def compare(self, left: Picture, right: Picture) -> None:
        self._background.submit(
            partial(_compared, left, right, self._recipe_of),
            lambda pair: self.compared.emit(*pair),
            lambda error: self.failed.emit(str(error)),
        )


def _compared(
    left: Picture, right: Picture, recipe_of: RecipeReader
) -> tuple[QImage | None, QImage | None, str, str, Rows]:
    told, others = _told(left, recipe_of), _told(right, recipe_of)
    rows = [
        (what, told.get(what, ""), others.get(what, ""))
        for what in dict.fromkeys((*told, *others))
        if told.get(what, "") != others.get(what, "")
    ]
    return with_image(left).image, with_image(right).image, left.name, right.name, rows


def _told(picture: Picture, recipe_of: RecipeReader) -> dict[str, str]:
    """What the image's file tells of how it was made, by what it is called."""
    if not picture.path:
        return {}
    try:
        recipe = recipe_of(picture.path)
    except Exception:  # a stranger's file
        return {}
    fields: Mapping[str, Any] = recipe.fields
    told = {
        wording.label(name): _words(fields[name])
        for name in wording.in_order(fields)
        if name != "count"  # each file is one image
    }
    told[tr("Model")] = recipe.model
    told[tr("Made with")] = recipe.program
    return {label: words for label, words in told.items() if words}


def _words(value: object) -> str:
    if value is None or value in ((), {}, ""):
        return ""
    if isinstance(value, bool):
        return tr("Yes") if value else tr("No")
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple) and value and isinstance(value[0], Edit):
        return "; ".join(
            tr(
                "step {step}: {field} {value}",
                step=edit.step + 1,
                field=edit.field.replace("_", " "),
                value=edit.value,
            )
            for edit in value
        )
    if isinstance(value, Mapping | tuple | list):
        return json.dumps(value, ensure_ascii=False)
    return str(value)
