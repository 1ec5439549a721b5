"""Gallery: the finished images: those that are in the image folder, and those of this session that
have no file. Fed by the worker's results and by the folder itself; the gallery view shows it.

Everything that touches a disk or a database happens in the threads of `gallery_thread` and
`thumbnails`; here are finished lists.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QByteArray,
    QDateTime,
    QFileSystemWatcher,
    QLocale,
    QMimeData,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    QTimer,
    QUrl,
    Signal,
    Slot,
)
from PySide6.QtGui import QImage

from app.i18n import tr
from app.state.background import Background
from app.state.gallery.index import (
    BYTES,
    CHANGED,
    FAVOURITE,
    NAME,
    NOTE,
    PROMPT,
    Entry,
    Query,
    Row,
)
from app.state.gallery.keeper import Choices, Listing, Progress, Rest, Trashed, Trouble
from app.state.gallery.keeper_thread import GalleryThread
from app.state.gallery.picture import Picture
from app.state.gallery.thumbnails import THUMBNAIL, Thumbnails, Wanted
from app.state.pixels import from_file
from app.state.runs.run import RunResult, SheetResult
from app.unfailing import unfailing
from engine.errors import EngineError

KEPT = 512  # thumbnails in memory, some 75 MB; the view asks again for what was dropped
SETTLING = 250
"""Milliseconds from a change of the folder to the look at it: a copy makes many changes."""
SLOW_LOOK = 20_000
"""Milliseconds between two looks at the folder without a reason: not every disk tells of changes,
and none of a file that was written over."""
PATCHED = 600
"""Rows that come and go one by one; where there are more, the list is laid out anew."""

Index = QModelIndex | QPersistentModelIndex


Thumbnail = tuple[Wanted | None, QImage | None]
"""Of which file, None for an image without one; and the picture, if any can be made."""


@dataclass(frozen=True, eq=False)
class Ahead:
    """An image that is ahead of the list that the index gives. key: what its row is called; path:
    "" if it has no file; unsaved: see Picture; number: the look that will find it in the folder,
    None for an image that is not in it."""

    key: str
    row: Row
    path: str
    image: QImage | None = None
    unsaved: tuple[int, int] | None = None
    number: int | None = None


class GalleryModel(QAbstractListModel):
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
        recipe_of: Callable[[str], Any],
        parent: QObject | None = None,
    ) -> None:
        """index_folder: for the index and the thumbnails. recipe_of: reads the settings of an image
        file (`recipe_of_picture`), called in a thread; whatever it raises means none."""
        super().__init__(parent)
        self._background = background
        self._thread = GalleryThread(index_folder, recipe_of, self)
        self._maker = Thumbnails(index_folder / "thumbnails.sqlite", self)
        # Without a parent, so that `close` can end it: a watcher that is destroyed in another
        # thread than its own ends the program.
        self._watcher: QFileSystemWatcher | None = QFileSystemWatcher()
        self._settling = QTimer(self, singleShot=True, interval=SETTLING)
        self._slow = QTimer(self, interval=SLOW_LOOK)
        self._folder: Path | None = None
        self._query = Query()
        self._number = 0  # of the last look at the folder
        self._ahead: dict[str, Ahead] = {}  # by key, in order
        self._unnamed = count()
        self._listing: Listing | None = None
        self._keys: list[str] = []
        self._rows: list[Row] = []
        self._places: dict[str, int] | None = None  # of the keys, made when asked for
        self._count = (0, 0)
        self._thumbnails: OrderedDict[str, Thumbnail] = OrderedDict()  # by key
        self._asked: dict[str, Wanted | None] = {}  # thumbnails on their way, by key
        self._wanted: Picture | None = None

        self._thread.told.connect(self._hear)
        self._maker.ready.connect(self._set_thumbnail)
        self._maker.dropped.connect(self._drop_thumbnail)
        self._watcher.directoryChanged.connect(self._mark)
        self._settling.timeout.connect(self._look)
        self._slow.timeout.connect(self._look)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._rows)

    @unfailing()
    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        place = index.row()
        row = self._rows[place]
        match role:
            case Qt.ItemDataRole.DecorationRole:
                return self._thumbnail(place)
            case Qt.ItemDataRole.DisplayRole:
                return row[NAME]
            case Qt.ItemDataRole.ToolTipRole | Qt.ItemDataRole.AccessibleTextRole:
                return _described(row)
            case Qt.ItemDataRole.UserRole:
                return self._path(place)
            case self.FavouriteRole:
                return bool(row[FAVOURITE])
            case self.NoteRole:
                return row[NOTE]
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
        name, path = self._rows[row][NAME], self._path(row)
        if path:
            return Picture(name, None, path)
        ahead = self._ahead[self._keys[row]]
        return Picture(name, ahead.image, unsaved=ahead.unsaved)

    def entry(self, row: int) -> Entry | None:
        """What is known of the image of that row."""
        if not 0 <= row < len(self._rows):
            return None
        return Entry.of_row(self._path(row), self._rows[row])

    def row_of(self, path: str) -> int:
        """The row of the image at that path, -1 if it is not shown."""
        return self._place(self._key(path)) if path else -1

    @Slot(str)
    def set_folder(self, folder: str) -> None:
        """Show what is in that folder; one that is not there yet is empty. What has no file stays,
        since nobody else has it."""
        self._folder = Path(folder)
        self._listing = None
        self._ahead = {key: ahead for key, ahead in self._ahead.items() if not ahead.path}
        self._thumbnails.clear()
        self._asked.clear()
        self._wanted = None
        self.beginResetModel()
        self._arrange()
        self.endResetModel()
        self._tell_count()
        self._number += 1
        path, number = self._folder, self._number
        self._thread.ask(lambda keeper: keeper.set_folder(path, number))
        self._watch(False)
        self._slow.start()

    @Slot(object)
    def add(self, result: RunResult) -> None:
        """Put the images of a run in front, the last of them first, as their files are newer."""
        found, number = [], self._next_look()
        for index, (image, path) in enumerate(zip(result.images, result.paths, strict=True)):
            unsaved = None if path else (result.number, index)
            name = Path(path).name if path else f"{result.request.seed + index}.png"
            request = result.request
            entry = Entry(
                path or "",
                name,
                _now(),
                0,
                image.width(),
                image.height(),
                prompt=request.prompt,
                negative_prompt=request.negative_prompt,
                scheduler=request.scheduler or "",
                seed=request.seed + index,
                steps=request.steps,
                guidance_scale=request.guidance_scale,
            )
            found.append(self._made(entry, image, unsaved, number))
        self._put_in_front(found[::-1])

    @Slot(object)
    def add_sheet(self, sheet: SheetResult) -> None:
        """Put the labelled picture of a comparison in front."""
        picture = sheet.picture
        size = picture.image.size() if picture.image else None
        entry = Entry(
            picture.path,
            picture.name,
            _now(),
            0,
            size.width() if size else None,
            size.height() if size else None,
        )
        number = self._next_look()
        self._put_in_front([self._made(entry, picture.image, picture.unsaved, number)])

    @Slot(int, int, str)
    def saved(self, run: int, index: int, path: str) -> None:
        """An image that had no file has one now: image `index` of that run is at that path."""
        found = [ahead for ahead in self._ahead.values() if ahead.unsaved == (run, index)]
        if not found:
            return
        old, number = found[0], self._next_look()
        entry = replace(Entry.of_row(path, old.row), name=Path(path).name)
        new = self._made(entry, None, None, number)
        self._ahead = {
            one.key: one
            for ahead in self._ahead.values()
            for one in [new if ahead is old else ahead]
        }
        place = self._place(old.key)
        self._keys[place], self._rows[place], self._places = new.key, new.row, None
        self._thumbnails.pop(old.key, None)
        self.dataChanged.emit(self.index(place), self.index(place))
        self._show()

    @Slot(int)
    def open(self, row: int) -> None:
        """Read the image of that row and tell `opened`; the latest wish wins."""
        self._wanted = picture = self.picture(row)
        if picture is None:
            return
        self._background.submit(partial(read, picture), self._open, self._fail)

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
        self._annotate(others, favourite=is_favourite)
        self._thread.ask(lambda keeper: keeper.set_favourite(names, is_favourite))

    @Slot(int, str)
    def set_note(self, row: int, note: str) -> None:
        """Keep what the person says of that image."""
        names, others = self._names([row])
        self._annotate(others, note=note)
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
                    name=others[0].row[NAME],
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
        self._settling.stop()
        self._slow.stop()
        self._watcher = None
        self._maker.close()
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
                self._watch(word.is_there)
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

    def _mark(self) -> None:
        """The folder has changed. The look waits, but not for ever: a copy takes its time."""
        if not self._settling.isActive():
            self._settling.start()

    def _look(self) -> None:
        self._next_look()

    def _next_look(self) -> int:
        """Look at the folder once more; returns the number of that look."""
        self._number += 1
        number = self._number
        self._thread.ask(lambda keeper: keeper.look(number))
        return number

    def _watch(self, is_there: bool) -> None:
        if self._watcher is None or self._folder is None:
            return
        folder = str(self._folder)
        watched = self._watcher.directories()
        if others := [path for path in watched if path != folder or not is_there]:
            self._watcher.removePaths(others)
        if is_there and folder not in watched:
            self._watcher.addPath(folder)

    def _key(self, path: str) -> str:
        """What the row of that file is called: its name, if it is in the folder."""
        file = Path(path)
        return file.name if file.parent == self._folder else path

    def _made(
        self, entry: Entry, image: QImage | None, unsaved: tuple[int, int] | None, number: int
    ) -> Ahead:
        """The image as it stands in front of the list until that look finds it."""
        if not entry.path:
            key = f"/unsaved/{next(self._unnamed)}"  # no name of a file is like that
            return Ahead(key, entry.to_row(), "", image, unsaved)
        is_inside = Path(entry.path).parent == self._folder
        key = self._key(entry.path)
        return Ahead(key, entry.to_row(), entry.path, number=number if is_inside else None)

    def _put_in_front(self, images: list[Ahead]) -> None:
        listed = set(self._keys)
        if not self._query.is_plain:
            # What has a file is shown where it belongs, or not at all, once the index has it.
            images = [ahead for ahead in images if ahead.number is None]
        new = {ahead.key: ahead for ahead in images if ahead.key not in listed}
        self._ahead = {**new, **self._ahead}
        self._show()

    def _show(self) -> None:
        """Make the rows what is ahead of the list and the list, in the smallest steps."""
        if self._listing is not None:
            heard, names = self._listing.heard, self._listing.names
            self._ahead = {
                key: ahead
                for key, ahead in self._ahead.items()
                if ahead.number is None or (ahead.number > heard and key not in names)
            }
        old_keys, old_rows = self._keys, self._rows
        keys = [*self._ahead]
        rows = [ahead.row for ahead in self._ahead.values()]
        if self._listing is not None:  # not copied where that need not be: it may be very long
            keys = keys + self._listing.names if keys else self._listing.names
            rows = rows + self._listing.rows if rows else self._listing.rows
        if keys == old_keys:
            self._keys, self._rows = keys, rows
            if rows and rows != old_rows:
                self.dataChanged.emit(self.index(0), self.index(len(rows) - 1))
        else:
            self._change(keys, rows)
        self._tell_count()

    def _change(self, keys: list[str], rows: list[Row]) -> None:
        old = self._keys
        head = _common(old, keys)
        tail = _common(old[head:][::-1], keys[head:][::-1])
        gone, come = old[head : len(old) - tail], keys[head : len(keys) - tail]
        if not gone:
            self.beginInsertRows(QModelIndex(), head, head + len(come) - 1)
            self._keys, self._rows, self._places = keys, rows, None
            self.endInsertRows()
        elif not come:
            self.beginRemoveRows(QModelIndex(), head, head + len(gone) - 1)
            self._keys, self._rows, self._places = keys, rows, None
            self.endRemoveRows()
        elif len(gone) + len(come) > PATCHED or not self._patch(head, gone, come, rows):
            self._lay_out(keys, rows)
        self._keys, self._rows, self._places = keys, rows, None
        if rows:
            self.dataChanged.emit(self.index(0), self.index(len(rows) - 1))

    def _patch(self, head: int, gone: list[str], come: list[str], rows: list[Row]) -> bool:
        """Take out and put in rows, from `head` on, where those that stay keep their order."""
        staying, coming = set(gone) & set(come), set(come) - set(gone)
        if [key for key in gone if key in staying] != [key for key in come if key in staying]:
            return False
        self._places = None
        self._keys, self._rows = self._keys[:], self._rows[:]
        for first, last in reversed([*_runs(gone, lambda key: key not in staying)]):
            self.beginRemoveRows(QModelIndex(), head + first, head + last)
            del self._keys[head + first : head + last + 1]
            del self._rows[head + first : head + last + 1]
            self.endRemoveRows()
        for first, last in _runs(come, lambda key: key in coming):
            self.beginInsertRows(QModelIndex(), head + first, head + last)
            self._keys[head + first : head + first] = come[first : last + 1]
            self._rows[head + first : head + first] = rows[head + first : head + last + 1]
            self.endInsertRows()
        return True

    def _lay_out(self, keys: list[str], rows: list[Row]) -> None:
        """Everything may be elsewhere: what is selected and what is current go with their image."""
        self.layoutAboutToBeChanged.emit()
        held = self.persistentIndexList()
        names = [self._keys[index.row()] for index in held]
        self._keys, self._rows, self._places = keys, rows, None
        places = [self._place(name) for name in names]
        self.changePersistentIndexList(
            held, [self.index(place) if place >= 0 else QModelIndex() for place in places]
        )
        self.layoutChanged.emit()

    def _arrange(self) -> None:
        """Inside a reset: only what is ahead of the list is left."""
        self._keys = [*self._ahead]
        self._rows = [ahead.row for ahead in self._ahead.values()]
        self._places = None

    def _tell_count(self) -> None:
        total = self._listing.total if self._listing else 0
        count = (len(self._rows), total + len(self._ahead))
        if count != self._count:
            self._count = count
            self.countChanged.emit(*count)

    def _place(self, key: str) -> int:
        if self._places is None:
            self._places = {key: place for place, key in enumerate(self._keys)}
        return self._places.get(key, -1)

    def _path(self, place: int) -> str:
        key = self._keys[place]
        if ahead := self._ahead.get(key):
            return ahead.path
        return str(self._folder / key) if self._folder else ""

    def _names(self, rows: Iterable[int]) -> tuple[list[str], list[Ahead]]:
        """Of these rows the files that are in the folder, and the others."""
        names: list[str] = []
        others: list[Ahead] = []
        for place in sorted({row for row in rows if 0 <= row < len(self._rows)}):
            ahead = self._ahead.get(self._keys[place])
            if ahead is not None and ahead.number is None:
                others.append(ahead)
            else:
                names.append(self._keys[place])
        return names, others

    def _annotate(self, others: list[Ahead], **said: Any) -> None:
        """An image without a file in the folder has its note for as long as the program runs."""
        for ahead in others:
            row = replace(Entry.of_row(ahead.path, ahead.row), **said).to_row()
            self._ahead[ahead.key] = replace(ahead, row=row)
        self._show()

    def _open(self, picture: Picture) -> None:
        wanted = self._wanted
        if wanted and (picture.path, picture.unsaved) == (wanted.path, wanted.unsaved):
            self.opened.emit(picture)

    def _fail(self, error: Exception) -> None:
        self.failed.emit(str(error))
        self._mark()  # the file may be gone

    def _thumbnail(self, place: int) -> QImage | None:
        """What there is; where the file is newer, that of the older one until the new one comes."""
        key, row, path = self._keys[place], self._rows[place], self._path(place)
        wanted = Wanted(path, row[CHANGED], row[BYTES]) if path else None
        of, thumbnail = self._thumbnails.get(key, (None, None))
        if key in self._thumbnails:
            self._thumbnails.move_to_end(key)
            if of == wanted:
                return thumbnail
        if key not in self._asked or self._asked[key] != wanted:
            self._asked[key] = wanted
            ahead = self._ahead.get(key)
            if wanted is not None:
                self._maker.ask(wanted)
            elif ahead is not None and ahead.image is not None:
                self._background.submit(
                    partial(_scaled, ahead.image),
                    partial(self._keep_thumbnail, key, None),
                    self._fail,
                )
        return thumbnail

    def _set_thumbnail(self, wanted: Wanted, thumbnail: QImage | None) -> None:
        self._keep_thumbnail(self._key(wanted.path), wanted, thumbnail)
        if thumbnail is None:
            self._mark()  # the file may be gone

    def _keep_thumbnail(self, key: str, wanted: Wanted | None, thumbnail: QImage | None) -> None:
        if key not in self._asked or self._asked[key] != wanted:
            return
        del self._asked[key]
        self._thumbnails[key] = wanted, thumbnail
        self._thumbnails.move_to_end(key)
        if len(self._thumbnails) > KEPT:
            self._thumbnails.popitem(last=False)
        place = self._place(key)
        if place >= 0:
            role = Qt.ItemDataRole.DecorationRole
            self.dataChanged.emit(self.index(place), self.index(place), [role])

    def _drop_thumbnail(self, wanted: Wanted) -> None:
        key = self._key(wanted.path)
        if self._asked.get(key) == wanted:
            del self._asked[key]


def read(picture: Picture) -> Picture:
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
    return Picture(picture.name, image, picture.path, picture.unsaved)


def _scaled(image: QImage) -> QImage:
    if max(image.width(), image.height()) <= THUMBNAIL:
        return image
    return image.scaled(
        THUMBNAIL,
        THUMBNAIL,
        Qt.AspectRatioMode.KeepAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    )


def _described(row: Row) -> str:
    """The name, with the prompt and the note where there are any."""
    prompt = row[PROMPT] if len(row[PROMPT]) <= 300 else f"{row[PROMPT][:299]}…"
    return "\n".join(filter(None, (row[NAME], prompt, row[NOTE])))


def _stamp(row: Row) -> str:
    time = QDateTime.fromMSecsSinceEpoch(row[CHANGED] // 1_000_000)
    return QLocale().toString(time, QLocale.FormatType.ShortFormat)


def _now() -> int:
    return QDateTime.currentMSecsSinceEpoch() * 1_000_000


def _common(one: list[str], other: list[str]) -> int:
    """How many of the first elements are the same."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _runs(keys: list[str], wanted: Callable[[str], bool]) -> Iterable[tuple[int, int]]:
    """First and last place of each run of keys that are wanted."""
    first: int | None = None
    for place, key in enumerate(keys):
        if wanted(key) and first is None:
            first = place
        elif not wanted(key) and first is not None:
            yield first, place - 1
            first = None
    if first is not None:
        yield first, len(keys) - 1
