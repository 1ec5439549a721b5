"""Imports: settings out of image files and pasted text, ours and other programs', into the recipe.
The window and the gallery ask for it through `app.wiring`; files are read in the background.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QGuiApplication

from app.i18n import tr
from app.state.background import Background
from app.state.recipe.session import Session
from engine.foreign import is_folder

if TYPE_CHECKING:
    from engine.record.interchange.recipe import Recipe

MOST = 12
"""Sentences that are told on what was left out; the others are counted."""


class Imports(QObject):
    """read, read_text: make a recipe (see `engine.record.interchange`) of an image file, or of
    text. They raise what is then told."""

    noticed = Signal(str)  # what was taken, and what could not be
    failed = Signal(str)
    copied = Signal(str)  # a sentence
    modelGiven = Signal(str)  # the path of one, among files that were dropped or pasted

    def __init__(
        self,
        session: Session,
        background: Background,
        read: Callable[[str], Recipe],
        read_text: Callable[[str], Recipe],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._background = background
        self._read = read
        self._read_text = read_text

    @Slot(str)
    def take(self, path: str) -> None:
        """Take all settings of that image file."""
        self._ask(partial(self._read, path), partial(self._use, Path(path).name))

    @Slot(list)
    def take_files(self, files: list[str]) -> None:
        """Of an image the settings are taken, a model is told. files: paths; the first counts."""
        path = files[0]
        if is_folder(path) or path.lower().endswith(".safetensors"):
            self.modelGiven.emit(path)
        else:
            self.take(path)

    @Slot(list, str)
    def paste(self, files: list[str], text: str) -> None:
        """Settings that were copied: as text, or as the image file that has them."""
        if files:
            self.take_files(files)
        elif text:
            self.take_text(text)
        else:
            self.failed.emit(tr("There are no settings on the clipboard. Copy their text first."))

    @Slot(str)
    def take_text(self, text: str) -> None:
        """Take the settings that the text tells, such as one that AUTOMATIC1111 has copied."""
        self._ask(partial(self._read_text, text), partial(self._use, tr("the clipboard")))

    @Slot(str)
    def take_seed(self, path: str) -> None:
        """Take the seed of that image file alone."""
        self._ask(partial(self._read, path), partial(self._use_seed, Path(path).name))

    @Slot(str)
    def copy(self, path: str) -> None:
        """Put the settings of that image file on the clipboard, in AUTOMATIC1111's form."""
        self._ask(partial(self._read, path), self._to_clipboard)

    def _ask(self, work: Callable[[], Recipe], then: Callable[[Recipe], None]) -> None:
        self._background.submit(work, then, lambda error: self.failed.emit(str(error)))

    def _use(self, name: str, recipe: Recipe) -> None:
        left = [*recipe.left_out, *self._session.apply(recipe.fields)]
        told = tr("Settings of {name} ({program}) are in the recipe.",
                  name=name, program=recipe.program)  # fmt: skip
        if recipe.model:
            told = tr("{told} They were made for the model {name}.", told=told, name=recipe.model)
        if left:
            more = len(left) - MOST
            lines = left[:MOST]
            if more > 0:
                lines.append(tr("{count} more were left out.", count=more))
            told = "\n".join([tr("{told} Not taken:", told=told), *(f"· {one}" for one in lines)])
        self.noticed.emit(told)

    def _use_seed(self, name: str, recipe: Recipe) -> None:
        seed = recipe.fields.get("seed")
        if seed is None:
            self.failed.emit(tr("{name} does not tell a seed that can be used.", name=name))
        else:
            self._session.set_seed(seed)

    def _to_clipboard(self, recipe: Recipe) -> None:
        QGuiApplication.clipboard().setText(recipe.text)
        self.copied.emit(tr("The settings are on the clipboard."))
