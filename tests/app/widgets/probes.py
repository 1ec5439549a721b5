"""What the tests of widgets hear, find and show."""

from __future__ import annotations

from typing import TypeVar

from PySide6.QtCore import SignalInstance
from PySide6.QtGui import QColor, QContextMenuEvent, QImage
from PySide6.QtWidgets import QApplication, QMenu, QWidget

from app.widgets.picture.canvas_header import CanvasHeader

W = TypeVar("W", bound=QWidget)


class Heard(list[tuple]):
    """What a signal said, in order."""

    def __init__(self, *signals: SignalInstance) -> None:
        super().__init__()
        for signal in signals:
            signal.connect(lambda *values: self.append(values))


def part(widget: QWidget, kind: type[W], name: str) -> W:
    found = widget.findChild(kind, name)
    assert found is not None, f"no {kind.__name__} named {name}"
    return found


def picture(width: int = 16, height: int = 16, colour: str = "#ff0000") -> QImage:
    image = QImage(width, height, QImage.Format.Format_RGB888)
    image.fill(QColor(colour))
    return image


def colour_in_the_middle(widget: QWidget) -> str:
    grabbed = widget.grab().toImage()
    return grabbed.pixelColor(grabbed.rect().center()).name()


def open_menu(widget: QWidget) -> QMenu:
    place = widget.rect().center()
    reason = QContextMenuEvent.Reason.Mouse
    QApplication.sendEvent(widget, QContextMenuEvent(reason, place, widget.mapToGlobal(place)))
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    return menu


def narrow_header() -> CanvasHeader:
    """One whose buttons show their icons."""
    header = CanvasHeader()
    header.resize(header.minimumWidth(), 46)
    return header
