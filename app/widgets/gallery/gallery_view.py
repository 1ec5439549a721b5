"""The finished pictures as a grid of thumbnails. The gallery panel shows it; its item model comes
from app.state."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QDrag,
    QGuiApplication,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
)
from PySide6.QtWidgets import QAbstractItemView, QApplication, QWidget

from app import commands, theme
from app.i18n import tr
from app.unfailing import unfailing
from app.widgets.basic.command_actions import asks_for
from app.widgets.gallery.gallery_menu import GalleryMenu
from app.widgets.gallery.note_dialog import NoteDialog
from app.widgets.gallery.tile_view import TileView

DRAGGED = 96  # pixels of the picture under the pointer


class GalleryView(TileView):
    """A click or the arrow keys show a picture, a double click or Enter also ask for a closer look.
    Ctrl and Shift select several; Delete, F and F2 act on what is selected, as the menu does. Its
    item model may name these roles: path ("" for a picture that is in memory only), favourite and
    note."""

    imageActivated = Signal(int)
    lookRequested = Signal()  # the picture that was activated is what the person wants to see now
    saveRequested = Signal(int)
    copyRequested = Signal(int)
    revealRequested = Signal(int)
    reuseRequested = Signal(int)
    reuseSeedRequested = Signal(int)
    copySettingsRequested = Signal(int)
    reopenRequested = Signal(int)
    compareRequested = Signal(int, int)
    favouriteRequested = Signal(list, bool)
    noteRequested = Signal(int, str)
    trashRequested = Signal(list)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("galleryView")
        self.setDragEnabled(True)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self._held: QPoint | None = None  # where a picture was taken
        self._carrying = False  # out of the window
        self._empty = ""
        self.retranslate()

        self.clicked.connect(self._click)
        self.doubleClicked.connect(lambda index: self.show_row(index.row()))

    def set_empty_text(self, text: str) -> None:
        """What stands there while there is no picture; "" for the usual words."""
        if text != self._empty:
            self._empty = text
            self.viewport().update()

    def meant_rows(self, index: QModelIndex | QPersistentModelIndex) -> list[int]:
        """All that are selected when that one is among them, else that one."""
        if not index.isValid():
            return []
        row = index.row()
        if self.selectionModel().isSelected(self.model().index(row, 0)):
            return self.selected_rows()
        return [row]

    def show_row(self, row: int) -> None:
        """Activate that picture and ask for a closer look."""
        self.imageActivated.emit(row)
        self.lookRequested.emit()

    def edit_note(self, row: int) -> None:
        """Ask for the words about that picture."""
        index = self.model().index(row, 0)
        kept, path = QPersistentModelIndex(index), self.value(row, "path")
        name = index.data(Qt.ItemDataRole.AccessibleTextRole) or ""
        dialog = NoteDialog(str(name), str(self.value(row, "note") or ""), self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.noteWritten.connect(lambda note: self._tell_note(kept, path, note))
        dialog.open()

    def retranslate(self) -> None:
        self.setAccessibleName(tr("Gallery"))
        self.setToolTip(
            tr(
                "The finished pictures. Choose one to see it large; Enter opens it, F makes it a "
                "favourite, Delete moves it to the trash."
            )
        )
        self.viewport().update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        before, now = self.currentIndex(), self.currentIndex()
        meant = self.selected_rows() or self.meant_rows(now)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and now.isValid():
            self.show_row(now.row())  # whatever else is held down
        elif asks_for(event, commands.TRASH) and meant:
            self.trashRequested.emit(meant)
        elif asks_for(event, commands.FAVOURITE) and meant:
            every = all(self.value(row, "favourite") for row in meant)
            self.favouriteRequested.emit(meant, not every)
        elif asks_for(event, commands.NOTE) and now.isValid():
            self.edit_note(now.row())
        elif asks_for(event, commands.COPY_IT) and now.isValid():
            self.copyRequested.emit(now.row())
        else:
            super().keyPressEvent(event)
            now = self.currentIndex()
            if now.isValid() and now != before:
                self.imageActivated.emit(now.row())

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        if by_key:
            self.scrollTo(self.currentIndex())
        index = self.currentIndex() if by_key else self.indexAt(event.pos())
        if index.isValid():
            place = self.visualRect(index).center() if by_key else event.pos()
            menu = GalleryMenu(self, QPersistentModelIndex(index))
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.popup(self.viewport().mapToGlobal(place))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        there = event.position().toPoint()
        is_taken = event.button() == Qt.MouseButton.LeftButton and self.indexAt(there).isValid()
        self._held, self._carrying = there if is_taken else None, False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """A picture that is held goes with the pointer, whatever the flags of the model say: Qt
        would ask for those of every picture that is selected."""
        if self._held is None or not event.buttons() & Qt.MouseButton.LeftButton:
            super().mouseMoveEvent(event)
            return
        way = (event.position().toPoint() - self._held).manhattanLength()
        if way >= QApplication.startDragDistance() and not self._carrying:
            self._carrying = True
            self.startDrag(Qt.DropAction.CopyAction)
            self.setState(QAbstractItemView.State.NoState)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if not self._carrying:  # else the selection stays as it is
            super().mouseReleaseEvent(event)
        self._held, self._carrying = None, False

    def startDrag(self, supportedActions: Qt.DropAction) -> None:
        """Takes the selected pictures out to another program, as copies."""
        shown, rows = self.model(), self.selected_rows()
        carried = shown.mimeData([shown.index(row, 0) for row in rows]) if rows else None
        if carried is None or not (carried.hasUrls() or carried.hasImage()):
            return
        drag = QDrag(self)
        drag.setMimeData(carried)
        current = self.currentIndex()
        picture = (current if current.isValid() else shown.index(rows[0], 0)).data(
            Qt.ItemDataRole.DecorationRole
        )
        if isinstance(picture, QImage):
            picture = QPixmap.fromImage(picture)
        if isinstance(picture, QPixmap) and not picture.isNull():
            small = picture.scaled(
                QSize(DRAGGED, DRAGGED) * self.devicePixelRatioF(),
                Qt.AspectRatioMode.KeepAspectRatio,
                Qt.TransformationMode.SmoothTransformation,
            )
            small.setDevicePixelRatio(self.devicePixelRatioF())
            drag.setPixmap(small)
        drag.exec(Qt.DropAction.CopyAction)

    @unfailing()
    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.count() == 0:
            painter = QPainter(self.viewport())
            painter.setPen(QColor(theme.tokens().muted))
            place = self.viewport().rect().adjusted(12, 0, -12, 0)
            wrapped = int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap)
            words = self._empty or tr("Finished pictures gather here.")
            painter.drawText(place, wrapped, words)

    def _tell_note(self, index: QPersistentModelIndex, path: object, note: str) -> None:
        """The picture may have another row by now."""
        row = index.row() if index.isValid() else self.row_of(path)
        if row >= 0:
            self.noteRequested.emit(row, note)

    def _click(self, index: QModelIndex) -> None:
        """A plain click looks at the picture; one that selects several does not."""
        selecting = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
        if not QGuiApplication.keyboardModifiers() & selecting:
            self.imageActivated.emit(index.row())
