"""The finished pictures as a grid of thumbnails. The main window shows it on the right; its item
model comes from app.state."""

from __future__ import annotations

from PySide6.QtCore import (
    QAbstractItemModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QHelpEvent,
    QImage,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolTip,
    QWidget,
)

from app import theme
from app.i18n import tr
from app.widgets.plain_label import plain_tooltip
from app.widgets.rounded_picture import draw_rounded

LEAST_CELL = 92
GAP = 4


class ThumbnailDelegate(QStyledItemDelegate):
    """Paints one thumbnail with a ring when it is selected; its tooltip is plain text."""

    cell = 0  # pixels of a side

    def sizeHint(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        """The whole cell: what is asked before the first thumbnail is there holds for all."""
        return QSize(self.cell, self.cell)

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        picture = index.data(Qt.ItemDataRole.DecorationRole)
        if isinstance(picture, QPixmap):
            picture = picture.toImage()
        frame = QRectF(option.rect).adjusted(GAP, GAP, -GAP, -GAP)
        colours = theme.tokens()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.raised))
        painter.drawRoundedRect(frame, 5, 5)
        if isinstance(picture, QImage):
            draw_rounded(painter, frame, picture, 5)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if option.state & (QStyle.StateFlag.State_Selected | QStyle.StateFlag.State_MouseOver):
            chosen = bool(option.state & QStyle.StateFlag.State_Selected)
            painter.setPen(QPen(QColor(colours.accent if chosen else colours.faint), 2))
            painter.drawRoundedRect(frame.adjusted(-2, -2, 2, 2), 6.5, 6.5)
        else:
            painter.setPen(QPen(QColor(colours.line), 1))
            painter.drawRoundedRect(frame, 5, 5)
        painter.restore()

    def helpEvent(
        self,
        event: QHelpEvent,
        view: QAbstractItemView,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> bool:
        words = index.data(Qt.ItemDataRole.ToolTipRole)
        if not isinstance(words, str) or not words:
            return False
        QToolTip.showText(event.globalPos(), plain_tooltip(words), view)
        return True


class GalleryView(QListView):
    """A click, Enter or the arrow keys show a picture; the right button offers what can be done
    with it. The thumbnails grow and shrink so that whole columns fill the width."""

    imageActivated = Signal(int)
    saveRequested = Signal(int)
    copyRequested = Signal(int)
    revealRequested = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("galleryView")
        self._delegate = ThumbnailDelegate(self)
        self.setItemDelegate(self._delegate)
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setMovement(QListView.Movement.Static)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setTabKeyNavigation(False)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        # Always there: a bar that comes and goes would change the columns and so itself.
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.retranslate()

        bar = self.verticalScrollBar()
        bar.rangeChanged.connect(lambda low, high: bar.setEnabled(high > low))
        self.clicked.connect(lambda index: self.imageActivated.emit(index.row()))

    def retranslate(self) -> None:
        self.setAccessibleName(tr("Gallery"))
        self.setToolTip(tr("The finished pictures. Choose one to see it large."))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        before = self.currentIndex()
        super().keyPressEvent(event)
        now = self.currentIndex()
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if now.isValid() and (enter or now != before):
            self.imageActivated.emit(now.row())

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        index = self.currentIndex() if by_key else self.indexAt(event.pos())
        if index.isValid():
            place = self.visualRect(index).center() if by_key else event.pos()
            self._offer(index.row(), self.viewport().mapToGlobal(place))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        width = self.viewport().width() - 1
        cell = width // max(1, width // LEAST_CELL)
        self._delegate.cell = cell
        self.setGridSize(QSize(cell, cell))

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        shown: QAbstractItemModel | None = self.model()
        if shown is None or shown.rowCount() == 0:
            painter = QPainter(self.viewport())
            painter.setPen(QColor(theme.tokens().muted))
            place = self.viewport().rect().adjusted(12, 0, -12, 0)
            wrapped = int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap)
            painter.drawText(place, wrapped, tr("Finished pictures gather here."))

    def _offer(self, row: int, place: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction(tr("Show"), lambda: self.imageActivated.emit(row))
        menu.addAction(tr("Save as…"), lambda: self.saveRequested.emit(row))
        menu.addAction(tr("Copy"), lambda: self.copyRequested.emit(row))
        menu.addAction(tr("Show in folder"), lambda: self.revealRequested.emit(row))
        menu.popup(place)
