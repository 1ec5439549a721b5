"""One line at the foot of the window: what the program does, how much the timeline keeps, and on
which device. The main window shows it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.i18n import tr
from app.widgets.basic.plain_label import PlainLabel


class StatusLine(QWidget):
    """Words only; the status is cut where the window is too narrow for all of them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._status = PlainLabel("note", elided=True)
        self._status.setObjectName("statusLabel")
        self._memory = PlainLabel("note")
        self._memory.setObjectName("memoryLabel")
        self._memory.hide()
        self._device = PlainLabel("note")
        self._device.setObjectName("deviceLabel")
        self.retranslate()

        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 4, 16, 5)
        layout.setSpacing(24)
        layout.addWidget(self._status, 1)
        layout.addWidget(self._memory, 0, Qt.AlignmentFlag.AlignRight)
        layout.addWidget(self._device, 0, Qt.AlignmentFlag.AlignRight)

    def set_status(self, text: str) -> None:
        self._status.setText(text)

    def set_memory(self, text: str) -> None:
        """A few words such as "timeline 3 MB"; "" takes them away."""
        self._memory.setText(text)
        self._memory.setVisible(bool(text))

    def set_device(self, text: str) -> None:
        self._device.setText(text)

    def retranslate(self) -> None:
        self._status.setAccessibleName(tr("Status"))
        self._status.setToolTip(tr("What the program is doing with the picture."))
        self._memory.setAccessibleName(tr("Memory of the timeline"))
        self._memory.setToolTip(
            tr(
                "What the timeline of the last runs takes in memory. When it is full, the oldest "
                "run goes first; its pictures stay in the gallery."
            )
        )
        self._device.setAccessibleName(tr("Device"))
        self._device.setToolTip(tr("Where the picture is computed, and with which kind of number."))
