"""What can be done with pictures of the gallery. The gallery view opens it with the right button or
the menu key."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QPersistentModelIndex, SignalInstance
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu

from app import commands
from app.i18n import tr

if TYPE_CHECKING:
    from app.widgets.gallery.gallery_view import GalleryView


class GalleryMenu(QMenu):
    """It is about the picture at `index`, or about all that are selected when that one is among
    them, and offers what makes sense for so many. Rows may come and go while it is open, so an
    entry asks again which rows they are when it is chosen."""

    def __init__(self, view: GalleryView, index: QPersistentModelIndex) -> None:
        super().__init__(view)
        self._view, self._index = view, index
        rows = view.meant_rows(index)
        if len(rows) == 1:
            self._add_one(commands.SHOW.plain_text, view.show_row)
            self.addSeparator()
            self._add_one(commands.REUSE.plain_text, view.reuseRequested.emit)
            self._add_one(commands.REUSE_SEED.plain_text, view.reuseSeedRequested.emit)
            self._add_one(commands.COPY_ITS_SETTINGS.plain_text, view.copySettingsRequested.emit)
            self._add_one(commands.REOPEN.plain_text, view.reopenRequested.emit)
            self.addSeparator()
        elif len(rows) == 2:
            self.addAction(commands.COMPARE_TWO.plain_text, self._compare)
            self.addSeparator()
        of_files: list[QAction] = []
        starred = {bool(view.value(row, "favourite")) for row in rows}
        if False in starred:
            of_files.append(
                self._add_all(commands.FAVOURITE.plain_text, view.favouriteRequested, True)
            )
        if True in starred:
            of_files.append(
                self._add_all(commands.NO_FAVOURITE.plain_text, view.favouriteRequested, False)
            )
        if len(rows) == 1:
            of_files.append(self._add_one(commands.NOTE.plain_text, view.edit_note))
            self.addSeparator()
            self._add_one(commands.SAVE_IT.plain_text, view.saveRequested.emit)
            self._add_one(commands.COPY_IT.plain_text, view.copyRequested.emit)
            of_files.append(self._add_one(commands.REVEAL.plain_text, view.revealRequested.emit))
        self.addSeparator()
        several = tr("Move {count} to trash", count=len(rows))
        words = commands.TRASH.plain_text if len(rows) == 1 else several
        of_files.append(self._add_all(words, view.trashRequested))
        in_memory_only = any(view.value(row, "path") == "" for row in rows)
        for action in of_files:
            action.setEnabled(not in_memory_only)

    def _add_one(self, words: str, act: Callable[[int], object]) -> QAction:
        return self.addAction(words, lambda: self._index.isValid() and act(self._index.row()))

    def _add_all(self, words: str, signal: SignalInstance, *rest: bool) -> QAction:
        def act() -> None:
            if rows := self._view.meant_rows(self._index):
                signal.emit(rows, *rest)

        return self.addAction(words, act)

    def _compare(self) -> None:
        rows = self._view.meant_rows(self._index)
        if len(rows) == 2:
            self._view.compareRequested.emit(*rows)
