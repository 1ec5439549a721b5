"""WorkerSignals: what the worker tells the window, in plain values and finished QImages. Emitted by
the worker's jobs in its own thread.
"""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal


class WorkerSignals(QObject):
    """After `run`: one started; for each of its runs encoded with negativeEncoded, planned and
    stepped, and then one of finished, cancelled or failed; at the end of all, idle. A plan that
    cannot begin, such as a branch whose model cannot be loaded again, is refused instead. After
    `load`: loading, then ready or loadFailed, and idle.
    """

    loading = Signal(str, float)  # what is being done, fraction 0 to 1
    ready = Signal(object)  # ModelCard
    loadFailed = Signal(str)
    started = Signal(object)  # Begun
    encoded = Signal(int, int, str)  # run, token count, text that did not fit
    negativeEncoded = Signal(int, str)  # run, text of the negative prompt that did not fit
    planned = Signal(int, tuple)  # run, guidance scale of each evaluation or None where it is off
    stepped = Signal(object)  # StepView
    finished = Signal(object)  # RunResult
    cancelled = Signal(int, int)  # run, evaluations done
    failed = Signal(int, str)  # run
    refused = Signal(str)
    compared = Signal(object)  # SheetResult
    told = Signal(int, object)  # run, Request: what it does as it is steered now, from nothing
    idle = Signal()
    saved = Signal(str)  # path
    written = Signal(int, int, str)  # run, image, path: one that could not be written before
    stillUnwritten = Signal(int, str)  # how many images, why the first of them could not be written
    saveFailed = Signal(str)
    previewFailed = Signal(str)  # once a run, which goes on
