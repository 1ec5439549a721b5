"""A room that is as tall as what is in it and scrolls where the window is too low for that. The
guidance panel keeps what opens under it there."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QSizePolicy, QWidget

from app.unfailing import unfailing
from app.widgets.basic.quiet_wheel import QuietWheel

LEAST = 104


class FittingScroll(QScrollArea):
    """The wheel scrolls it, rather than the values in it, except in a control with the focus."""

    def __init__(self, content: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._content = content
        self.setWidget(content)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        QuietWheel(self).watch(content)

    @unfailing(QSize())
    def sizeHint(self) -> QSize:
        wide = self._content.sizeHint()
        tall = self._content.heightForWidth(self.width())
        return QSize(wide.width(), tall if tall > 0 else wide.height())

    @unfailing(QSize())
    def minimumSizeHint(self) -> QSize:
        return QSize(self._content.minimumSizeHint().width(), min(LEAST, self.sizeHint().height()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.updateGeometry()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        # A sentence that wraps anew asks its own layout for room, which ends at this one.
        if watched is self._content and event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return super().eventFilter(watched, event)
