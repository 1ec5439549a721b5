"""PictureActs: what a person does with a picture: with what the canvas shows, or with a row of the
gallery. The menus, the header and the gallery ask; what is asked goes to whoever does it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from app.i18n import tr

if TYPE_CHECKING:
    from app.state.gallery.exports import Exports
    from app.state.gallery.gallery import GalleryModel
    from app.state.gallery.pair import Pair
    from app.state.recipe.imports import Imports
    from app.state.runs.reopening import Reopening
    from app.state.runs.showing import Showing


class PictureActs(QObject):
    saveAsked = Signal(object)  # Picture, for which a name is to be found
    timelineAsked = Signal()  # the picture and its timeline are what the person wants to see now
    failed = Signal(str)  # a sentence

    def __init__(
        self,
        showing: Showing,
        gallery: GalleryModel,
        exports: Exports,
        imports: Imports,
        pair: Pair,
        reopening: Reopening,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._showing = showing
        self._gallery = gallery
        self._exports = exports
        self._imports = imports
        self._pair = pair
        self._reopening = reopening

    @Slot()
    def save_shown(self) -> None:
        if picture := self._showing.picture:
            self.saveAsked.emit(picture)

    @Slot()
    def copy_shown(self) -> None:
        if picture := self._showing.picture:
            self._exports.copy(picture)

    @Slot()
    def copy_settings_of_shown(self) -> None:
        picture = self._showing.picture
        if picture is not None and picture.path:
            self._imports.copy(picture.path)
        else:
            self.failed.emit(
                tr("What is shown has no file with settings. Choose a finished image.")
            )

    @Slot(int)
    def save(self, row: int) -> None:
        if picture := self._gallery.picture(row):
            self.saveAsked.emit(picture)

    @Slot(int)
    def copy(self, row: int) -> None:
        if picture := self._gallery.picture(row):
            self._exports.copy(picture)

    @Slot(int)
    def reveal(self, row: int) -> None:
        if picture := self._gallery.picture(row):
            self._exports.reveal(picture)

    @Slot(int)
    def reuse(self, row: int) -> None:
        """Take its settings into the recipe."""
        if path := self._path_of(row):
            self._imports.take(path)

    @Slot(int)
    def reuse_seed(self, row: int) -> None:
        if path := self._path_of(row):
            self._imports.take_seed(path)

    @Slot(int)
    def copy_settings(self, row: int) -> None:
        if path := self._path_of(row):
            self._imports.copy(path)

    @Slot(int)
    def reopen(self, row: int) -> None:
        """Show its timeline."""
        if path := self._path_of(row):
            self.timelineAsked.emit()
            self._reopening.open(path)

    @Slot(int, int)
    def compare(self, left: int, right: int) -> None:
        """Look at two rows side by side."""
        pictures = self._gallery.picture(left), self._gallery.picture(right)
        if pictures[0] is not None and pictures[1] is not None:
            self._pair.compare(pictures[0], pictures[1])

    def _path_of(self, row: int) -> str:
        """The file of that row; "" and a word about it where there is none."""
        picture = self._gallery.picture(row)
        if picture is not None and not picture.path:
            self.failed.emit(tr("This image has no file yet. Save it first."))
        return picture.path if picture is not None else ""
