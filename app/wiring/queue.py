"""The queue: what waits its turn, and what the controls of the run and the dialog do about it."""

from __future__ import annotations

from app.parts import Parts
from app.windows.main_window import MainWindow
from app.windows.queue_dialog import QueueDialog
from app.worker import DIRECT


def connect(parts: Parts, window: MainWindow) -> None:
    queue, worker = parts.queue, parts.worker
    queue.planReleased.connect(parts.steering.release)
    queue.statusChanged.connect(window.status.set_status)
    queue.lengthChanged.connect(window.run.set_waiting)
    queue.heldChanged.connect(window.run.set_held)
    window.run.stopRequested.connect(queue.hold)
    window.run.stopRequested.connect(worker.cancel, DIRECT)
    window.run.skipRequested.connect(worker.cancel, DIRECT)
    window.run.finishRequested.connect(worker.finish, DIRECT)
    window.run.goOnRequested.connect(queue.go_on)
    window.run.forgetRequested.connect(queue.forget)
    worker.idle.connect(parts.run.end)
    worker.idle.connect(parts.history.rest)
    worker.idle.connect(parts.steering.rest)
    worker.idle.connect(queue.next)
    parts.submission.cancelAsked.connect(worker.cancel, DIRECT)
    parts.submission.refused.connect(window.errors.show_error)

    plans, dialog = parts.queue_list, QueueDialog(window)
    dialog.set_plans(plans)
    window.queueRequested.connect(dialog.open_up)
    window.run.queueRequested.connect(dialog.open_up)
    queue.holdingChanged.connect(dialog.set_held)
    dialog.holdRequested.connect(queue.hold)
    dialog.goOnRequested.connect(queue.go_on)
    dialog.view.moveRequested.connect(queue.move)
    dialog.view.removeRequested.connect(queue.remove)
    dialog.view.againRequested.connect(plans.run_again)
    plans.againAsked.connect(queue.submit)
    worker.started.connect(plans.begin)
    worker.told.connect(plans.tell)
    worker.finished.connect(plans.finish)
    worker.failed.connect(plans.fail)
    worker.refused.connect(plans.refuse)
