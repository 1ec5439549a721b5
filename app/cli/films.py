"""What `safelight render` makes of the steps of its runs: single pictures, a film, a contact sheet.
Called by `app.cli.render`. Imports neither Qt nor torch.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from app.cli.targets import numbered
from engine.errors import SaveError

if TYPE_CHECKING:
    from numpy import ndarray
    from PIL.Image import Image


class Films:
    """engine: writes them. runs: how many there will be; of several each has a number. saved: the
    films and contact sheets that are written.

    Raises SaveError for a file that cannot be written, which is found out now and not after the
    work.
    """

    def __init__(self, arguments: argparse.Namespace, runs: int, engine: ModuleType) -> None:
        self._engine = engine
        self._steps: Path | None = arguments.save_steps
        self._film: Path | None = arguments.film
        self._sheet: Path | None = arguments.contact_sheet
        self._look = {"numbers": arguments.step_numbers}
        if arguments.film_seconds is not None:
            self._look["seconds"] = arguments.film_seconds
        self._runs = runs
        self.saved: list[Path] = []
        self._frames: dict[int, list[tuple[int, Image]]] = {}
        if self._steps:
            self._steps.mkdir(parents=True, exist_ok=True)
        if self._film:
            engine.check_film(self._film, **self._look)
        if self._sheet:
            engine.check_film(self._sheet, "sheet")
        for path in filter(None, (self._film, self._sheet)):
            try:
                tempfile.TemporaryFile(dir=path.parent).close()
            except OSError as error:
                raise SaveError(
                    f"Nothing can be written into {path.parent} ({error.strerror}). Name another "
                    f"place for {path.name}."
                ) from None

    @property
    def wanted(self) -> bool:
        """Whether there is any use for pictures of the steps."""
        return any((self._steps, self._film, self._sheet))

    def add(self, run: int, index: int, pixels: ndarray) -> None:
        """The picture of that evaluation of that run, uint8 (H, W, 3)."""
        from PIL import Image

        picture = Image.fromarray(pixels)
        if self._steps:
            path = self._steps / ("" if self._runs == 1 else str(run + 1))
            path.mkdir(exist_ok=True)
            picture.save(path / f"step-{index + 1:03d}.png")
        if self._film or self._sheet:
            self._frames.setdefault(run, []).append((index + 1, picture))

    def finish(self, run: int) -> None:
        """Write what there is to write of a run that has ended with its image. Raises
        EngineError."""
        frames = self._frames.pop(run, [])
        if self._film:
            own = numbered(self._film, run, self._runs)
            self.saved.append(self._engine.write_film(frames, own, **self._look))
        if self._sheet:
            own = numbered(self._sheet, run, self._runs)
            self.saved.append(self._engine.write_film(frames, own, "sheet", numbers=True))
