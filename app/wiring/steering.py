"""Steering the run under way, seeing a step under another guidance, and branching from one."""

from __future__ import annotations

from app.parts import Parts
from app.windows.main_window import MainWindow
from app.worker import DIRECT


def connect(parts: Parts, window: MainWindow) -> None:
    steering, session, retoucher = parts.steering, parts.session, parts.retoucher
    window.guidance.scaleChanged.connect(steering.move_scale)
    window.guidance.rescaleChanged.connect(steering.move_rescale)
    window.prompt.steerRequested.connect(steering.use_words)
    session.promptChanged.connect(steering.refresh)
    session.negativePromptChanged.connect(steering.refresh)
    steering.steered.connect(parts.worker.steer, DIRECT)
    steering.wordsSteerableChanged.connect(window.prompt.set_steerable)
    steering.retouchAsked.connect(retoucher.ask, DIRECT)
    retoucher.retouched.connect(parts.showing.show_retouched)
    retoucher.failed.connect(window.errors.show_error)
    parts.history.shown.connect(retoucher.leave, DIRECT)
    parts.worker.idle.connect(retoucher.wake, DIRECT)
    window.run.pauseToggled.connect(retoucher.wake, DIRECT)
    parts.retoucher_thread.finished.connect(retoucher.stop, DIRECT)

    branching = parts.branching
    parts.history.branchableChanged.connect(window.set_can_branch)
    window.branchRequested.connect(branching.branch)
    window.vary.varyRequested.connect(branching.vary)
    branching.asked.connect(parts.submission.submit_branch)
    branching.refused.connect(window.errors.show_error)
