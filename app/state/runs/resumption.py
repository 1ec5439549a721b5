"""Resumption: what is being done and what waits, kept in the store as it changes, a row a plan, and
offered again by the next session: after a crash, and after a window that was closed too early. Fed
by the queue and the worker; `app.wiring` connects it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import NamedTuple

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from app.i18n import tr
from app.state.background import Background
from app.state.runs import former_sessions
from app.state.runs.former_sessions import Found, UnfinishedPlan
from app.state.runs.plan import Begun, PlanImage
from app.state.runs.queue import Queue
from app.state.runs.queue_positions import positions_of
from app.state.runs.run import RunResult
from app.state.store.former_files import PLAN
from app.state.store.store import StoredRow
from app.state.store.store_thread import RowDraft, StoreThread
from engine.request.request import Request

MOST = 500
"""Plans that are handed over in one slot of the window's thread."""
ODD = "odd"
"""Kind of the rows that were to be plans and are none."""


class _Kept(NamedTuple):
    """What the store was given of a plan. source: the model that was told for one that names
    none."""

    entry: UnfinishedPlan | None
    source: str
    position: float


class Resumption(QObject):
    """Hands what has changed to the store. An entry stays until all its images are files; an image
    is known by the job in its record, so that what a crash interrupted between image and queue is
    neither lost nor made twice.

    number: of this session's place; take: whether another place is this session's now, because the
    session that had it is no more; is_crashed: whether one of them came to no proper end. job_of:
    the job and the seed in the record of an image file; what it raises means that there are none.
    """

    offered = Signal(str)  # a sentence for the person; "" when it is answered
    told = Signal(str)  # a sentence that needs no answer
    submitted = Signal(tuple)  # Plans of the last session that are to be done now

    def __init__(
        self,
        store: StoreThread,
        number: int,
        take: Callable[[int], bool],
        is_crashed: Callable[[], bool],
        queue: Queue,
        background: Background,
        job_of: Callable[[str], tuple[str, int]],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._store = store
        self._kind = f"{PLAN}{number}"
        self._take = take
        self._is_crashed = is_crashed
        self._queue = queue
        self._background = background
        self._job_of = job_of
        self._folder = ""
        self._source = ""
        self.left: tuple[UnfinishedPlan, ...] = ()  # by the last session, not answered
        self._entries: dict[str, UnfinishedPlan] = {}  # of this session, by job
        self._runs: dict[int, tuple[str, int]] = {}  # job and number of each run
        self._without_file: dict[str, set[PlanImage]] = {}  # images by job that are no files yet
        self.ready = False  # whether it was read what the last session left
        self._kept: dict[str, _Kept] = {}  # what the store was given, by job
        self._closed = False
        self._timer = QTimer(self, singleShot=True, interval=0)
        self._timer.timeout.connect(self._hand_over)
        self._going = QTimer(self, singleShot=True, interval=0)
        self._going.timeout.connect(self._go_on)
        queue.changed.connect(self.refresh)

    @property
    def kept(self) -> bool:
        """Whether all there is is on the disk."""
        return self.ready and not self._timer.isActive() and self._store.at_rest

    def start(self, folder: str) -> None:
        """Look for what the last session left. folder: where images go now."""
        self._folder = folder
        self._store.ask(
            partial(former_sessions.claimed, self._kind, self._take), self._look, self._begin_anew
        )

    def set_folder(self, folder: str) -> None:
        """Where images go from now on."""
        self._folder = folder
        for job, entry in self._entries.items():
            if folder not in entry.folders:
                self._entries[job] = replace(entry, folders=(*entry.folders, folder))
        self._keep()

    def set_source(self, source: str) -> None:
        """The model that plans are for which name none."""
        self._source = source
        self._keep()

    @Slot()
    def refresh(self) -> None:
        """What is being done or waits has changed."""
        there = [self._queue.current, *self._queue.waiting]
        plans = {plan.job: plan for plan in there if plan is not None}
        entries = self._entries
        done = {
            job: entry
            for job, entry in entries.items()
            if job not in plans and self._without_file.get(job)
        }
        now = time.time()
        waiting = {
            job: entries.get(job) or UnfinishedPlan(plan, (self._folder,), now)
            for job, plan in plans.items()
        }
        self._entries = done | waiting
        self._keep()

    @Slot(object)
    def begin(self, begun: Begun) -> None:
        job = begun.plan.job
        self._runs |= {run.number: (job, number) for number, run in enumerate(begun.runs)}
        if entry := self._entries.get(job):
            self._entries[job] = replace(entry, begun=True)
        self._keep()

    @Slot(int, object)
    def tell(self, run: int, request: Request) -> None:
        """What a run does as it is steered now, told from nothing."""
        job, number = self._runs.get(run, ("", 0))
        if entry := self._entries.get(job):
            self._entries[job] = replace(entry, plan=entry.plan.told(number, request))
            self._keep()

    @Slot(object)
    def finish(self, result: RunResult) -> None:
        """Note which images of a run are no files."""
        job, number = self._runs.get(result.number, ("", 0))
        lacking = {(number, index) for index, path in enumerate(result.paths) if path is None}
        if lacking and job in self._entries:
            self._without_file.setdefault(job, set()).update(lacking)
            entry = self._entries[job]
            plan = replace(entry.plan, source=entry.plan.source or self._source)
            self._entries[job] = replace(entry, plan=plan)

    @Slot(int, int, str)
    def note_written(self, run: int, index: int, path: str) -> None:
        """An image that could not be written has become a file."""
        job, number = self._runs.get(run, ("", 0))
        self._without_file.get(job, set()).discard((number, index))
        self.refresh()

    @Slot()
    def go_on(self) -> None:
        """Do what the last session left."""
        self.offered.emit("")
        self._go_on()

    def _go_on(self) -> None:
        """Some of it, and the rest in the next slots."""
        some, self.left = self.left[:MOST], self.left[MOST:]
        for entry in some:
            self._entries[entry.plan.job] = replace(entry, begun=False) if entry.begun else entry
        if some:
            self.submitted.emit(tuple(entry.plan for entry in some))
        if self.left:
            self._going.start()

    @Slot()
    def forget(self) -> None:
        """Let go of what the last session left."""
        self._going.stop()
        self.left = ()
        self.offered.emit("")
        self._keep()

    def close(self) -> None:
        """Hand over what there is. What the queue does from now on is its end and not the person's
        wish."""
        if self.ready and not self._closed:
            self._timer.stop()
            self._going.stop()
            self._hand_over(most=len(self.left) + len(self._entries) + len(self._kept))
        self._closed = True

    def _look(self, rows: dict[str, StoredRow]) -> None:
        work = partial(former_sessions.read_unfinished, rows, self._folder, self._job_of)
        self._background.submit(work, self._offer, self._begin_anew)

    def _offer(self, found: Found) -> None:
        self.ready = True
        self.left = found.entries
        self._kept = dict.fromkeys(found.jobs, _Kept(None, "", 0.0))
        if found.odd:
            self._store.put(
                {(ODD, job): RowDraft(partial(str, text)) for job, text in found.odd.items()}
            )
        crash = tr("Safelight came to no proper end last time. ") if self._is_crashed() else ""
        if found.odd:
            self.told.emit(
                tr(
                    "{crash}Some of what waited then cannot be read ({count}); it is kept in "
                    "{path}.",
                    crash=crash,
                    count=len(found.odd),
                    path=self._store.path,
                )
            )
        if self.left:
            self.offered.emit(crash + _sentence(found))
        elif crash and not found.odd:
            self.told.emit(tr("{crash}Your words and your pictures are all here.", crash=crash))
        self._keep()

    def _begin_anew(self, error: Exception) -> None:
        """The store cannot be read, such as on a disk that is gone. What it holds stays there."""
        self.ready = True
        self.told.emit(
            tr("What waited last time cannot be read from {path} ({reason}).",
               path=self._store.path, reason=error)
        )  # fmt: skip
        self._keep()

    def _keep(self) -> None:
        if self.ready and not self._closed and not self._timer.isActive():
            self._timer.start()

    def _hand_over(self, most: int = MOST) -> None:
        """Give the store what it does not know yet, some of it if that is much."""
        entries = {entry.plan.job: entry for entry in self.left} | self._entries
        kept, drafts = self._kept, {}
        positions = positions_of([kept[job].position if job in kept else None for job in entries])
        for (job, entry), position in zip(entries.items(), positions, strict=True):
            known = kept.get(job)
            source = "" if entry.plan.source else self._source
            is_told = known is not None and known.entry is entry and known.source == source
            if known is not None and is_told and known.position == position:
                continue
            if len(drafts) == most:
                self._timer.start()  # for the rest
                break
            kept[job] = _Kept(entry, source, position)
            drafts[self._kind, job] = RowDraft(
                None if is_told else partial(_text, entry, source), position
            )
        gone = kept.keys() - entries.keys()
        for job in islice(gone, most):
            del kept[job]
            drafts[self._kind, job] = None
        if len(gone) > most:
            self._timer.start()
        if drafts:
            self._store.put(drafts)


def _text(entry: UnfinishedPlan, source: str) -> str:
    return json.dumps(entry.to_dict(source))


def _sentence(found: Found) -> str:
    pictures, begun = found.pictures, found.is_begun
    if pictures == 1:
        if begun:
            return tr("A picture was not finished: make it again from its beginning?")
        return tr("A picture is still waiting: make it now?")
    if begun:
        return tr("{count} pictures are still waiting, one of them half done.", count=pictures)
    return tr("{count} pictures are still waiting.", count=pictures)
