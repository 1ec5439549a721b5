"""The rows of the library: one checkpoint each, sorted and filtered. Filled by `Library`; the
library dialog shows it and reads what it needs by the names of the roles.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

from PySide6.QtCore import (
    QAbstractTableModel,
    QByteArray,
    QLocale,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
)

from app.i18n import tr
from app.unfailing import unfailing

if TYPE_CHECKING:
    from engine.checkpoint.value import Checkpoint

Index = QModelIndex | QPersistentModelIndex


class Role(IntEnum):
    """What a row has besides its cells, under the names that `roleNames` gives. SOURCE: what the
    model is loaded by; PATH: where it lies; PROBLEM: why it is not ready, or makes no pictures;
    STATE: ready, incomplete, damaged or refused; LOADABLE: whether pictures can be made with it;
    ASKABLE: whether the person may say what it predicts; TOLD: what the file says of that; ANSWER:
    what the person said."""

    SOURCE = int(Qt.ItemDataRole.UserRole)
    PATH = SOURCE + 1
    PROBLEM = SOURCE + 2
    STATE = SOURCE + 3
    LOADABLE = SOURCE + 4
    ASKABLE = SOURCE + 5
    TOLD = SOURCE + 6
    ANSWER = SOURCE + 7


class LibraryRow(NamedTuple):
    """checkpoint: a plain value of the engine's; answer: see Role.ANSWER; is_bundled: whether it
    ships with the program."""

    checkpoint: Checkpoint
    answer: str = ""
    is_bundled: bool = False

    @property
    def is_askable(self) -> bool:
        return self.checkpoint.loadable and self.checkpoint.layout == "file"


COLUMNS = ("name", "family", "size", "dtype", "prediction", "state")
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
STATES = ("ready", "incomplete", "damaged", "refused")


class SearchableRow:
    """A row with what is asked of it again and again. texts: of each column; hay: what a filter
    looks for its words in."""

    def __init__(self, row: LibraryRow) -> None:
        self.row = row
        self.texts = tuple(_words(row, column) for column in COLUMNS)
        self.hay = "\n".join((*self.texts, row.checkpoint.path)).casefold()


class LibraryTable(QAbstractTableModel):
    """Sorted as the person wants, and with the rows only that have all of their words. It does that
    itself: a proxy asks for every cell, which takes a moment that is felt with a thousand rows."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._entries: dict[str, SearchableRow] = {}
        self._shown: list[SearchableRow] = []
        self._filter: list[str] = []
        self._column, self._descending = "name", False

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._shown)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(COLUMNS)

    def roleNames(self) -> dict[int, QByteArray]:
        own = {int(role): QByteArray(role.name.lower().encode()) for role in Role}
        return {**super().roleNames(), **own}

    @unfailing()
    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(COLUMNS):
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole and COLUMNS[section] == "size":
            return RIGHT
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        titles = {
            "name": tr("Model"),
            "family": tr("Family"),
            "size": tr("Size"),
            "dtype": tr("Weights"),
            "prediction": tr("Predicts"),
            "state": tr("State"),
        }
        return titles[COLUMNS[section]]

    @unfailing()
    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not self.hasIndex(index.row(), index.column()):
            return None
        entry = self._shown[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return entry.texts[index.column()]
        if role == Qt.ItemDataRole.TextAlignmentRole and COLUMNS[index.column()] == "size":
            return RIGHT
        if role == Qt.ItemDataRole.ToolTipRole:
            checkpoint = entry.row.checkpoint
            return "\n".join(filter(None, (checkpoint.path, checkpoint.problem)))
        return _value(entry.row, role)

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self._column, self._descending = COLUMNS[column], order == Qt.SortOrder.DescendingOrder
        self._arrange()

    def set_filter(self, words: str) -> None:
        self._filter = words.casefold().split()
        self._arrange()

    def set_rows(self, rows: Mapping[str, LibraryRow]) -> None:
        """rows: by source."""
        before = self._entries
        self._entries = {
            source: before[source]
            if source in before and before[source].row == row
            else SearchableRow(row)
            for source, row in rows.items()
        }
        self._arrange()

    def _arrange(self) -> None:
        """Show the right rows in the right order. Where these stay, a change is told of each row
        that says something else; else the whole is new, and views find the current row again."""
        shown = [
            entry
            for entry in self._entries.values()
            if all(word in entry.hay for word in self._filter)
        ]
        shown.sort(key=partial(_order, column=self._column), reverse=self._descending)
        if [_source(entry) for entry in shown] != [_source(entry) for entry in self._shown]:
            self.beginResetModel()
            self._shown = shown
            self.endResetModel()
            return
        before, self._shown = self._shown, shown
        for number, (old, new) in enumerate(zip(before, shown, strict=True)):
            if new is not old:
                last = self.index(number, len(COLUMNS) - 1)
                self.dataChanged.emit(self.index(number, 0), last)


@lru_cache(maxsize=4096)
def size_text(size: int) -> str:
    """Bytes for people, in powers of ten as disks count."""
    return QLocale().formattedDataSize(size, 1, QLocale.DataSizeFormat.DataSizeSIFormat)


def prediction_words(value: str | None) -> str:
    """What a network predicts, in the field's words."""
    return {"v_prediction": "v-prediction"}.get(value or "", value or "")


def _words(row: LibraryRow, column: str) -> str:
    checkpoint = row.checkpoint
    if column == "name":
        return checkpoint.name
    if column == "family":
        return checkpoint.label
    if column == "size":
        return size_text(checkpoint.bytes)
    if column == "dtype":
        return checkpoint.dtype
    if column == "state":
        return _state_words(checkpoint.state)
    if row.answer:
        return tr("{prediction} (your answer)", prediction=prediction_words(row.answer))
    if checkpoint.prediction_type is None and row.is_askable:
        return tr("not told")
    return prediction_words(checkpoint.prediction_type)


def _state_words(state: str) -> str:
    words = {
        "ready": tr("Ready"),
        "incomplete": tr("Incomplete"),
        "damaged": tr("Damaged"),
        "refused": tr("Cannot be used"),
    }
    return words[state]


def _caution(checkpoint: Checkpoint) -> str:
    """Why something that is ready cannot be loaded by itself."""
    if checkpoint.state == "ready" and not checkpoint.loadable:
        return tr(
            "{family}: goes with a model, and makes no pictures alone.", family=checkpoint.label
        )
    return ""


def _source(entry: SearchableRow) -> str:
    return entry.row.checkpoint.source


def _order(entry: SearchableRow, column: str) -> tuple[Any, ...]:
    """What a row is sorted by: the names decide where the cells are equal."""
    row, name = entry.row, entry.texts[0].casefold()
    if column == "name":
        return not row.is_bundled, name, _source(entry)
    if column == "size":
        return row.checkpoint.bytes, name
    if column == "state":
        return STATES.index(row.checkpoint.state), name
    return entry.texts[COLUMNS.index(column)].casefold(), name


def _value(row: LibraryRow, role: int) -> Any:
    checkpoint = row.checkpoint
    values = {
        Role.SOURCE: checkpoint.source,
        Role.PATH: checkpoint.path,
        Role.PROBLEM: checkpoint.problem or _caution(checkpoint),
        Role.STATE: checkpoint.state,
        Role.LOADABLE: checkpoint.loadable,
        Role.ASKABLE: row.is_askable,
        Role.TOLD: checkpoint.prediction_type or "",
        Role.ANSWER: row.answer,
    }
    return values[Role(role)] if role in values else None
