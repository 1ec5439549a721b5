"""A grid of pictures over one or two settings: the compare bar asks, the compare grid shows."""

from __future__ import annotations

from PySide6.QtCore import QObject

from app.parts import Parts
from app.state.runs.comparing import Comparing
from app.windows.main_window import MainWindow


def connect(parts: Parts, window: MainWindow) -> None:
    comparing, axes = parts.comparing, _Axes(parts.comparing, window)
    parts.session.abilitiesChanged.connect(axes.offer)
    window.header.compareToggled.connect(comparing.come_back)
    window.compare.axesChanged.connect(comparing.set_axes)
    window.compare.compareRequested.connect(comparing.compare)
    window.grid.cellActivated.connect(comparing.open)
    comparing.asked.connect(parts.queue.submit)
    parts.session.stepsChanged.connect(comparing.check)
    comparing.noteChanged.connect(window.compare.set_note)
    comparing.startableChanged.connect(window.compare.set_can_start)
    comparing.labelsChanged.connect(window.grid.set_labels)
    comparing.cellChanged.connect(window.grid.set_cell)
    comparing.cellNoted.connect(window.grid.set_cell_note)
    comparing.shownChanged.connect(window.show_grid)
    comparing.runChosen.connect(parts.history.select_run)
    comparing.titleChanged.connect(window.header.set_title)
    comparing.sheetShown.connect(parts.showing.show_picture)
    window.timeline.stepSelected.connect(comparing.leave)
    window.timeline.rowSelected.connect(comparing.leave)
    window.gallery.imageActivated.connect(comparing.leave)
    parts.worker.compared.connect(comparing.show_sheet)
    parts.models.readyChanged.connect(window.header.set_can_compare)


class _Axes(QObject):
    """What can be compared with the model that is there; what the bar has chosen may not be among
    it any more."""

    def __init__(self, comparing: Comparing, window: MainWindow) -> None:
        super().__init__(window)
        self._comparing = comparing
        self._bar = window.compare

    def offer(self) -> None:
        self._bar.set_fields(self._comparing.fields())
        self._comparing.set_axes(self._bar.axes())
