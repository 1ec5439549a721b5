"""The gallery with its search, filters and order. The main window shows it on the right, or large
in the canvas's place."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QLocale, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from app import commands
from app.i18n import tr
from app.widgets.basic.command_actions import CommandActions
from app.widgets.basic.icon_button import IconButton
from app.widgets.basic.plain_label import PlainLabel, plain_tooltip
from app.widgets.basic.search_line import SearchLine
from app.widgets.gallery.filter_button import FilterButton
from app.widgets.gallery.gallery_view import GalleryView
from app.widgets.gallery.sort_button import SortButton
from app.widgets.gallery.undo_bar import UndoBar

NARROWEST, ROOMY = 130, 196
"""Pixels: the least width, and the least in which the search has its buttons beside it."""


class GalleryPanel(QWidget):
    """`view` holds the pictures. All that is asked for here changes what its item model shows; the
    panel only tells, and is told the outcome."""

    searchChanged = Signal(str)
    modelChosen = Signal(str)
    schedulerChosen = Signal(str)
    favouritesToggled = Signal(bool)
    sinceChosen = Signal(int)
    sortChosen = Signal(str)
    undoRequested = Signal()
    largeToggled = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("galleryPanel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setMinimumWidth(NARROWEST)
        self._counts, self._indexed = (0, 0), (0, 0)
        self._title, self._count = PlainLabel("caption"), PlainLabel("caption", elided=True)
        self._count.setObjectName("galleryCount")
        self._count.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._large = IconButton(commands.LARGE_GALLERY.icon, bare=True)
        self._large.setObjectName("galleryLargeButton")
        self._large.setCheckable(True)
        self._search = SearchLine()
        self._search.setObjectName("gallerySearch")
        self._sort, self._filter = SortButton(), FilterButton()
        self._sort.setObjectName("gallerySort")
        self._filter.setObjectName("galleryFilterButton")
        self._filtered = QWidget()
        self._filter_words = PlainLabel("note", elided=True)
        self._clear = IconButton("close", bare=True)
        self._clear.setObjectName("galleryClearButton")
        self._indexing = QProgressBar()
        self._indexing.setObjectName("galleryIndexing")
        self._indexing.setTextVisible(False)
        self._indexing.hide()
        self.view = GalleryView()
        self._undo = UndoBar()
        self._undo_key = CommandActions(self).adopt(commands.UNDO_TRASH, self)
        self._undo_key.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        self._undo_key.setEnabled(False)
        self.retranslate()

        self._lay_out()

        self._search.searchChanged.connect(self.searchChanged)
        self._search.searchChanged.connect(self._begin_at_the_top)
        self._search.left.connect(self.view.setFocus)
        self._filter.modelChosen.connect(self.modelChosen)
        self._filter.schedulerChosen.connect(self.schedulerChosen)
        self._filter.favouritesToggled.connect(self.favouritesToggled)
        self._filter.sinceChosen.connect(self.sinceChosen)
        self._filter.changed.connect(self._begin_at_the_top)
        self._sort.sortChosen.connect(self.sortChosen)
        self._sort.sortChosen.connect(self._begin_at_the_top)
        self._clear.clicked.connect(self._filter.clear)
        self._undo.undoRequested.connect(self.undoRequested)
        self._undo_key.triggered.connect(self.undoRequested)
        self._large.toggled.connect(self.largeToggled)

    def set_count(self, shown: int, total: int) -> None:
        """How many pictures fit what is asked for, of how many."""
        self._counts = (shown, total)
        self._say()

    def set_choices(self, models: Sequence[str], schedulers: Sequence[str]) -> None:
        """Which models and schedulers the pictures of the gallery come from."""
        self._filter.set_choices(models, schedulers)

    def set_indexing(self, done: int, of: int) -> None:
        """How many files have been read of how many; of=0 when it is at rest."""
        self._indexed = (done, of)
        self._indexing.setVisible(of > 0)
        self._indexing.setRange(0, max(1, of))
        self._indexing.setValue(done)
        self._say()

    def set_undo(self, count: int) -> None:
        """How many pictures can be brought back from the trash."""
        self._undo.set_count(count)
        self._undo_key.setEnabled(count > 0)

    def set_large(self, large: bool) -> None:
        """Whether the gallery has the canvas's place."""
        self._large.setChecked(large)

    def search(self) -> None:
        """Let the person type what to look for."""
        self._search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._search.selectAll()

    def retranslate(self) -> None:
        self._title.setText(tr("Gallery"))
        self._search.retranslate(
            commands.SEARCH.plain_text, commands.SEARCH.tooltip, commands.SEARCH.button_text
        )
        self._large.setAccessibleName(commands.LARGE_GALLERY.button_text)
        self._large.setToolTip(commands.LARGE_GALLERY.tooltip)
        self._clear.setAccessibleName(tr("Show all pictures"))
        self._clear.setToolTip(tr("Filter nothing: show all pictures of the gallery."))
        self._indexing.setAccessibleName(tr("Reading the image folder"))
        self._indexing.setToolTip(
            tr("How much of the image folder has been read; the search knows the rest later.")
        )
        for part in (self._filter, self._sort, self._undo, self.view):
            part.retranslate()
        self._say()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self._large.isChecked():
            self._large.setChecked(False)
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        is_roomy = self.width() >= ROOMY
        way = QBoxLayout.Direction
        self._find.setDirection(way.LeftToRight if is_roomy else way.TopToBottom)
        self._title.setVisible(is_roomy)  # the count says more

    def _lay_out(self) -> None:
        head, buttons, filtered = QHBoxLayout(), QHBoxLayout(), QHBoxLayout(self._filtered)
        head.setSpacing(8)
        head.addWidget(self._title)
        head.addWidget(self._count, 1)
        head.addWidget(self._large)
        buttons.setSpacing(6)
        buttons.addStretch(1)
        buttons.addWidget(self._sort)
        buttons.addWidget(self._filter)
        self._find = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._find.setSpacing(6)
        self._find.addWidget(self._search, 1)
        self._find.addLayout(buttons)
        filtered.setContentsMargins(4, 0, 0, 0)
        filtered.addWidget(self._filter_words, 1)
        filtered.addWidget(self._clear)
        top = QVBoxLayout()
        top.setContentsMargins(4, 8, 14, 0)
        top.setSpacing(6)
        top.addLayout(head)
        top.addLayout(self._find)
        top.addWidget(self._filtered)
        top.addWidget(self._indexing)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 0, 0, 8)
        layout.setSpacing(4)
        layout.addLayout(top)
        layout.addWidget(self.view, 1)
        layout.addWidget(self._undo)

    def _begin_at_the_top(self) -> None:
        """Other pictures, or another order: what was in sight is of no interest now."""
        self.view.scrollToTop()
        self._say()

    def _say(self) -> None:
        locale = QLocale()
        shown, total = (locale.toString(count) for count in self._counts)
        of = tr("{shown} of {total}", shown=shown, total=total)
        words = total if self._counts[0] == self._counts[1] else of
        self._count.setText(words if self._counts[1] else "")
        self._count.setToolTip(tr("How many pictures are shown, of how many: {count}", count=words))
        done, every = (locale.toString(count) for count in self._indexed)
        reading = tr("{shown} of {total}", shown=done, total=every)
        self._indexing.setAccessibleDescription(reading)
        filtered = self._filter.words()
        self._filter_words.setText(filtered)
        self._filter_words.setToolTip(plain_tooltip(filtered))
        self._filtered.setVisible(bool(filtered))
        looked_for = bool(filtered or self._search.text())
        self.view.set_empty_text(tr("Nothing fits.") if looked_for else "")
