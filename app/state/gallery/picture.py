"""Picture: one picture that can be shown, saved and copied. Made by the gallery and by what the
canvas shows; read by `app.state.gallery.exports`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from PySide6.QtGui import QImage

from app.i18n import tr
from app.state.pixels import from_file
from engine.errors import EngineError


@dataclass(frozen=True, eq=False)
class Picture:
    """name: the file name to suggest. image: the pixels, None where only the file has them.
    path: the file with its record, "" if there is none. unsaved: (run, index) of a finished image
    whose file could not be written and that the worker still holds, else None."""

    name: str
    image: QImage | None = None
    path: str = ""
    unsaved: tuple[int, int] | None = None


def with_image(picture: Picture) -> Picture:
    """The picture with its image, read from its file if need be. Raises OSError."""
    if picture.image is not None:
        return picture
    try:
        image = from_file(picture.path)
    except EngineError as error:
        raise OSError(str(error)) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise OSError(
            tr("{path} cannot be opened ({reason}).", path=picture.path, reason=reason)
        ) from error
    return replace(picture, image=image)
