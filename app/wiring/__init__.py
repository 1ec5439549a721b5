"""Who hears whom: one file an area, each with `connect(parts, window)`, one connection a line.
Called by `app.main`. What is more than a connection is the business of one of the two, and stands
there; a class of a wiring file only joins what knows nothing of the other.

Where two hear the same, the one that is connected first hears it first: within a file from top to
bottom, and the files in the order of `connect_all`.
"""

from __future__ import annotations

from app.parts import Parts
from app.windows.main_window import MainWindow
from app.wiring import (
    comparing,
    downloads,
    enlarger,
    film,
    gallery,
    image_folder,
    imports,
    library,
    models,
    pictures,
    queue,
    recipe,
    resumption,
    runs,
    steering,
    troubles,
    unsaved_images,
)


def connect_all(parts: Parts, window: MainWindow) -> None:
    for area in (
        recipe,
        models,
        library,
        downloads,
        image_folder,
        queue,
        resumption,
        unsaved_images,
        imports,
        runs,
        steering,
        comparing,
        pictures,
        gallery,
        film,
        enlarger,
        troubles,
    ):
        area.connect(parts, window)
