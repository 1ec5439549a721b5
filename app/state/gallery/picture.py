"""Picture: one picture that can be shown, saved and copied. Made by the gallery and by what the
canvas shows; read by `app.state.gallery.exports`.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtGui import QImage


@dataclass(frozen=True, eq=False)
class Picture:
    """name: the file name to suggest. image: the pixels, None where only the file has them.
    path: the file with its record, "" if there is none. unsaved: (run, index) of a finished image
    whose file could not be written and that the worker still holds, else None."""

    name: str
    image: QImage | None = None
    path: str = ""
    unsaved: tuple[int, int] | None = None
