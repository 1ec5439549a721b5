"""Pictures over one or two settings, side by side. The main window shows it in the canvas's place
while a comparison is made or looked at."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, QSizeF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontInfo,
    QFontMetricsF,
    QHelpEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app import theme
from app.i18n import tr
from app.unfailing import unfailing
from app.widgets.basic.calm_repaint import CalmRepaint
from app.widgets.basic.plain_label import plain_tooltip
from app.widgets.basic.rounded_picture import draw_rounded
from app.widgets.picture.preview_canvas import scaled

MARGIN = 20
GAP = 8.0
LABEL_GAP = 8.0
WIDEST_LABEL = 0.22  # of the width
NOTE_INSET, NOTE_PADDING = 6.0, 8.0
NARROWEST_NOTE = 44
"""Pixels for the words of a note: where it neither fits nor has that many, the tooltip has it."""
NOWHERE = (-1, -1)
ACTIVATING = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space)

Cell = tuple[int, int]


@dataclass(frozen=True)
class GridGeometry:
    """rows by columns cells of one size (1 or more each way), each as wide to its height as
    `aspect`, as large as the room allows and in its middle. left and top: what the labels take
    away from the room."""

    rows: int
    columns: int
    room: QRectF
    aspect: float
    left: float
    top: float

    @cached_property
    def cell(self) -> QSizeF:
        width = (self.room.width() - self.left - GAP * (self.columns - 1)) / self.columns
        height = (self.room.height() - self.top - GAP * (self.rows - 1)) / self.rows
        width = max(1.0, min(width, height * self.aspect))
        return QSizeF(int(width), max(1, int(width / self.aspect)))

    @cached_property
    def corner(self) -> QPointF:
        """Where the first cell begins; its labels stand left of it and above."""
        cell = self.cell
        width = self.left + cell.width() * self.columns + GAP * (self.columns - 1)
        height = self.top + cell.height() * self.rows + GAP * (self.rows - 1)
        left = self.room.left() + max(0.0, self.room.width() - width) / 2 + self.left
        top = self.room.top() + max(0.0, self.room.height() - height) / 2 + self.top
        return QPointF(int(left), int(top))

    def rect(self, row: int, column: int) -> QRectF:
        cell = self.cell
        step = QPointF(column * (cell.width() + GAP), row * (cell.height() + GAP))
        return QRectF(self.corner + step, cell)

    def cell_at(self, place: QPointF) -> Cell | None:
        """The cell at a place, None between the cells and beside them."""
        for row in range(self.rows):
            for column in range(self.columns):
                if self.rect(row, column).contains(place):
                    return row, column
        return None


class CompareGrid(QWidget):
    """A click or Enter on a cell activates it; the arrow keys, Home and End only go there. The
    cells take the shape of the first picture that comes; another shape is fitted into it."""

    cellActivated = Signal(int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("compareGrid")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(200, 160)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._repaint = CalmRepaint(self)
        self._rows: tuple[str, ...] = ()
        self._columns: tuple[str, ...] = ()
        self._pictures: dict[Cell, QImage] = {}
        self._fitted: dict[Cell, tuple[object, QImage]] = {}
        self._notes: dict[Cell, str] = {}
        self._selected = NOWHERE
        self._aspect = 1.0
        self._fitting = QTimer(self, singleShot=True, interval=0)
        self.clear()
        self.retranslate()

        self._fitting.timeout.connect(self._fit_one)

    def set_labels(self, rows: tuple[str, ...], columns: tuple[str, ...]) -> None:
        """Begins an empty grid with these labels, one a row and one a column; rows may be ("",)."""
        self._rows, self._columns = rows, columns
        self._pictures.clear()
        self._fitted.clear()
        self._notes.clear()
        self._aspect = 1.0
        self.set_selected(*NOWHERE)

    def set_cell(self, row: int, column: int, picture: QImage) -> None:
        """Shows `picture`, finished or on its way, in place of what the cell showed
        before."""
        if picture.isNull() or not self._has(row, column):
            return
        if not self._pictures:
            self._aspect = min(max(picture.width() / picture.height(), 0.25), 4.0)
        self._pictures[row, column] = picture
        self._repaint.ask()

    def set_cell_note(self, row: int, column: int, text: str) -> None:
        """A few words in the corner of the cell; "" takes them away."""
        if self._has(row, column):
            self._notes[row, column] = text
            self._tell_selected()
            self._repaint.ask()

    def set_selected(self, row: int, column: int) -> None:
        """Rings this cell; -1, -1 for none."""
        self._selected = (row, column) if self._has(row, column) else NOWHERE
        self._tell_selected()
        self._repaint.ask()

    def clear(self) -> None:
        """No labels, no pictures."""
        self.set_labels((), ())

    def retranslate(self) -> None:
        self.setToolTip(
            tr("One picture for each pair of values. Choose one to look at it and at its recipe.")
        )
        self._tell_selected()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        cell = self._geometry().cell_at(event.position())
        if cell and event.button() == Qt.MouseButton.LeftButton:
            self.set_selected(*cell)
            self.cellActivated.emit(*cell)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        moves = {
            Qt.Key.Key_Left: (0, -1),
            Qt.Key.Key_Right: (0, 1),
            Qt.Key.Key_Up: (-1, 0),
            Qt.Key.Key_Down: (1, 0),
            Qt.Key.Key_Home: (-len(self._rows), -len(self._columns)),
            Qt.Key.Key_End: (len(self._rows), len(self._columns)),
        }
        key = Qt.Key(event.key())
        if key in moves and self._cells():
            self._move(*moves[key])
        elif key in ACTIVATING and self._has(*self._selected):
            self.cellActivated.emit(*self._selected)
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            cell = self._geometry().cell_at(QPointF(event.pos()))
            if cell is not None:
                words = " · ".join(filter(None, (self._words(cell), self._notes.get(cell))))
                QToolTip.showText(event.globalPos(), plain_tooltip(words), self)
                return True
        return super().event(event)

    @unfailing()
    def paintEvent(self, event: QPaintEvent) -> None:
        colours = theme.tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), QColor(colours.background))
        painter.setFont(self._small_font())
        geometry = self._geometry()
        if self._cells():
            self._paint_labels(painter, geometry)
        for cell in self._cells():
            self._paint_cell(painter, geometry.rect(*cell), cell)
        if self._has(*self._selected):
            painter.setPen(QPen(QColor(colours.accent), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(geometry.rect(*self._selected).adjusted(-3, -3, 3, 3), 7, 7)
        if self.hasFocus():
            painter.setPen(QPen(QColor(colours.accent), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(4.5, 4.5, -4.5, -4.5), 6, 6)

    def _paint_labels(self, painter: QPainter, geometry: GridGeometry) -> None:
        painter.setPen(QColor(theme.tokens().muted))
        metrics = QFontMetricsF(painter.font())
        cell = geometry.cell
        above = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop
        for column, label in enumerate(_cut(self._columns, metrics, cell.width())):
            place = geometry.rect(0, column).translated(0, -geometry.top)
            painter.drawText(place, above, label)
        beside = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        width = geometry.left - LABEL_GAP
        for row, label in enumerate(_cut(self._rows, metrics, width)):
            corner = geometry.rect(row, 0).topLeft() - QPointF(geometry.left, 0)
            painter.drawText(QRectF(corner, QSizeF(width, cell.height())), beside, label)

    def _paint_cell(self, painter: QPainter, frame: QRectF, cell: Cell) -> None:
        picture = self._pictures.get(cell)
        target = QRectF() if picture is None else _place_in(frame, picture.size())
        if target != frame:
            painter.setPen(QPen(QColor(theme.tokens().line), 1))
            painter.setBrush(QColor(theme.tokens().panel))
            painter.drawRoundedRect(frame.adjusted(0.5, 0.5, -0.5, -0.5), 5, 5)
        if picture is not None:
            key, fitted = self._fitted.get(cell, (None, picture))
            if key != self._key(picture, target):
                # What the cell showed before stands in until its picture has been fitted.
                self._fitting.start()
            draw_rounded(painter, target, fitted, 5)
        if note := self._notes.get(cell):
            self._paint_note(painter, frame, note)

    def _paint_note(self, painter: QPainter, frame: QRectF, note: str) -> None:
        metrics = QFontMetricsF(painter.font())
        room = frame.width() - 2 * NOTE_INSET - 2 * NOTE_PADDING
        text = metrics.elidedText(note, Qt.TextElideMode.ElideRight, room)
        if text != note and room < NARROWEST_NOTE:
            return
        height = metrics.height() + 5
        pill = QRectF(
            frame.left() + NOTE_INSET,
            frame.bottom() - NOTE_INSET - height,
            metrics.horizontalAdvance(text) + 2 * NOTE_PADDING,
            height,
        )
        painter.setPen(QColor(255, 255, 255, 30))
        painter.setBrush(QColor(20, 20, 20, 205))
        painter.drawRoundedRect(pill, height / 2, height / 2)
        painter.setPen(QColor(theme.DARK.text))
        painter.drawText(pill, Qt.AlignmentFlag.AlignCenter, text)

    def _fit_one(self) -> None:
        """Fits one picture at a time: all of a large grid at once would hold up the window while it
        is resized."""
        geometry = self._geometry()
        for cell, picture in self._pictures.items():
            target = _place_in(geometry.rect(*cell), picture.size())
            key = self._key(picture, target)
            if self._fitted.get(cell, (None,))[0] != key:
                pixels = target.size().toSize() * self.devicePixelRatioF()
                self._fitted[cell] = (key, scaled(picture, pixels))
                self._repaint.ask()
                self._fitting.start()
                return

    def _key(self, picture: QImage, target: QRectF) -> object:
        """What a fitted picture depends on."""
        return picture.cacheKey(), target.width(), target.height(), self.devicePixelRatioF()

    def _geometry(self) -> GridGeometry:
        metrics = QFontMetricsF(self._small_font())
        rows = _cut(self._rows, metrics, self.width() * WIDEST_LABEL)
        widest = max(map(metrics.horizontalAdvance, rows), default=0.0)
        left = widest + 1 + LABEL_GAP if any(rows) else 0.0
        top = metrics.height() + LABEL_GAP if any(self._columns) else 0.0
        room = QRectF(self.rect()).adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN)
        return GridGeometry(len(self._rows), len(self._columns), room, self._aspect, left, top)

    def _small_font(self) -> QFont:
        font = QFont(self.font())
        font.setPointSizeF(QFontInfo(font).pointSizeF() * 0.92)
        return font

    def _cells(self) -> list[Cell]:
        return [
            (row, column) for row in range(len(self._rows)) for column in range(len(self._columns))
        ]

    def _has(self, row: int, column: int) -> bool:
        return 0 <= row < len(self._rows) and 0 <= column < len(self._columns)

    def _words(self, cell: Cell) -> str:
        """The labels of a cell, the one of its column first."""
        row, column = cell
        return " · ".join(filter(None, (self._columns[column], self._rows[row])))

    def _move(self, down: int, right: int) -> None:
        row, column = self._selected
        self.set_selected(
            min(max(row + down, 0), len(self._rows) - 1),
            min(max(column + right, 0), len(self._columns) - 1),
        )

    def _tell_selected(self) -> None:
        there = self._has(*self._selected)
        words = self._words(self._selected) if there else ""
        self.setAccessibleName(tr("Comparison, {cell}", cell=words) if words else tr("Comparison"))
        self.setAccessibleDescription(self._notes.get(self._selected, ""))


def _cut(labels: tuple[str, ...], metrics: QFontMetricsF, width: float) -> list[str]:
    """The labels as they stand in so little room. The words that all begin with, such as the name
    of the setting, go first: it is the end that tells them apart."""
    if any(metrics.horizontalAdvance(label) > width for label in labels):
        words = [label.split() for label in labels]
        while all(len(rest) > 1 for rest in words) and len({rest[0] for rest in words}) == 1:
            words = [rest[1:] for rest in words]
        labels = tuple(" ".join(rest) for rest in words)
    return [metrics.elidedText(label, Qt.TextElideMode.ElideMiddle, width) for label in labels]


def _place_in(frame: QRectF, size: QSize) -> QRectF:
    """Where a picture of this size stands in a cell: all of it, whole where the shapes agree."""
    fitted = QSizeF(size).scaled(frame.size(), Qt.AspectRatioMode.KeepAspectRatio)
    if frame.width() - fitted.width() < 1.5 and frame.height() - fitted.height() < 1.5:
        return frame
    place = QRectF(0, 0, max(1, round(fitted.width())), max(1, round(fitted.height())))
    place.moveCenter(frame.center())
    return place
