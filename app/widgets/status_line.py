"""One line at the foot of the window: what the program does, and on which device."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.i18n import tr
from app.widgets.plain_label import PlainLabel


class StatusLine(QWidget):
    """Words only; both are cut where the window is too narrow for them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._status = PlainLabel("note", elided=True)
        self._status.setObjectName("statusLabel")
        self._device = PlainLabel("note")
        self._device.setObjectName("deviceLabel")
        self.retranslate()

        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 4, 16, 5)
        layout.setSpacing(24)
        layout.addWidget(self._status, 1)
        layout.addWidget(self._device, 0, Qt.AlignmentFlag.AlignRight)

    def set_status(self, text: str) -> None:
        self._status.setText(text)

    def set_device(self, text: str) -> None:
        self._device.setText(text)

    def retranslate(self) -> None:
        self._status.setAccessibleName(tr("Status"))
        self._status.setToolTip(tr("What the program is doing with the picture."))
        self._device.setAccessibleName(tr("Device"))
        self._device.setToolTip(tr("Where the picture is computed, and with which kind of number."))
