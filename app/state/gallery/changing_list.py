"""ChangingList: a list of images whose rows come and go in the smallest steps, so that a view keeps
its place and what is selected. The gallery model is one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex

from app.state.gallery.image_row import ImageRow

PATCHED = 600
"""Rows that come and go one by one; where there are more, the list is laid out anew."""

Index = QModelIndex | QPersistentModelIndex


class ChangingList(QAbstractListModel):
    """keys: what each row is called, as no other is; rows: of the same images, in order. The lists
    that are handed over are kept as they are, and not changed here: they may be very long."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._keys: list[str] = []
        self._rows: list[ImageRow] = []
        self._positions: dict[str, int] | None = None  # of the keys, made when asked for

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._rows)

    def _position(self, key: str) -> int:
        """The row that is called so; -1 if there is none."""
        if self._positions is None:
            self._positions = {key: position for position, key in enumerate(self._keys)}
        return self._positions.get(key, -1)

    def _put(self, keys: list[str], rows: list[ImageRow]) -> None:
        self._keys, self._rows, self._positions = keys, rows, None

    def _begin_anew(self, keys: list[str], rows: list[ImageRow]) -> None:
        """Something else is listed from now on."""
        self.beginResetModel()
        self._put(keys, rows)
        self.endResetModel()

    def _exchange(self, position: int, key: str, row: ImageRow) -> None:
        """The image of that row is called something else from now on."""
        self._keys[position], self._rows[position], self._positions = key, row, None
        self.dataChanged.emit(self.index(position), self.index(position))

    def _list(self, keys: list[str], rows: list[ImageRow]) -> None:
        """Make these the rows, in the smallest steps."""
        if keys == self._keys:
            old, self._keys, self._rows = self._rows, keys, rows
            if rows and rows != old:
                self._tell_all()
            return
        old_keys = self._keys
        head = _common(old_keys, keys)
        tail = _common(old_keys[head:][::-1], keys[head:][::-1])
        gone, come = old_keys[head : len(old_keys) - tail], keys[head : len(keys) - tail]
        if not gone:
            self.beginInsertRows(QModelIndex(), head, head + len(come) - 1)
            self._put(keys, rows)
            self.endInsertRows()
        elif not come:
            self.beginRemoveRows(QModelIndex(), head, head + len(gone) - 1)
            self._put(keys, rows)
            self.endRemoveRows()
        elif len(gone) + len(come) > PATCHED or not self._patch(head, gone, come, rows):
            self._lay_out(keys, rows)
        self._put(keys, rows)
        if rows:
            self._tell_all()

    def _tell_all(self) -> None:
        self.dataChanged.emit(self.index(0), self.index(len(self._rows) - 1))

    def _patch(self, head: int, gone: list[str], come: list[str], rows: list[ImageRow]) -> bool:
        """Take out and put in rows, from `head` on, where those that stay keep their order."""
        staying, coming = set(gone) & set(come), set(come) - set(gone)
        if [key for key in gone if key in staying] != [key for key in come if key in staying]:
            return False
        self._put(self._keys[:], self._rows[:])
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

    def _lay_out(self, keys: list[str], rows: list[ImageRow]) -> None:
        """Everything may be elsewhere: what is selected and what is current go with their image."""
        self.layoutAboutToBeChanged.emit()
        held = self.persistentIndexList()
        names = [self._keys[index.row()] for index in held]
        self._put(keys, rows)
        positions = [self._position(name) for name in names]
        now = [self.index(one) if one >= 0 else QModelIndex() for one in positions]
        self.changePersistentIndexList(held, now)
        self.layoutChanged.emit()


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
    """First and last position of each run of keys that are wanted."""
    first: int | None = None
    for position, key in enumerate(keys):
        if wanted(key) and first is None:
            first = position
        elif not wanted(key) and first is not None:
            yield first, position - 1
            first = None
    if first is not None:
        yield first, len(keys) - 1
