"""How the main window is divided: the recipe, the picture and the gallery side by side."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QSplitter, QStackedWidget, QVBoxLayout, QWidget

from app.widgets.gallery.gallery_panel import GalleryPanel

GALLERY_WIDTH = 230


class PicturePanel(QWidget):
    """One of three stands there: the canvas, the grid of a comparison, or the gallery when it is
    large. `head` and `below` belong to the picture and leave with it; `above` stays."""

    def __init__(
        self,
        head: QWidget,
        above: Iterable[QWidget],
        canvas: QWidget,
        grid: QWidget,
        below: QWidget,
    ) -> None:
        super().__init__()
        self.setMinimumWidth(440)
        self._head, self._canvas, self._grid, self._below = head, canvas, grid, below
        self._is_grid = False
        self._stack = QStackedWidget()
        self._stack.addWidget(canvas)
        self._stack.addWidget(grid)

        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        for part in (head, *above):
            layout.addWidget(part)
        layout.addWidget(self._stack, 1)
        layout.addWidget(below)

    def show_grid(self, shown: bool) -> None:
        """Whether the grid stands in the canvas's place: at once, or when the large gallery
        leaves."""
        self._is_grid = shown
        if self._stack.currentWidget() in (self._canvas, self._grid):
            self._show_own()

    def take_in(self, gallery: QWidget) -> None:
        """Show the gallery in the picture's place."""
        self._stack.addWidget(gallery)
        self._stack.setCurrentWidget(gallery)

    def let_go(self) -> None:
        """Show the picture again. The gallery stays in the stack until it is put elsewhere."""
        self._show_own()

    def set_whole(self, whole: bool) -> None:
        """Whether the line over the picture and the timeline are there."""
        self._head.setVisible(whole)
        self._below.setVisible(whole)

    def _show_own(self) -> None:
        self._stack.setCurrentWidget(self._grid if self._is_grid else self._canvas)


class Panels(QSplitter):
    """The gallery can be put away, and can take the place of the picture, of the line over it and
    of the timeline; the recipe and what went wrong stay in sight."""

    galleryShown = Signal(bool)
    galleryEnlarged = Signal(bool)

    def __init__(self, recipe: QWidget, picture: PicturePanel, gallery: GalleryPanel) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self._picture, self._gallery = picture, gallery
        self._before = (True, [0, 0, 0])  # the gallery was large: whether it was shown, and how
        self.is_large = False
        self.setHandleWidth(5)
        for side in (recipe, picture, gallery):
            self.addWidget(side)
        self.setStretchFactor(1, 1)
        self.setCollapsible(0, False)
        self.setCollapsible(1, False)
        self.setSizes([304, 1136 - GALLERY_WIDTH, GALLERY_WIDTH])

        gallery.largeToggled.connect(self.set_gallery_large)
        gallery.view.lookRequested.connect(lambda: self.set_gallery_large(False))
        self.splitterMoved.connect(self.follow_sizes)

    def show_grid(self, shown: bool) -> None:
        """Whether the grid of a comparison takes the canvas's place."""
        if shown:
            self.set_gallery_large(False)
        self._picture.show_grid(shown)

    def show_gallery(self, shown: bool) -> None:
        self.set_gallery_large(False)
        self._gallery.setVisible(shown)
        self.galleryShown.emit(shown)
        recipe, middle, gallery = self.sizes()
        if shown and gallery == 0:
            self.setSizes([recipe, middle - GALLERY_WIDTH, GALLERY_WIDTH])

    def search_gallery(self) -> None:
        """Let the person type what to look for, with the gallery in sight."""
        if not self._gallery.isVisibleTo(self):
            self.show_gallery(True)
        self._gallery.search()

    def set_gallery_large(self, large: bool) -> None:
        if large != self.is_large:
            self.is_large = large
            focused = self.window().focusWidget()
            self.galleryEnlarged.emit(large)
            if large:
                self._enlarge()
            else:
                self._put_back()
            self._picture.set_whole(not large)
            if focused is not None and self._gallery.isAncestorOf(focused):
                focused.setFocus()  # it has lost the focus on its way
        self._gallery.set_large(large)

    def follow_sizes(self) -> None:
        """A gallery that was pushed to the edge is hidden, so that the Tab key passes it by."""
        if not self.is_large and self.sizes()[2] == 0:
            self._gallery.hide()
            self.galleryShown.emit(False)

    def _enlarge(self) -> None:
        self._before = self._gallery.isVisibleTo(self), self.sizes()
        self._picture.take_in(self._gallery)
        self.galleryShown.emit(True)

    def _put_back(self) -> None:
        was_shown, (recipe, _, gallery) = self._before
        self._picture.let_go()
        self.addWidget(self._gallery)
        self._gallery.setVisible(was_shown)
        self.setSizes([recipe, self.width() - recipe - gallery, gallery])
        self.galleryShown.emit(was_shown)
