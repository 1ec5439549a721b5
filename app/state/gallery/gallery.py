"""Gallery: the finished images: those that are in the image folder, and those of this session that
have no file. Fed by the worker's results and by the folder itself; the gallery view shows it.

Everything that touches a disk or a database happens in the threads of `keeper_thread` and
`thumbnails`; here are finished lists.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import (
    QByteArray,
    QDateTime,
    QLocale,
    QMimeData,
    QModelIndex,
    QObject,
    Qt,
    QUrl,
    Signal,
    Slot,
)
from PySide6.QtGui import QImage

from app.i18n import tr
from app.state.background import Background
from app.state.gallery.changing_list import ChangingList, Index
from app.state.gallery.folder_watcher import FolderWatcher
from app.state.gallery.image_reading import RecipeReader
from app.state.gallery.image_row import ImageFacts, ImageRow
from app.state.gallery.images_ahead import Ahead, ImagesAhead
from app.state.gallery.keeper_thread import GalleryThread
from app.state.gallery.messages import Choices, Listing, Progress, Rest, Trashed, Trouble
from app.state.gallery.picture import Picture, with_image
from app.state.gallery.query import Query
from app.state.gallery.thumbnails import Wanted
from app.state.gallery.tile_thumbnails import TileThumbnails
from app.unfailing import unfailing

if TYPE_CHECKING:
    from app.state.runs.run import RunResult, SheetResult


class GalleryModel(ChangingList):
    """DecorationRole is a thumbnail (QImage), made in the background when it is first asked for,
    None until then and for what is no picture; ToolTipRole and AccessibleTextRole are words;
    UserRole the path, "" for an image that could not be written. More roles by name: path,
    favourite (bool), note, stamp (date and time)."""

    FavouriteRole = Qt.ItemDataRole.UserRole + 1
    NoteRole = Qt.ItemDataRole.UserRole + 2
    StampRole = Qt.ItemDataRole.UserRole + 3

    opened = Signal(object)  # Picture with its image
    failed = Signal(str)
    countChanged = Signal(int, int)  # images that are shown, images that there are
    choicesChanged = Signal(list, list)  # models, schedulers
    indexingChanged = Signal(int, int)  # images that are read, of so many; 0, 0 at rest
    trashed = Signal(int)  # images that `undo_trash` brings back
    rested = Signal()  # the index agrees with the folder and has been checked

    def __init__(
        self,
        background: Background,
        index_folder: Path,
        recipe_of: RecipeReader,
        parent: QObject | None = None,
    ) -> None:
        """index_folder: for the index and the thumbnails. recipe_of: reads the settings of an image
        file (`recipe_of_picture`), called in a thread; whatever it raises means none."""
        super().__init__(parent)
        self._background = background
        self._thread = GalleryThread(index_folder, recipe_of, self)
        self._ahead = ImagesAhead()
        self._thumbnails = TileThumbnails(
            index_folder / "thumbnails.sqlite", background, self._ahead.key, self
        )
        self._watcher = FolderWatcher(self)
        self._folder: Path | None = None
        self._query = Query()
        self._number = 0  # of the last look at the folder
        self._listing: Listing | None = None
        self._count = (0, 0)
        self._wanted: Picture | None = None

        self._thread.told.connect(self._hear)
        self._watcher.lookAsked.connect(self._look)
        self._thumbnails.changed.connect(self._tell_thumbnail)
        self._thumbnails.missing.connect(self._watcher.mark)
        self._thumbnails.failed.connect(self._fail)

    @unfailing()
    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row = self._rows[position := index.row()]
        match role:
            case Qt.ItemDataRole.DecorationRole:
                return self._thumbnail(position)
            case Qt.ItemDataRole.DisplayRole:
                return row.name
            case Qt.ItemDataRole.ToolTipRole | Qt.ItemDataRole.AccessibleTextRole:
                return _described(row)
            case Qt.ItemDataRole.UserRole:
                return self._path(position)
            case self.FavouriteRole:
                return bool(row.favourite)
            case self.NoteRole:
                return row.note
            case self.StampRole:
                return _stamp(row)
        return None

    def roleNames(self) -> dict[int, QByteArray]:
        return super().roleNames() | {
            int(Qt.ItemDataRole.UserRole): QByteArray(b"path"),
            int(self.FavouriteRole): QByteArray(b"favourite"),
            int(self.NoteRole): QByteArray(b"note"),
            int(self.StampRole): QByteArray(b"stamp"),
        }

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Only what has a file can be dragged to other programs."""
        found = super().flags(index)
        if index.isValid() and self._path(index.row()):
            return found | Qt.ItemFlag.ItemIsDragEnabled
        return found

    def mimeTypes(self) -> list[str]:
        return ["text/uri-list"]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        paths = [self._path(index.row()) for index in indexes if index.isValid()]
        dragged = QMimeData()
        dragged.setUrls([QUrl.fromLocalFile(path) for path in paths if path])
        return dragged

    def supportedDragActions(self) -> Qt.DropAction:
        return Qt.DropAction.CopyAction

    def picture(self, row: int) -> Picture | None:
        """The picture of that row, without its image where a file has it."""
        if not 0 <= row < len(self._rows):
            return None
        name, path = self._rows[row].name, self._path(row)
        if path:
            return Picture(name, None, path)
        ahead = self._ahead.get(self._keys[row])
        return Picture(name, ahead.image, unsaved=ahead.unsaved) if ahead else None

    def facts(self, row: int) -> ImageFacts | None:
        """What is known of the image of that row."""
        if not 0 <= row < len(self._rows):
            return None
        return ImageFacts.of_row(self._path(row), self._rows[row])

    def row_of(self, path: str) -> int:
        """The row of the image at that path, -1 if it is not shown."""
        return self._position(self._ahead.key(path)) if path else -1

    @Slot(str)
    def set_folder(self, folder: str) -> None:
        """Show what is in that folder; one that is not there yet is empty. What has no file stays,
        since nobody else has it."""
        self._folder = Path(folder)
        self._listing = None
        self._ahead.set_folder(self._folder)
        self._thumbnails.clear()
        self._wanted = None
        self._begin_anew(self._ahead.keys, self._ahead.rows)
        self._tell_count()
        self._number += 1
        path, number = self._folder, self._number
        self._thread.ask(lambda keeper: keeper.set_folder(path, number))
        self._watcher.watch(path, is_there=False)

    @Slot(object)
    def add(self, result: RunResult) -> None:
        """Put the images of a run in front, the last of them first, as their files are newer."""
        self._put_in_front(self._ahead.of_run(result, self._next_look()))

    @Slot(object)
    def add_sheet(self, sheet: SheetResult) -> None:
        """Put the labelled picture of a comparison in front."""
        self._put_in_front([self._ahead.of_sheet(sheet, self._next_look())])

    @Slot(int, int, str)
    def saved(self, run: int, index: int, path: str) -> None:
        """An image that had no file has one now: image `index` of that run is at that path."""
        old = self._ahead.unsaved(run, index)
        if old is None:
            return
        new = self._ahead.give_file(old, path, self._next_look())
        self._thumbnails.forget(old.key)
        self._exchange(self._position(old.key), new.key, new.row)
        self._show()

    @Slot(int)
    def open(self, row: int) -> None:
        """Read the image of that row and tell `opened`; the latest wish wins."""
        self._wanted = picture = self.picture(row)
        if picture is not None:
            self._background.submit(partial(with_image, picture), self._open, self._fail)

    @Slot()
    def leave(self) -> None:
        """Something else is looked at: an image that is still being read comes too late."""
        self._wanted = None

    @Slot(str)
    def set_search(self, search: str) -> None:
        """Show only what has all of these words, or words that begin with them, in its prompts, its
        note, its model or its name."""
        self._set_query(replace(self._query, search=search.strip()))

    @Slot(str)
    def set_model(self, name: str) -> None:
        """Show only what that model has made; "" for all."""
        self._set_query(replace(self._query, model=name))

    @Slot(str)
    def set_scheduler(self, name: str) -> None:
        """Show only what that scheduler has made; "" for all."""
        self._set_query(replace(self._query, scheduler=name))

    @Slot(bool)
    def set_favourites_only(self, only: bool) -> None:
        self._set_query(replace(self._query, favourites_only=only))

    @Slot(int)
    def set_since(self, days: int) -> None:
        """Show only what is of the last days, today included; 0 for all."""
        self._set_query(replace(self._query, since=max(0, days)))

    @Slot(str)
    def set_sort(self, sort: str) -> None:
        """sort: "newest", "oldest", "name", "seed" or "model"."""
        self._set_query(replace(self._query, sort=sort))

    @Slot(list, bool)
    def set_favourite(self, rows: list[int], is_favourite: bool) -> None:
        """Make the images of these rows favourites, or not. They are shown so once it is kept."""
        names, others = self._names(rows)
        self._ahead.annotate(others, favourite=is_favourite)
        self._show()
        self._thread.ask(lambda keeper: keeper.set_favourite(names, is_favourite))

    @Slot(int, str)
    def set_note(self, row: int, note: str) -> None:
        """Keep what the person says of that image."""
        names, others = self._names([row])
        self._ahead.annotate(others, note=note)
        self._show()
        for name in names:
            self._thread.ask(lambda keeper, name=name: keeper.set_note(name, note))

    @Slot(list)
    def trash(self, rows: list[int]) -> None:
        """Move the files of these rows to the system's trash. An image without a file stays: it
        could not come back."""
        names, others = self._names(rows)
        if others:
            self.failed.emit(
                tr(
                    "{name} has no file in the image folder that could go to the trash.",
                    name=others[0].row.name,
                )
            )
        if names:
            self._thread.ask(lambda keeper: keeper.trash(names))

    @Slot()
    def undo_trash(self) -> None:
        """Bring back what went to the trash last."""
        self._thread.ask(lambda keeper: keeper.undo_trash())

    @Slot()
    def reindex(self) -> None:
        """Read all images anew."""
        self._thread.ask(lambda keeper: keeper.reindex())

    def close(self) -> None:
        """End the threads, for good."""
        self._watcher.close()
        self._thumbnails.close()
        self._thread.close()

    def _set_query(self, query: Query) -> None:
        if query != self._query:
            self._query = query
            self._thread.ask(lambda keeper: keeper.set_query(query))

    def _hear(self, word: object) -> None:
        """What the keeper tells."""
        match word:
            case Listing() if word.folder == self._folder:
                self._listing = word
                self._watcher.watch(word.folder, word.is_there)
                self._show()
            case Choices():
                self.choicesChanged.emit(word.models, word.schedulers)
            case Progress():
                self.indexingChanged.emit(word.done, word.of)
            case Trashed():
                self.trashed.emit(word.count)
            case Trouble():
                self.failed.emit(word.sentence)
            case Rest():
                self.rested.emit()

    def _look(self) -> None:
        self._next_look()

    def _next_look(self) -> int:
        """Look at the folder once more; returns the number of that look."""
        self._number += 1
        number = self._number
        self._thread.ask(lambda keeper: keeper.look(number))
        return number

    def _put_in_front(self, images: list[Ahead]) -> None:
        listed = set(self._keys)
        if not self._query.is_plain:
            # What has a file is shown where it belongs, or not at all, once the index has it.
            images = [ahead for ahead in images if ahead.number is None]
        self._ahead.put_in_front(ahead for ahead in images if ahead.key not in listed)
        self._show()

    def _show(self) -> None:
        """Make the rows what is ahead of the list and the list."""
        if self._listing is not None:
            self._ahead.drop_found(self._listing.heard, self._listing.names)
        keys, rows = self._ahead.keys, self._ahead.rows
        if self._listing is not None:  # not copied where that need not be: it may be very long
            keys = keys + self._listing.names if keys else self._listing.names
            rows = rows + self._listing.rows if rows else self._listing.rows
        self._list(keys, rows)
        self._tell_count()

    def _tell_count(self) -> None:
        total = self._listing.total if self._listing else 0
        count = (len(self._rows), total + len(self._ahead))
        if count != self._count:
            self._count = count
            self.countChanged.emit(*count)

    def _path(self, position: int) -> str:
        key = self._keys[position]
        if ahead := self._ahead.get(key):
            return ahead.path
        return str(self._folder / key) if self._folder else ""

    def _names(self, rows: Iterable[int]) -> tuple[list[str], list[Ahead]]:
        """Of these rows the files that are in the folder, and the others."""
        names: list[str] = []
        others: list[Ahead] = []
        for position in sorted({row for row in rows if 0 <= row < len(self._rows)}):
            ahead = self._ahead.get(self._keys[position])
            if ahead is not None and ahead.number is None:
                others.append(ahead)
            else:
                names.append(self._keys[position])
        return names, others

    def _open(self, picture: Picture) -> None:
        wanted = self._wanted
        if wanted and (picture.path, picture.unsaved) == (wanted.path, wanted.unsaved):
            self.opened.emit(picture)

    def _fail(self, error: Exception) -> None:
        self.failed.emit(str(error))
        self._watcher.mark()  # the file may be gone

    def _thumbnail(self, position: int) -> QImage | None:
        key, row, path = self._keys[position], self._rows[position], self._path(position)
        wanted = Wanted(path, row.changed, row.bytes) if path else None
        ahead = self._ahead.get(key)
        return self._thumbnails.of(key, wanted, ahead.image if ahead else None)

    def _tell_thumbnail(self, key: str) -> None:
        position = self._position(key)
        if position >= 0:
            role = Qt.ItemDataRole.DecorationRole
            self.dataChanged.emit(self.index(position), self.index(position), [role])


def _described(row: ImageRow) -> str:
    """The name, with the prompt and the note where there are any."""
    prompt = row.prompt if len(row.prompt) <= 300 else f"{row.prompt[:299]}…"
    return "\n".join(filter(None, (row.name, prompt, row.note)))


def _stamp(row: ImageRow) -> str:
    time = QDateTime.fromMSecsSinceEpoch(row.changed // 1_000_000)
    return QLocale().toString(time, QLocale.FormatType.ShortFormat)
