"""Keeps the wheel from changing a value by accident while a person scrolls the recipe panel.
The main window installs it on the controls there."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QAbstractSpinBox, QComboBox, QSlider, QWidget


class QuietWheel(QObject):
    """A control under watch answers the wheel only while it has the keyboard focus; otherwise the
    turn goes to the panel behind it, which scrolls."""

    def watch(self, panel: QWidget) -> None:
        """Watches every spin box, slider and picker in `panel`."""
        for control in panel.findChildren(QWidget):
            if isinstance(control, QAbstractSpinBox | QComboBox | QSlider):
                control.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
                control.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if (
            event.type() == QEvent.Type.Wheel
            and isinstance(watched, QWidget)
            and not watched.hasFocus()
        ):
            event.ignore()
            return True
        return super().eventFilter(watched, event)
