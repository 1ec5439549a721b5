"""The runs under way: the worker tells of them; the controls, the timeline and the status line show
it."""

from __future__ import annotations

from app.parts import Parts
from app.windows.main_window import MainWindow
from app.worker import DIRECT


def connect(parts: Parts, window: MainWindow) -> None:
    _connect_worker(parts, window)
    run, history = parts.run, parts.history
    history.runAdded.connect(window.timeline.add_row)
    history.runRemoved.connect(window.timeline.remove_row)
    history.stepAdded.connect(window.timeline.add_step)
    history.stepPictured.connect(window.timeline.add_step)
    history.stepRemoved.connect(window.timeline.remove_step)
    history.marked.connect(window.timeline.add_mark)
    history.selectionChanged.connect(window.timeline.set_selected)
    history.shown.connect(parts.gallery.leave)
    history.shown.connect(parts.showing.show_step)
    history.titleChanged.connect(window.header.set_title)
    history.memoryChanged.connect(window.status.set_memory)
    run.progressChanged.connect(window.run.set_progress)
    run.runningChanged.connect(window.run.set_running)
    run.pausedChanged.connect(window.run.set_paused)
    run.tokensChanged.connect(window.prompt.set_token_note)
    run.negativeCutChanged.connect(window.prompt.set_negative_note)
    run.statusChanged.connect(window.status.set_status)
    run.failed.connect(window.errors.show_error)

    memory = parts.timeline_memory
    window.timelineMemoryChosen.connect(memory.set)
    memory.bytesChanged.connect(history.set_budget)
    memory.changed.connect(window.menu.set_timeline_memory)


def _connect_worker(parts: Parts, window: MainWindow) -> None:
    """showing, run, history, comparing: each hears it when those before it have."""
    run, history, comparing = parts.run, parts.history, parts.comparing
    worker = parts.worker
    window.run.pauseToggled.connect(worker.set_paused, DIRECT)
    window.run.pauseToggled.connect(run.set_paused)
    window.timeline.stepSelected.connect(history.select)
    window.timeline.rowSelected.connect(history.select_run)
    worker.started.connect(parts.showing.begin)
    worker.started.connect(run.start)
    worker.started.connect(history.start)
    worker.started.connect(comparing.start)
    worker.encoded.connect(run.encoded)
    worker.negativeEncoded.connect(run.negative_encoded)
    worker.planned.connect(window.timeline.set_plan)
    worker.stepped.connect(run.add_step)
    worker.stepped.connect(history.add_step)
    worker.stepped.connect(comparing.add_step)
    worker.finished.connect(run.finish)
    worker.finished.connect(parts.gallery.add)
    worker.finished.connect(history.finish)
    worker.finished.connect(comparing.finish)
    worker.compared.connect(parts.gallery.add_sheet)
    worker.cancelled.connect(run.cancel)
    worker.cancelled.connect(history.end)
    worker.cancelled.connect(comparing.cancel)
    worker.failed.connect(run.fail)
    worker.failed.connect(history.end)
    worker.failed.connect(comparing.fail)
    worker.previewFailed.connect(window.errors.show_error)
    worker.refused.connect(window.errors.show_error)
    worker.refused.connect(parts.models.rest)
