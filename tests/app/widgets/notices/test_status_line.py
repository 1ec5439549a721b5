"""The line at the foot of the window."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from app.widgets.notices.status_line import StatusLine
from tests.app.widgets.probes import part


def test_status_line(qtbot: QtBot) -> None:
    line = StatusLine()
    qtbot.addWidget(line)
    line.set_status("<i>Ready</i> " * 500)
    line.set_device("CPU, bfloat16")
    memory = part(line, QLabel, "memoryLabel")
    assert memory.isHidden()
    line.set_memory("timeline 3 MB")
    assert memory.text() == "timeline 3 MB"
    assert not memory.isHidden()
    assert part(line, QLabel, "deviceLabel").text() == "CPU, bfloat16"
    assert part(line, QLabel, "statusLabel").text().startswith("<i>Ready</i>")
    assert line.minimumSizeHint().width() < 300
    line.resize(300, 24)
    line.grab()
