"""Keeps windows on the screens that are there: a window that is larger than its screen shrinks, and
one from a monitor that was taken away comes back. The main window and every dialog use it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QMargins, QRect, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QRegion, QShowEvent
from PySide6.QtWidgets import QDialog, QStyle, QWidget


def fitted(frame: QRect, areas: Sequence[QRect]) -> QRect:
    """The frame of a window where all of it can be seen: as it is, if the areas cover it; else in
    the area of which it has most, or the first, smaller where need be. areas: what the screens have
    free, at least one."""
    if not areas or (QRegion(frame) - _union(areas)).isEmpty():
        return frame
    area = max(areas, key=lambda area: _size(area & frame))
    size = frame.size().boundedTo(area.size())
    left = min(max(frame.left(), area.left()), area.right() + 1 - size.width())
    top = min(max(frame.top(), area.top()), area.bottom() + 1 - size.height())
    return QRect(left, top, size.width(), size.height())


def fit(window: QWidget) -> None:
    """Bring the window onto the screens, below its least size where need be. Where it stands is
    left to the system as long as nobody has said it."""
    if window.isMaximized() or window.isFullScreen() or window.isMinimized():
        return
    margins, inner = _frame(window), window.geometry()
    areas = [screen.availableGeometry() for screen in QGuiApplication.screens()]
    wanted = fitted(inner.marginsAdded(margins), areas).marginsRemoved(margins)
    least = window.minimumSize()
    if least.boundedTo(wanted.size()) != least:
        window.setMinimumSize(least.boundedTo(wanted.size()))
    if window.isVisible() or window.testAttribute(Qt.WidgetAttribute.WA_Moved):
        if wanted != inner:
            window.setGeometry(wanted)
    else:
        window.resize(wanted.size())


def fit_once_shown(window: QWidget) -> None:
    """Bring a window that comes onto the screen there, once the system has given it its frame."""
    timer = QTimer(window, singleShot=True)
    timer.timeout.connect(partial(fit, window))
    timer.timeout.connect(timer.deleteLater)
    timer.start(0)


class FittedDialog(QDialog):
    """A dialog that lies on the screen, whatever size it asks for."""

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if not event.spontaneous():
            fit(self)
            fit_once_shown(self)


def _frame(window: QWidget) -> QMargins:
    """What the system's frame takes around the window; a usual one, before it is there."""
    inner, outer = window.geometry(), window.frameGeometry()
    if window.isVisible() and inner != outer:
        return QMargins(
            inner.left() - outer.left(),
            inner.top() - outer.top(),
            outer.right() - inner.right(),
            outer.bottom() - inner.bottom(),
        )
    title = window.style().pixelMetric(QStyle.PixelMetric.PM_TitleBarHeight, None, window)
    return QMargins(0, 0 if window.isVisible() else title, 0, 0)


def _union(areas: Sequence[QRect]) -> QRegion:
    whole = QRegion()
    for area in areas:
        whole += area
    return whole


def _size(area: QRect) -> int:
    return area.width() * area.height() if area.isValid() else 0
